// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/apiserver"
)

// TestOnlyStartSettingsRestartTheReceiver changes settings that the receiver takes over while it runs, and a setting that it
// reads at start. Only the latter changes the pods.
func TestOnlyStartSettingsRestartTheReceiver(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(testCluster.NewNamespace(t), "sales")
	testCluster.MustCreate(t, webhook)
	waitUntilSettled(t, webhook)

	deployment := &appsv1.Deployment{ObjectMeta: named(webhook, "sales")}
	configMap := &corev1.ConfigMap{ObjectMeta: named(webhook, "sales-config")}
	started := apiserver.MustGet(t, testCluster.Server, deployment).Generation

	for _, step := range []struct {
		name     string
		edit     func(*v1alpha1.WhatsAppWebhookSpec)
		config   string // part of the configuration
		restarts bool
	}{
		{
			name:   "fallback text",
			edit:   func(s *v1alpha1.WhatsAppWebhookSpec) { s.Processing.FallbackText = "Back soon" },
			config: "fallbackText: Back soon",
		},
		{
			name:   "protocol of the AI",
			edit:   func(s *v1alpha1.WhatsAppWebhookSpec) { s.Bird.Protocol = v1alpha1.BirdProtocolFlow },
			config: "protocol: Flow",
		},
		{
			name:   "phone numbers",
			edit:   func(s *v1alpha1.WhatsAppWebhookSpec) { s.CloudAPI.PhoneNumberIDs = []string{"106540352242922"} },
			config: "phoneNumberIDs:",
		},
		{
			name:     "level of the log",
			edit:     func(s *v1alpha1.WhatsAppWebhookSpec) { s.Receiver.LogLevel = v1alpha1.LogLevelDebug },
			config:   "level: debug",
			restarts: true,
		},
	} {
		change(t, webhook, func(w *v1alpha1.WhatsAppWebhook) { step.edit(&w.Spec) })
		waitUntilSettled(t, webhook)

		if data := apiserver.MustGet(t, testCluster.Server, configMap).Data["receiver.yaml"]; !strings.Contains(data, step.config) {
			t.Errorf("%s: the configuration lacks %q:\n%s", step.name, step.config, data)
		}

		if changed := apiserver.MustGet(t, testCluster.Server, deployment).Generation != started; changed != step.restarts {
			t.Errorf("%s: the receiver restarts: %t, want %t", step.name, changed, step.restarts)
		}
	}
}
