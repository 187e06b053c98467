// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cel

import (
	"fmt"
	"slices"
	"strings"
)

// limitCases returns cases on both sides of every limit on a single field.
func limitCases() []specCase {
	return slices.Concat(numberCases(), textCases(), listCases(), mapCases(), choiceCases(), presenceCases())
}

// valid returns a case that must be accepted.
func valid(path string, value any) specCase {
	return specCase{name: caseName(path, value), spec: specWith(path, value)}
}

// invalid returns a case that must be rejected with the message.
func invalid(path string, value any, message string) specCase {
	return specCase{
		name:    caseName(path, value),
		spec:    specWith(path, value),
		field:   "spec." + path,
		message: message,
	}
}

func caseName(path string, value any) string {
	return fmt.Sprintf("%.80s", fmt.Sprint(path, " ", value))
}

func numberCases() []specCase {
	var cases []specCase
	for _, number := range []struct {
		path        string
		least, most int64
	}{
		{"cloudAPI.messagesPerSecond", 1, 1000},
		{"bird.endpoints[].timeoutSeconds", 1, 600},
		{"bird.circuitBreaker.failureThreshold", 1, 10000},
		{"bird.circuitBreaker.openSeconds", 1, 3600},
		{"bird.flow.maxBodyBytes", 1024, 67108864},
		{"bird.flow.timeoutSeconds", 1, 600},
		{"openAI.memory.turns", 0, 200},
		{"openAI.memory.hours", 1, 720},
		{"openAI.memory.characters", 100, 1000000},
		{"openAI.maxOutputTokens", 1, 1000000},
		{"openAI.timeoutSeconds", 1, 600},
		{"openAI.circuitBreaker.failureThreshold", 1, 10000},
		{"openAI.circuitBreaker.openSeconds", 1, 3600},
		{"processing.concurrency", 1, 10000},
		{"processing.retry.maxRetries", 0, 20},
		{"processing.retry.baseDelaySeconds", 1, 3600},
		{"processing.retry.maxDelaySeconds", 1, 86400},
		{"processing.debounceSeconds", 0, 60},
		{"processing.maxMessagesPerAnswer", 1, 10},
		{"processing.answerWithinSeconds", 1, 86400},
		{"processing.handoffSeconds", 1, 2592000},
		{"processing.errorPolicies[].code", 1, 99999999},
		{"store.postgreSQL.maxConnections", 4, 1000},
		{"store.retentionDays", 1, 3650},
		{"store.deadLetterDays", 1, 3650},
		{"store.embedded.backup.keep", 1, 1000},
		{"store.embedded.backup.keepDays", 1, 3650},
		{"receiver.replicas", 0, 100},
		{"receiver.autoscaling.minReplicas", 1, 100},
		{"receiver.autoscaling.maxReplicas", 1, 100},
		{"receiver.autoscaling.cpu.targetUtilizationPercent", 1, 1000},
		{"receiver.autoscaling.pendingWork.targetPerReplica", 1, 1000000},
		{"receiver.podDisruptionBudget.maxUnavailable", 0, 100},
		{"receiver.media.downloadTimeoutSeconds", 1, 3600},
		{"receiver.shutdown.drainSeconds", 1, 600},
		{"monitoring.serviceMonitor.intervalSeconds", 1, 3600},
		{"monitoring.prometheusRule.oldestPendingSeconds", 1, 86400},
		{"monitoring.prometheusRule.silenceAfterMinutes", 5, 43200},
		{"networkPolicy.databasePort", 1, 65535},
	} {
		cases = append(cases,
			valid(number.path, number.least),
			valid(number.path, number.most),
			invalid(number.path, number.least-1, fmt.Sprintf("should be greater than or equal to %d", number.least)),
			invalid(number.path, number.most+1, fmt.Sprintf("should be less than or equal to %d", number.most)))
	}

	return cases
}

