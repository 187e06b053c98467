// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package config

// The roles of the secrets: each is a subfolder of secretsDir that holds one file for each value. Rotation of the app
// secret keeps the old and the new one side by side, in any order; every other role has one value.
const (
	RoleAccessToken    = "access-token"     // Meta's token for the Graph API
	RoleAppSecret      = "app-secret"       // signs deliveries; 1 to 4 values
	RoleVerifyToken    = "verify-token"     // of the subscription handshake
	RoleBirdAccessKey  = "bird-access-key"  // of the AI
	RoleSinkSigningKey = "sink-signing-key" // of notices; optional

	RoleDatabaseURL = "database-url" // with the PostgreSQL store
	RoleDatabaseCA  = "database-ca"  // PEM; optional

	RoleServerCertificate = "server-certificate" // PEM; with mutual TLS
	RoleServerKey         = "server-key"         // PEM
	RoleClientCA          = "client-ca"          // PEM; Meta's
)

// MaxAppSecrets bounds how many app secrets are accepted side by side.
const MaxAppSecrets = 4
