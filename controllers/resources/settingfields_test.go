// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import (
	"errors"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
)

// settingsOfPods are settings that the operator sets alike in all pods, or leaves at their defaults.
var settingsOfPods = regexp.MustCompile(`^(listen\.|resource\.|secretsDir$|unknownKeys$|(cloudAPI|handoff|notifications)\.timeout$|media\.spoolDir$|messagesAPI\.maxBodyBytes$|` +
	`processing\.(ambiguousWindow|configurationRetry|lease|poll)$|store\.embedded\.path$|webhook\.(ingestTimeout|maxBodyBytes|maxInFlightBytes)$)`)

// TestSettingsHaveFields looks up the field of each setting of the receiver.
func TestSettingsHaveFields(t *testing.T) {
	keys, err := os.ReadFile("../../receiver/config/testdata/keys.txt")
	if err != nil {
		t.Fatal(err)
	}

	webhook := &v1alpha1.WhatsAppWebhook{}
	webhook.Spec.Bird.Endpoints = []v1alpha1.BirdEndpoint{{Method: "AnalyzeImage"}, {Method: "ProcessTextMessage"}}
	webhook.Spec.Processing.ErrorPolicies = []v1alpha1.ErrorPolicy{{Code: 1}, {Code: 131047}}

	for line := range strings.Lines(string(keys)) {
		key, _, _ := strings.Cut(line, " ")
		key = strings.NewReplacer("{string}", ".process_text_message", "{int}", ".131047", "[]", "[2]").Replace(key)

		if strings.HasPrefix(line, "#") || settingsOfPods.MatchString(key) {
			continue
		}

		message := inFields(webhook, errors.New(key+" must be set")).Error()

		field, ok := strings.CutSuffix(message, " must be set")
		if !ok || !hasField(reflect.TypeFor[v1alpha1.WhatsAppWebhook](), field) {
			t.Errorf("%s became %q, which is no field", key, field)
		}
	}
}

// hasField reports whether a type of the API has a field. A field of an element has the index of the element before it.
func hasField(of reflect.Type, path string) bool {
	name, below, more := strings.Cut(path, ".")
	name, _, isElement := strings.Cut(name, "[")

	for field := range of.Fields() {
		if tag, _, _ := strings.Cut(field.Tag.Get("json"), ","); tag != name {
			continue
		}

		next := field.Type
		if isElement != (next.Kind() == reflect.Slice) && more {
			return false
		}

		for next.Kind() == reflect.Slice || next.Kind() == reflect.Pointer {
			next = next.Elem()
		}

		return !more || next.Kind() == reflect.Struct && hasField(next, below)
	}

	return false
}

func TestErrorsNameFields(t *testing.T) {
	ingress := v1alpha1.WhatsAppWebhookSpec{}
	ingress.Ingress.Host = "hooks.example.com"

	gateway := v1alpha1.WhatsAppWebhookSpec{}
	gateway.Gateway.Host = "hooks.example.com"

	declared := v1alpha1.WhatsAppWebhookSpec{}
	declared.CloudAPI.Subscription.CallbackURL = "https://hooks.example.com/webhook"
	declared.Bird.Endpoints = []v1alpha1.BirdEndpoint{{Method: "AnalyzeImage"}, {Method: "ProcessTextMessage"}}

	for name, test := range map[string]struct {
		spec      v1alpha1.WhatsAppWebhookSpec
		err, want string
	}{
		"path of an Ingress": {
			ingress,
			"webhook.path must not be webhook.healthPath, the path of the health check",
			"spec.ingress.path must not be spec.ingress.healthCheckPath, the path of the health check",
		},
		"path of an HTTPRoute": {gateway, "webhook.path must start", "spec.gateway.path must start"},
		"path of a URL":        {declared, "webhook.path must start", "spec.cloudAPI.subscription.callbackURL must start"},
		"two errors": {
			declared,
			"bird.endpoints.process_text_message.timeout is 20m0s\nstore must have only one of embedded and postgreSQL",
			"spec.bird.endpoints[1].timeoutSeconds is 20m0s\nspec.store must have only one of embedded and postgreSQL",
		},
		"words": {
			ingress,
			"store.embedded.backup.folder must not be the folder of the store",
			"spec.store.embedded.backup.volume must not be the folder of the store",
		},
		"list": {ingress, "media.allowedHosts[3] must be a host name", "spec.receiver.media.allowedHosts[3] must be a host name"},
		"line": {ingress, "line 3: cannot unmarshal", "line 3: cannot unmarshal"},
	} {
		t.Run(name, func(t *testing.T) {
			got := inFields(&v1alpha1.WhatsAppWebhook{Spec: test.spec}, errors.New(test.err)).Error()
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
}
