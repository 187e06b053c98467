// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package doctor

import "slices"

// The groups of checks.
const (
	groupConfiguration = "configuration"
	groupPublicURL     = "public-url"
	groupMeta          = "meta"
	groupAI            = "ai"
	groupConnections   = "connections"
	groupReceiver      = "receiver"
)

// The names of the checks.
const (
	checkSettings     = "settings"
	checkSecrets      = "secrets"
	checkSecretValues = "secret-values"

	checkURL        = "url"
	checkDNS        = "dns"
	checkConnection = "connection"
	checkTLS        = "tls"
	checkHandshake  = "handshake"
	checkSignature  = "signature"
	checkBodySize   = "body-size"

	checkGraph           = "graph"
	checkClock           = "clock"
	checkToken           = "token"
	checkTokenScopes     = "token-scopes"
	checkAppSecret       = "app-secret"
	checkAppLive         = "app-live"
	checkAppSubscription = "app-subscription"
	checkSubscribedApps  = "subscribed-apps"
	checkOverrides       = "overrides"
	checkResponders      = "responders"
	checkNumbers         = "numbers"
	checkQuality         = "quality"
	checkSending         = "sending"

	checkAIConnection = "ai"

	checkMessagesAPI = "messages-api"
	checkSink        = "sink"
	checkDesk        = "desk"
	checkBackup      = "backup"

	checkHealthPath  = "health-path"
	checkProblems    = "problems"
	checkCircuits    = "circuits"
	checkStore       = "store"
	checkDisk        = "disk"
	checkBacklog     = "backlog"
	checkDeadLetters = "dead-letters"
	checkQuarantine  = "quarantine"
	checkHandedOver  = "handed-over"
)

// catalog lists all checks in the order of the report.
var catalog = []Check{
	{Name: checkSettings, Group: groupConfiguration, Title: "Configuration file"},
	{Name: checkSecrets, Group: groupConfiguration, Title: "Secrets"},
	{Name: checkSecretValues, Group: groupConfiguration, Title: "Values of the secrets"},

	{Name: checkURL, Group: groupPublicURL, Title: "Callback URL"},
	{Name: checkDNS, Group: groupPublicURL, Title: "DNS"},
	{Name: checkConnection, Group: groupPublicURL, Title: "Connection"},
	{Name: checkTLS, Group: groupPublicURL, Title: "Certificate"},
	{Name: checkHandshake, Group: groupPublicURL, Title: "Verification request"},
	{Name: checkSignature, Group: groupPublicURL, Title: "Signed delivery"},
	{Name: checkBodySize, Group: groupPublicURL, Title: "Delivery of 3 MB"},

	{Name: checkGraph, Group: groupMeta, Title: "Graph API"},
	{Name: checkClock, Group: groupMeta, Title: "Clock"},
	{Name: checkToken, Group: groupMeta, Title: "Access token"},
	{Name: checkTokenScopes, Group: groupMeta, Title: "Permissions of the token"},
	{Name: checkAppSecret, Group: groupMeta, Title: "App secret"},
	{Name: checkAppLive, Group: groupMeta, Title: "App published"},
	{Name: checkAppSubscription, Group: groupMeta, Title: "Subscription of the app"},
	{Name: checkSubscribedApps, Group: groupMeta, Title: "Subscription of the accounts"},
	{Name: checkOverrides, Group: groupMeta, Title: "Overrides"},
	{Name: checkResponders, Group: groupMeta, Title: "Other responders"},
	{Name: checkNumbers, Group: groupMeta, Title: "Phone numbers"},
	{Name: checkQuality, Group: groupMeta, Title: "Quality"},
	{Name: checkSending, Group: groupMeta, Title: "Sending"},

	{Name: checkAIConnection, Group: groupAI, Title: "AI"},

	{Name: checkMessagesAPI, Group: groupConnections, Title: "Messages API"},
	{Name: checkSink, Group: groupConnections, Title: "Sink"},
	{Name: checkDesk, Group: groupConnections, Title: "Desk"},
	{Name: checkBackup, Group: groupConnections, Title: "Scheduled backups"},

	{Name: checkHealthPath, Group: groupReceiver, Title: "Health checks"},
	{Name: checkProblems, Group: groupReceiver, Title: "Problems"},
	{Name: checkCircuits, Group: groupReceiver, Title: "Closed scopes"},
	{Name: checkStore, Group: groupReceiver, Title: "Store"},
	{Name: checkDisk, Group: groupReceiver, Title: "Disk"},
	{Name: checkBacklog, Group: groupReceiver, Title: "Backlog"},
	{Name: checkDeadLetters, Group: groupReceiver, Title: "Dead letters"},
	{Name: checkQuarantine, Group: groupReceiver, Title: "Quarantine"},
	{Name: checkHandedOver, Group: groupReceiver, Title: "Conversations of people"},
}

// Catalog returns all checks without results, in the order of a report.
func Catalog() []Check { return slices.Clone(catalog) }
