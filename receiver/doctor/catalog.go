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
	{Name: checkSettings, Group: groupConfiguration, Title: "The configuration is loaded in full"},
	{Name: checkSecrets, Group: groupConfiguration, Title: "No secret is missing"},
	{Name: checkSecretValues, Group: groupConfiguration, Title: "The secrets look like what they should be"},

	{Name: checkURL, Group: groupPublicURL, Title: "Meta can be given the URL"},
	{Name: checkDNS, Group: groupPublicURL, Title: "The host name resolves"},
	{Name: checkConnection, Group: groupPublicURL, Title: "The host is reached"},
	{Name: checkTLS, Group: groupPublicURL, Title: "The certificate is one that Meta trusts"},
	{Name: checkHandshake, Group: groupPublicURL, Title: "Meta's verification request is answered"},
	{Name: checkSignature, Group: groupPublicURL, Title: "A signed delivery is accepted"},
	{Name: checkBodySize, Group: groupPublicURL, Title: "A delivery of 3 MB is accepted"},

	{Name: checkGraph, Group: groupMeta, Title: "Meta's Graph API is reached"},
	{Name: checkClock, Group: groupMeta, Title: "The clock is right"},
	{Name: checkToken, Group: groupMeta, Title: "The access token is valid"},
	{Name: checkTokenScopes, Group: groupMeta, Title: "The access token has its permissions"},
	{Name: checkAppSecret, Group: groupMeta, Title: "The app secret belongs to the app"},
	{Name: checkAppLive, Group: groupMeta, Title: "The app is published"},
	{Name: checkAppSubscription, Group: groupMeta, Title: "The app is subscribed to the webhooks, at this URL"},
	{Name: checkSubscribedApps, Group: groupMeta, Title: "The app is subscribed to the business accounts"},
	{Name: checkOverrides, Group: groupMeta, Title: "No override sends messages elsewhere"},
	{Name: checkResponders, Group: groupMeta, Title: "No other app or responder answers"},
	{Name: checkNumbers, Group: groupMeta, Title: "The phone numbers are registered"},
	{Name: checkQuality, Group: groupMeta, Title: "The quality of the phone numbers"},
	{Name: checkSending, Group: groupMeta, Title: "Meta lets messages out"},

	{Name: checkAIConnection, Group: groupAI, Title: "The AI is reached, and takes the key"},

	{Name: checkMessagesAPI, Group: groupConnections, Title: "The messages API answers at its Service"},
	{Name: checkSink, Group: groupConnections, Title: "The sink of notices is reached"},
	{Name: checkDesk, Group: groupConnections, Title: "The desk is reached"},

	{Name: checkHealthPath, Group: groupReceiver, Title: "The health checks of load balancers are answered"},
	{Name: checkProblems, Group: groupReceiver, Title: "No call is refused"},
	{Name: checkCircuits, Group: groupReceiver, Title: "Nothing waits for a closed scope"},
	{Name: checkStore, Group: groupReceiver, Title: "The store takes events"},
	{Name: checkDisk, Group: groupReceiver, Title: "The store's disk has room"},
	{Name: checkBacklog, Group: groupReceiver, Title: "No message waits long"},
	{Name: checkDeadLetters, Group: groupReceiver, Title: "There are no dead letters"},
	{Name: checkQuarantine, Group: groupReceiver, Title: "No message belongs to an unknown number"},
	{Name: checkHandedOver, Group: groupReceiver, Title: "No person waits for a colleague"},
}

// Catalog returns all checks without results, in the order of a report.
func Catalog() []Check { return slices.Clone(catalog) }
