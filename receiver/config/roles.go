// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package config

// The roles of the secrets. Each role is a subfolder of secretsDir with one file per value. During a rotation, the app
// secret and the keys of the messages API have the old and the new value, in any order. Every other role has one value.
const (
	RoleAccessToken    = "access-token"     // Meta's token for the Graph API
	RoleAppSecret      = "app-secret"       // with which Meta signs deliveries; 1 to MaxValues values
	RoleVerifyToken    = "verify-token"     // for Meta's verification of the callback URL
	RoleBirdAccessKey  = "bird-access-key"  // of the AI, unless bird.authScheme is None
	RoleFlowSigningKey = "flow-signing-key" // with bird.flow.signatureHeader
	RoleOpenAIKey      = "openai-key"       // with openAI, unless openAI.authScheme is None
	RoleSinkSigningKey = "sink-signing-key" // with which notices are signed; optional

	RoleAssistantKey = "messages-assistant-key" // with which the AI calls the messages API; up to MaxValues values
	RoleDeskKey      = "messages-desk-key"      // with which people call it; up to MaxValues values
	RoleHandoffKey   = "handoff-key"            // for the desk, unless handoff.authScheme is None

	RoleStoreKey = "store-key" // with which payloads are encrypted; up to MaxValues values, of which the first encrypts

	RoleDatabaseURL = "database-url" // with the PostgreSQL store
	RoleDatabaseCA  = "database-ca"  // PEM; optional

	RoleBackupKeyID  = "backup-access-key-id"     // with store.embedded.backup.s3
	RoleBackupSecret = "backup-secret-access-key" // with store.embedded.backup.s3

	// The CA certificates, PEM, that are trusted besides those of the system; each is optional.
	RoleMetaCA    = "meta-ca"    // for Meta
	RoleAICA      = "ai-ca"      // for the bridge, the flow or the model
	RoleSinkCA    = "sink-ca"    // for the sink of notices
	RoleHandoffCA = "handoff-ca" // for the desk
	RoleBackupCA  = "backup-ca"  // for the bucket of copies
	RoleTracingCA = "tracing-ca" // for the collector of traces

	RoleServerCertificate = "server-certificate" // PEM; with mutual TLS
	RoleServerKey         = "server-key"         // PEM
	RoleClientCA          = "client-ca"          // PEM, of Meta's client certificate
)

// MaxValues is the maximum number of values of a role with several: app secrets and keys of the messages API, of which all are
// accepted at the same time, and keys of the store, of which all decrypt.
const MaxValues = 4
