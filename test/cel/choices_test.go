// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cel

import (
	"fmt"
	"slices"
	"strings"
)

func birdMethods() []string {
	return []string{
		"ProcessTextMessage", "ProcessImageMessage", "ProcessAudioMessage", "ProcessVideoMessage", "ProcessDocumentMessage", "ProcessLocationMessage",
		"ProcessContactsMessage", "ProcessButtonInteraction", "ProcessListInteraction", "ProcessFlowResponse", "ProcessMessageEdit", "ProcessMessageRevoke",
		"ProcessOrder", "ProcessUndeliveredMessage", "ProcessOtherMessage", "NotifyBirdStatusChange",
		"AnalyzeImage", "TranscribeAudio", "AnalyzeVideo", "ParseDocument",
	}
}

func choiceCases() []specCase {
	state := []string{"Enabled", "Disabled"}

	var cases []specCase
	for _, choice := range []struct {
		path     string
		values   []string
		together []string // further values, which are valid with other fields only: see fieldsTogetherRows
	}{
		{path: "cloudAPI.subscription.callbackScope", values: []string{"App", "BusinessAccount", "PhoneNumber"}},
		{"bird.protocol", []string{"Contract"}, []string{"Flow"}},
		{"bird.authScheme", []string{"AccessKey", "Bearer", "APIKey"}, []string{"None"}},
		{path: "bird.emptyAnswer", values: []string{"NoReply", "Later", "Fail"}},
		{path: "bird.flow.statuses", values: state},
		{"openAI.authScheme", []string{"Bearer", "APIKey"}, []string{"None"}},
		{path: "openAI.images", values: state},
		{path: "openAI.documents", values: state},
		{path: "openAI.tools", values: state},
		{path: "messagesAPI.keys[].role", values: []string{"Assistant", "Desk"}},
		{path: "messagesAPI.exposure", values: []string{"Cluster", "Public"}},
		{path: "bird.endpoints[].method", values: birdMethods()},
		{path: "bird.endpoints[].state", values: state},
		{path: "bird.media.mode", values: []string{"Process", "Analyze"}},
		{path: "bird.media.transport", values: []string{"Auto", "Base64", "Multipart", "URL"}},
		{path: "cloudAPI.coexistence", values: state},
		{path: "processing.typingIndicator", values: state},
		{path: "processing.format", values: []string{"Markdown", "WhatsApp"}},
		{path: "processing.passThreadControl", values: state},
		{path: "processing.errorPolicies[].class", values: []string{"Transient", "RateLimited", "Configuration", "Permanent", "Ambiguous", "TemplateRequired"}},
		{path: "processing.errorPolicies[].scope", values: []string{"App", "BusinessAccount", "Number", "Pair", "Recipient"}},
		{path: "receiver.imagePullPolicy", values: []string{"Always", "IfNotPresent", "Never"}},
		{path: "store.embedded.whenDeleted", values: []string{"Delete", "Retain"}},
		{path: "store.embedded.backup.s3.addressing", values: []string{"Path", "VirtualHost"}},
		{"store.embedded.dataSource.kind", []string{"VolumeSnapshot"}, []string{"PersistentVolumeClaim"}},
		{"service.type", []string{"LoadBalancer"}, []string{"ClusterIP", "NodePort"}},
		{path: "service.externalTrafficPolicy", values: []string{"Cluster", "Local"}},
		{path: "receiver.logLevel", values: []string{"Debug", "Info", "Warn", "Error"}},
		{path: "monitoring.serviceMonitor.state", values: state},
		{path: "monitoring.prometheusRule.state", values: state},
		{path: "monitoring.grafanaDashboard.state", values: state},
		{path: "networkPolicy.state", values: state},
	} {
		for _, value := range choice.values {
			cases = append(cases, valid(choice.path, value))
		}

		quoted := make([]string, 0, len(choice.values))
		for _, value := range slices.Sorted(slices.Values(append(choice.values, choice.together...))) {
			quoted = append(quoted, fmt.Sprintf("%q", value))
		}

		cases = append(cases, invalid(choice.path, "Other", "supported values: "+strings.Join(quoted, ", ")))
	}

	return cases
}

// presenceCases returns cases that remove each required field.
func presenceCases() []specCase {
	required := []string{
		"cloudAPI", "cloudAPI.accessTokenSecretRef", "cloudAPI.appSecretSecretRefs", "cloudAPI.verifyTokenSecretRef",
		"cloudAPI.subscription.appID", "cloudAPI.mutualTLS.certificateSecretName", "cloudAPI.mutualTLS.clientCASecretRef",
		"bird.baseURL", "bird.endpoints[].method", "openAI.baseURL", "openAI.model",
		"openAI.instructionsConfigMapRef.name", "openAI.instructionsConfigMapRef.key", "messagesAPI.keys", "messagesAPI.keys[].secretRef", "handoff.url", "notifications.sinkURL",
		"processing.fallbackTemplate.name", "processing.fallbackTemplate.language", "processing.errorPolicies[].code",
		"store.embedded.backup.schedule", "store.embedded.backup.s3.bucket", "store.embedded.backup.s3.accessKeyIDSecretRef",
		"store.embedded.backup.s3.secretAccessKeySecretRef", "store.embedded.backup.volume.existingClaim", "store.encryption.keySecretRefs",
		"store.postgreSQL.urlSecretRef", "store.embedded.dataSource.kind", "store.embedded.dataSource.name", "receiver.autoscaling.maxReplicas", "receiver.autoscaling.cpu.targetUtilizationPercent",
		"receiver.autoscaling.pendingWork.targetPerReplica", "receiver.podDisruptionBudget.maxUnavailable",
		"ingress.host", "gateway.host", "gateway.parentRefs", "gateway.parentRefs[].name", "networkPolicy.state",
		"monitoring.serviceMonitor.state", "monitoring.prometheusRule.state", "monitoring.grafanaDashboard.state", "monitoring.tracing.endpointURL",
	}
	for _, ref := range secretRefs() {
		required = append(required, ref+".name", ref+".key")
	}

	var cases []specCase
	for _, path := range required {
		cases = append(cases, invalid(path, nil, "Required value"))
	}

	return cases
}
