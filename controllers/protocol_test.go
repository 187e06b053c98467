// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/apiserver"
)

// TestChangingTheProtocol goes from the contract to a flow, to a model and back. Each step rolls out a configuration of one
// AI with its secrets only, and the store with the messages that wait stays the same.
func TestChangingTheProtocol(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(testCluster.NewNamespace(t), "sales")
	testCluster.MustCreate(t, webhook)
	waitUntilSettled(t, webhook)

	claim := apiserver.MustGet(t, testCluster.Server, &corev1.PersistentVolumeClaim{ObjectMeta: named(webhook, "sales-store")})
	contract := webhook.Spec.Bird

	for _, step := range []struct {
		name   string
		edit   func(*v1alpha1.WhatsAppWebhookSpec)
		config string   // part of the configuration
		roles  []string // of the secrets of the AI
	}{
		{
			name: "flow",
			edit: func(s *v1alpha1.WhatsAppWebhookSpec) {
				s.Bird.Protocol = v1alpha1.BirdProtocolFlow
				s.Bird.Flow.SigningKeySecretRef = v1alpha1.SecretKeyReference{Name: "bird", Key: "hmac"}
			},
			config: "protocol: Flow",
			roles:  []string{"bird-access-key", "flow-signing-key"},
		},
		{
			name: "model",
			edit: func(s *v1alpha1.WhatsAppWebhookSpec) {
				s.Bird = v1alpha1.BirdSpec{}
				s.OpenAI = v1alpha1.OpenAISpec{
					BaseURL:                  "https://api.example.com/v1",
					Model:                    "small",
					KeySecretRef:             v1alpha1.SecretKeyReference{Name: "model", Key: "key"},
					InstructionsConfigMapRef: v1alpha1.ConfigMapKeyReference{Name: "prompt", Key: "prompt.md"},
				}
			},
			config: "openAI:",
			roles:  []string{"openai-key"},
		},
		{
			name: "contract",
			edit: func(s *v1alpha1.WhatsAppWebhookSpec) {
				s.Bird = contract
				s.OpenAI = v1alpha1.OpenAISpec{}
			},
			config: "bird:\n    baseURL: https://bridge.example.com\n",
			roles:  []string{"bird-access-key"},
		},
	} {
		deployment := apiserver.MustGet(t, testCluster.Server, &appsv1.Deployment{ObjectMeta: named(webhook, "sales")})
		before := deployment.Generation

		change(t, webhook, func(w *v1alpha1.WhatsAppWebhook) { step.edit(&w.Spec) })
		waitUntilSettled(t, webhook)

		configMap := apiserver.MustGet(t, testCluster.Server, &corev1.ConfigMap{ObjectMeta: named(webhook, "sales-config")})
		if !strings.Contains(configMap.Data["receiver.yaml"], step.config) {
			t.Errorf("%s: the configuration lacks %q:\n%s", step.name, step.config, configMap.Data["receiver.yaml"])
		}

		if apiserver.MustGet(t, testCluster.Server, deployment).Generation == before {
			t.Errorf("%s: the receiver is not rolled out", step.name)
		}

		if err := want(rolesOfAI(deployment), step.roles); err != nil {
			t.Errorf("%s: mounted secrets of the AI: %v", step.name, err)
		}

		if !mounts(deployment, claim.Name) {
			t.Errorf("%s: the store is not mounted", step.name)
		}

		uid := claim.UID
		if apiserver.MustGet(t, testCluster.Server, claim).UID != uid {
			t.Errorf("%s: the claim of the store is another one", step.name)
		}
	}
}

// rolesOfAI returns the mounted roles of secrets that concern the AI, sorted.
func rolesOfAI(deployment *appsv1.Deployment) []string {
	var roles []string
	for _, volume := range deployment.Spec.Template.Spec.Volumes {
		if volume.Projected == nil {
			continue
		}

		for _, source := range volume.Projected.Sources {
			role, _, _ := strings.Cut(source.Secret.Items[0].Path, "/")
			if slices.Contains([]string{"bird-access-key", "flow-signing-key", "openai-key"}, role) {
				roles = append(roles, role)
			}
		}
	}

	slices.Sort(roles)

	return roles
}