func textCases() []specCase {
	type text struct {
		path        string
		least, most int
		start       string // of the longest text; its last character is repeated
	}

	texts := []text{
		{"cloudAPI.baseURL", 1, 512, "https://a"},
		{"cloudAPI.version", 1, 7, ""},
		{"cloudAPI.phoneNumberIDs[]", 1, 32, "1"},
		{"cloudAPI.subscription.appID", 1, 32, "1"},
		{"cloudAPI.subscription.businessAccountIDs[]", 1, 32, "1"},
		{"cloudAPI.subscription.fields[]", 1, 64, "a"},
		{"cloudAPI.subscription.callbackURL", 1, 200, "https://a.example.com/a"},
		{"cloudAPI.mutualTLS.certificateSecretName", 1, 253, "a"},
		{"cloudAPI.mutualTLS.commonName", 1, 64, "a"},
		{"bird.baseURL", 1, 512, "https://a"},
		{"bird.workspaceID", 1, 128, "a"},
		{"bird.aiEmployeeID", 1, 128, "a"},
		{"bird.endpoints[].path", 1, 256, "/a"},
		{"bird.flow.signatureHeader", 1, 64, "a"},
		{"openAI.baseURL", 1, 512, "https://a"},
		{"openAI.model", 1, 256, "a"},
		{"openAI.instructionsConfigMapRef.name", 1, 253, "a"},
		{"openAI.instructionsConfigMapRef.key", 1, 253, "a"},
		{"openAI.transcriptionModel", 1, 256, "a"},
		{"handoff.url", 1, 512, "https://a"},
		{"notifications.sinkURL", 1, 512, "https://a"},
		{"processing.fallbackText", 1, 4096, "a"},
		{"processing.fallbackTemplate.name", 1, 512, "a"},
		{"processing.fallbackTemplate.language", 2, 16, "a"},
		{"store.embedded.storageClassName", 0, 253, "a"},
		{"store.embedded.existingClaim", 1, 253, "a"},
		{"store.embedded.backup.schedule", 1, 128, ""},
		{"store.embedded.backup.restore", 1, 25, ""},
		{"store.embedded.backup.s3.bucket", 3, 63, "a"},
		{"store.embedded.backup.s3.prefix", 1, 512, "a"},
		{"store.embedded.backup.s3.region", 1, 64, "a"},
		{"store.embedded.backup.s3.endpoint", 1, 512, "https://a"},
		{"store.embedded.backup.volume.existingClaim", 1, 253, "a"},
		{"store.embedded.backup.volume.subPath", 1, 512, "a"},
		{"store.embedded.dataSource.apiGroup", 1, 253, ""},
		{"store.embedded.dataSource.name", 1, 253, "a"},
		{"receiver.image", 1, 512, "a"},
		{"receiver.proxy.httpURL", 1, 512, "http://a"},
		{"receiver.proxy.httpsURL", 1, 512, "http://a"},
		{"receiver.proxy.noProxy[]", 1, 255, "a"},
		{"receiver.media.allowedHosts[]", 1, 253, "a"},
		{"service.loadBalancerClass", 1, 317, ""},
		{"service.loadBalancerSourceRanges[]", 1, 43, ""},
		{"receiver.scheduling.priorityClassName", 1, 253, "a"},
		{"ingress.host", 1, 253, "a"},
		{"ingress.path", 1, 256, "/a"},
		{"ingress.className", 1, 253, "a"},
		{"ingress.tlsSecretName", 1, 253, "a"},
		{"ingress.healthCheckPath", 1, 256, "/a"},
		{"gateway.host", 1, 253, "a"},
		{"gateway.path", 1, 256, "/a"},
		{"gateway.parentRefs[].name", 1, 253, "a"},
		{"gateway.parentRefs[].namespace", 1, 63, "a"},
		{"gateway.parentRefs[].sectionName", 1, 253, "a"},
		{"monitoring.tracing.endpointURL", 1, 512, "https://a"},
		{"monitoring.tracing.linkTemplate", 1, 512, "https://a/{traceID}"},
	}
	for _, ref := range secretRefs() {
		texts = append(texts, text{ref + ".name", 1, 253, "a"}, text{ref + ".key", 1, 253, "a"})
	}

	var cases []specCase
	for _, text := range texts {
		cases = append(cases, invalid(text.path, strings.Repeat("1", text.most+1), fmt.Sprintf("may not be more than %d bytes", text.most)))
		if text.start != "" { // no version of the maximum length matches the rule
			last := text.start[len(text.start)-1:]
			cases = append(cases, valid(text.path, text.start+strings.Repeat(last, text.most-len(text.start))))
		}

		if text.least > 0 {
			cases = append(cases, invalid(text.path, strings.Repeat("a", text.least-1), fmt.Sprintf("should be at least %d chars long", text.least)))
		} else {
			cases = append(cases, valid(text.path, ""))
		}
	}

	return cases
}

