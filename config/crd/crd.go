// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package crd holds the CustomResourceDefinition of WhatsAppWebhook, for programs that check resources without a cluster.
package crd

import _ "embed"

// WhatsAppWebhooks is the CustomResourceDefinition in YAML.
//
//go:embed bases/whatsapp.wawebhook.dev_whatsappwebhooks.yaml
var WhatsAppWebhooks []byte