// TestMessagesAPIIsExposedAndRemoved publishes the messages API and links to media, and then removes both.
func TestMessagesAPIIsExposedAndRemoved(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(testCluster.NewNamespace(t), "sales")
	webhook.Spec.Ingress.Host = "hooks.example.com"
	webhook.Spec.Bird.Media.Transport = v1alpha1.MediaTransportURL
	webhook.Spec.MessagesAPI = v1alpha1.MessagesAPISpec{
		Keys:     []v1alpha1.MessagesAPIKey{{SecretRef: v1alpha1.SecretKeyReference{Name: "bird", Key: "messages"}}},
		Exposure: v1alpha1.ExposurePublic,
	}
	testCluster.MustCreate(t, webhook)

	ingress := &networkingv1.Ingress{ObjectMeta: named(webhook, "sales")}
	published := func(paths map[string]string) func() error {
		return func() error {
			got := map[string]string{}
			for _, path := range apiserver.MustGet(t, testCluster.Server, ingress).Spec.Rules[0].HTTP.Paths {
				got[path.Path] = path.Backend.Service.Name
			}

			return want(got, paths)
		}
	}

	waitUntilSettled(t, webhook)
	apiserver.Eventually(t, published(map[string]string{
		"/webhooks/whatsapp": "sales",
		"/media/":            "sales",
		"/v1/":               "sales-messages",
	}))

	change(t, webhook, func(w *v1alpha1.WhatsAppWebhook) {
		w.Spec.MessagesAPI.Exposure = v1alpha1.ExposureCluster
		w.Spec.Bird.Media = v1alpha1.BirdMediaSpec{}
	})
	waitUntilSettled(t, webhook)
	apiserver.Eventually(t, published(map[string]string{"/webhooks/whatsapp": "sales"}))

	names := slices.Collect(maps.Keys(children(t, webhook)))
	if !slices.Contains(names, "Service sales-messages") {
		t.Errorf("objects %v; want the Service of the messages API in the cluster", names)
	}

	change(t, webhook, func(w *v1alpha1.WhatsAppWebhook) { w.Spec.MessagesAPI = v1alpha1.MessagesAPISpec{} })
	waitUntilSettled(t, webhook)
	apiserver.Eventually(t, func() error {
		names := slices.Collect(maps.Keys(children(t, webhook)))
		deployment := apiserver.MustGet(t, testCluster.Server, &appsv1.Deployment{ObjectMeta: named(webhook, "sales")})

		return errors.Join(
			want(slices.Contains(names, "Service sales-messages"), false),
			want(len(deployment.Spec.Template.Spec.Containers[0].Ports), 2),
		)
	})
}

// TestMissingKeysAreNamed shows the Secrets of the roles that belong to the AI, the messages API and the desk.
func TestMissingKeysAreNamed(t *testing.T) {
	t.Parallel()

	key := func(key string) v1alpha1.SecretKeyReference {
		return v1alpha1.SecretKeyReference{Name: "keys", Key: key}
	}

	webhook := newWebhook(testCluster.NewNamespace(t), "sales")
	webhook.Spec.Bird.Protocol = v1alpha1.BirdProtocolFlow
	webhook.Spec.Bird.Flow.SigningKeySecretRef = key("hmac")
	webhook.Spec.Handoff = v1alpha1.HandoffSpec{URL: "https://desk.example.com", KeySecretRef: key("desk")}
	webhook.Spec.MessagesAPI.Keys = []v1alpha1.MessagesAPIKey{
		{SecretRef: key("old")},
		{SecretRef: key("new"), Role: v1alpha1.MessagesAPIRoleAssistant},
		{SecretRef: key("people"), Role: v1alpha1.MessagesAPIRoleDesk},
	}
	testCluster.MustCreate(t, webhook)
	waitUntilSettled(t, webhook)

	newPod(t, webhook, health.Report{
		MissingSecrets: []string{"flow-signing-key", "messages-assistant-key", "messages-desk-key", "handoff-key"},
	})
	apiserver.Eventually(t, func() error {
		if err := testCluster.Get(t.Context(), client.ObjectKeyFromObject(webhook), webhook); err != nil {
			return err
		}

		const wanted = `the receiver is waiting for key "hmac" of Secret "keys", key "desk" of Secret "keys", ` +
			`key "old" of Secret "keys" or key "new" of Secret "keys", key "people" of Secret "keys"`
		if got := message(webhook, v1alpha1.ConditionSecretsAvailable); !strings.HasPrefix(got, wanted) {
			return errors.New("the message is " + got)
		}

		return nil
	})
}