func listCases() []specCase {
	const duplicate = "Duplicate value"

	secret := func(i int) any { return map[string]any{"name": "whatsapp", "key": fmt.Sprintf("app-secret-%d", i)} }
	number := func(i int) any { return fmt.Sprint(i + 1) }
	host := func(i int) any { return fmt.Sprintf("host-%d.example.com", i) }
	peer := func(int) any { return map[string]any{"podSelector": map[string]any{}} }

	var cases []specCase
	for _, list := range []struct {
		path        string
		least, most int
		twice       string // message about an item that is there twice; "" if that is valid
		item        func(i int) any
	}{
		{"cloudAPI.phoneNumberIDs", 1, 256, duplicate, number},
		{"cloudAPI.appSecretSecretRefs", 1, 4, duplicate, secret},
		{"cloudAPI.subscription.businessAccountIDs", 1, 64, duplicate, number},
		{"cloudAPI.subscription.fields", 1, 64, duplicate, func(i int) any { return strings.Repeat("a", i+1) }},
		{"bird.endpoints", 0, 20, duplicate, func(i int) any { return map[string]any{"method": birdMethods()[i%20]} }},
		{"store.encryption.keySecretRefs", 1, 4, "", secret},
		{"messagesAPI.keys", 1, 4, "must each refer to a different key of a Secret", func(i int) any { return map[string]any{"secretRef": secret(i)} }},
		{"processing.errorPolicies", 0, 128, duplicate, func(i int) any { return map[string]any{"code": int64(i + 1), "class": "Permanent"} }},
		{"receiver.imagePullSecrets", 0, 16, duplicate, func(i int) any { return map[string]any{"name": fmt.Sprintf("registry-%d", i)} }},
		{"receiver.env", 0, 64, duplicate, func(i int) any { return map[string]any{"name": fmt.Sprintf("VARIABLE_%d", i), "value": "a"} }},
		{"receiver.proxy.noProxy", 0, 64, duplicate, host},
		{"receiver.media.allowedHosts", 1, 16, duplicate, host},
		{"service.loadBalancerSourceRanges", 1, 64, duplicate, func(i int) any { return fmt.Sprintf("10.0.0.%d/32", i) }},
		{"receiver.scheduling.tolerations", 0, 64, "", func(int) any { return map[string]any{"operator": "Exists"} }},
		{"receiver.scheduling.topologySpreadConstraints", 0, 16, "", func(int) any {
			return map[string]any{
				"maxSkew":           int64(1),
				"topologyKey":       "zone",
				"whenUnsatisfiable": "ScheduleAnyway",
			}
		}},
		{"gateway.parentRefs", 1, 8, "", func(int) any { return map[string]any{"name": "public"} }},
		{"networkPolicy.webhookFrom", 1, 16, "", peer},
		{"networkPolicy.adminFrom", 0, 16, "", peer},
		{"networkPolicy.egress", 0, 16, "", func(int) any { return map[string]any{} }},
	} {
		items := make([]any, list.most+1)
		for i := range items {
			items[i] = list.item(i)
		}

		cases = append(cases, valid(list.path, items[:list.most]), invalid(list.path, items, fmt.Sprintf("must have at most %d items", list.most)))
		if list.least > 0 {
			cases = append(cases, invalid(list.path, []any{}, "should have at least 1 items"))
		} else {
			cases = append(cases, valid(list.path, []any{}))
		}

		twice := []any{items[0], items[0]}

		switch list.twice {
		case "":
			cases = append(cases, valid(list.path, twice))
		case duplicate:
			rejected := invalid(list.path, twice, duplicate)
			rejected.field += "[]"
			cases = append(cases, rejected)
		default:
			cases = append(cases, invalid(list.path, twice, list.twice))
		}
	}

	return cases
}

func mapCases() []specCase {
	var cases []specCase
	for _, path := range []string{
		"commonMetadata.labels", "commonMetadata.annotations", "service.labels", "service.annotations",
		"ingress.annotations", "gateway.annotations", "receiver.podMetadata.labels", "receiver.podMetadata.annotations",
		"receiver.scheduling.nodeSelector", "monitoring.serviceMonitor.labels", "monitoring.prometheusRule.labels", "monitoring.grafanaDashboard.labels",
	} {
		most := map[string]any{}
		for i := range 64 {
			most[fmt.Sprintf("key-%d", i)] = "value"
		}

		cases = append(cases, valid(path, most), valid(path, map[string]any{}))
		more := map[string]any{"one-more": "value"}
		merge(more, most)
		cases = append(cases, invalid(path, more, "must have at most 64 items"))
	}

	return cases
}
