// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package v1alpha1 is the WhatsAppWebhook resource: a WhatsApp Business number answered by an AI. Rules that span
// fields are CEL in the CRD, so a wrong resource is refused at admission; defaults are not in the CRD but resolved by
// the operator, so a resource says what its author chose and nothing else.
//
// +groupName=whatsapp.wawebhook.dev
// +kubebuilder:object:generate=true
// +kubebuilder:ac:generate=true
package v1alpha1
