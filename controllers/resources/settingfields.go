// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
)

// settingFields are the fields of the spec for the settings of the receiver that have another name or place. Each entry also
// applies to the settings below it.
var settingFields = map[string]string{
	"bird.circuitBreaker.openDuration":   "bird.circuitBreaker.openSeconds",
	"bird.flow.timeout":                  "bird.flow.timeoutSeconds",
	"handoff.authScheme":                 "handoff.keySecretRef",
	"log.level":                          "receiver.logLevel",
	"media":                              "receiver.media",
	"media.downloadTimeout":              "receiver.media.downloadTimeoutSeconds",
	"media.maxSpoolBytes":                "receiver.media.maxSpoolSize",
	"messagesAPI.roles":                  "messagesAPI.keys",
	"notifications.signed":               "notifications.signingKeySecretRef",
	"openAI.circuitBreaker.openDuration": "openAI.circuitBreaker.openSeconds",
	"openAI.instructionsFile":            "openAI.instructionsConfigMapRef",
	"openAI.memory.duration":             "openAI.memory.hours",
	"openAI.timeout":                     "openAI.timeoutSeconds",
	"processing.answerWithin":            "processing.answerWithinSeconds",
	"processing.debounce":                "processing.debounceSeconds",
	"processing.handoffDuration":         "processing.handoffSeconds",
	"processing.retry.baseDelay":         "processing.retry.baseDelaySeconds",
	"processing.retry.maxDelay":          "processing.retry.maxDelaySeconds",
	"shutdown.drainTimeout":              "receiver.shutdown.drainSeconds",
	"store.embedded.backup.folder":       "store.embedded.backup.volume",
	"store.encrypted":                    "store.encryption.keySecretRefs",
	"tracing":                            "monitoring.tracing",
	"webhook.healthPath":                 "ingress.healthCheckPath",
	"webhook.mutualTLS":                  "cloudAPI.mutualTLS",
}

// callbackField is the field that a URL and its path are rendered from unless an Ingress or HTTPRoute has them.
const callbackField = "cloudAPI.subscription.callbackURL"

// settingInText matches the name of a setting of the receiver: at the start of a line with one part, elsewhere with more.
var settingInText = regexp.MustCompile(`(?m)(^|[ :])(bird|cloudAPI|handoff|log|media|messagesAPI|notifications|openAI|processing|shutdown|store|tracing|webhook)` +
	`((?:\.[A-Za-z0-9_]+|\[[0-9]+\])*)\b`)

// inFields returns an error of the receiver's configuration with the fields of the resource instead of its settings.
func inFields(webhook *v1alpha1.WhatsAppWebhook, err error) error {
	text := err.Error()

	var named strings.Builder

	end := 0

	for _, match := range settingInText.FindAllStringSubmatchIndex(text, -1) {
		start := match[4]
		if match[6] == match[7] && match[2] != match[3] {
			continue // a word, such as "store"
		}

		named.WriteString(text[end:start])
		named.WriteString("spec." + fieldOf(webhook, text[start:match[7]]))

		end = match[7]
	}

	named.WriteString(text[end:])

	return errors.New(named.String())
}

// fieldOf returns the field of the spec that a setting of the receiver is rendered from.
func fieldOf(webhook *v1alpha1.WhatsAppWebhook, setting string) string {
	spec := webhook.Spec

	switch setting {
	case "webhook.path":
		if cmp.Or(spec.Ingress.Host, spec.Gateway.Host) == "" {
			return callbackField
		}

		return publisher(spec) + ".path"
	case "webhook.publicURL":
		if spec.CloudAPI.Subscription.CallbackURL != "" {
			return callbackField
		}

		return publisher(spec) + ".host"
	}

	if method, ok := strings.CutPrefix(setting, "bird.endpoints."); ok {
		return endpointField(spec.Bird.Endpoints, method)
	}

	if code, ok := strings.CutPrefix(setting, "processing.errorPolicies."); ok {
		return errorPolicyField(spec.Processing.ErrorPolicies, code)
	}

	for above := setting; above != ""; above = above[:max(strings.LastIndexAny(above, ".["), 0)] {
		if field, ok := settingFields[above]; ok {
			return field + strings.TrimPrefix(setting, above)
		}
	}

	return setting
}

// publisher returns the field with the host and the path of the webhook.
func publisher(spec v1alpha1.WhatsAppWebhookSpec) string {
	if spec.Ingress.Host == "" && spec.Gateway.Host != "" {
		return "gateway"
	}

	return "ingress"
}

var endpointFields = map[string]string{
	"enabled": ".state",
	"path":    ".path",
	"timeout": ".timeoutSeconds",
}

// endpointField returns the field for a setting of a method.
func endpointField(endpoints []v1alpha1.BirdEndpoint, setting string) string {
	method, key, _ := strings.Cut(setting, ".")

	for i, endpoint := range endpoints {
		if snakeCase(string(endpoint.Method)) == method {
			return fmt.Sprintf("bird.endpoints[%d]%s", i, endpointFields[key])
		}
	}

	return "bird.endpoints"
}

// errorPolicyField returns the field for a setting of an error code.
func errorPolicyField(policies []v1alpha1.ErrorPolicy, setting string) string {
	code, key, _ := strings.Cut(setting, ".")

	for i, policy := range policies {
		if strconv.Itoa(int(policy.Code)) == code {
			return strings.TrimSuffix(fmt.Sprintf("processing.errorPolicies[%d].%s", i, key), ".")
		}
	}

	return "processing.errorPolicies"
}
