// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package v1alpha1 is the API of the WhatsAppWebhook resource: a WhatsApp Business number answered by an AI.
//
// Rules that span fields are CEL in the CRD, so that an invalid resource is rejected at admission. Defaults are not in
// the CRD: the operator resolves them, so a resource contains only what its author set.
//
// +groupName=whatsapp.wawebhook.dev
// +kubebuilder:object:generate=true
package v1alpha1
