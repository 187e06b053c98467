{{- /* The enabled monitor of the values, as YAML, or nothing. */ -}}
{{- define "whatsapp-webhook-operator.monitor" -}}
{{- if .Values.metrics.enabled }}
{{- with .Values.metrics }}
{{- if .serviceMonitor.enabled }}
{{- toYaml .serviceMonitor }}
{{- else if .podMonitor.enabled }}
{{- toYaml .podMonitor }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- /* The namespace of the enabled monitor, or the release's. */ -}}
{{- define "whatsapp-webhook-operator.monitorNamespace" -}}
{{- $monitor := include "whatsapp-webhook-operator.monitor" . | fromYaml }}
{{- default (include "whatsapp-webhook-operator.namespace" .) $monitor.namespace }}
{{- end }}

{{- /* Whether there is a Secret with the token of a reader. A PodMonitor cannot name a file of Prometheus. */ -}}
{{- define "whatsapp-webhook-operator.readerToken" -}}
{{- if and .Values.metrics.enabled (or .Values.metrics.readerToken.create .Values.metrics.podMonitor.enabled) }}true{{ end }}
{{- end }}

{{- define "whatsapp-webhook-operator.metricsReaderName" -}}
{{- include "whatsapp-webhook-operator.fullname" . }}-metrics-reader
{{- end }}

{{- /* The metadata of the enabled monitor without its name. */ -}}
{{- define "whatsapp-webhook-operator.monitorMetadata" -}}
{{- $monitor := include "whatsapp-webhook-operator.monitor" . | fromYaml -}}
namespace: {{ include "whatsapp-webhook-operator.monitorNamespace" . | quote }}
labels:
  {{- include "whatsapp-webhook-operator.labelsWith" (list . $monitor.labels) | nindent 2 }}
{{- with include "whatsapp-webhook-operator.annotations" (list . $monitor.annotations) }}
annotations:
  {{- . | nindent 2 }}
{{- end }}
{{- end }}

{{- /* What the enabled monitor selects. */ -}}
{{- define "whatsapp-webhook-operator.monitorSelector" -}}
{{- if ne (include "whatsapp-webhook-operator.monitorNamespace" .) (include "whatsapp-webhook-operator.namespace" .) -}}
namespaceSelector:
  matchNames: [{{ include "whatsapp-webhook-operator.namespace" . | quote }}]
{{ end -}}
selector:
  matchLabels:
    {{- include "whatsapp-webhook-operator.managerLabels" . | nindent 4 }}
{{- end }}

{{- /*
The endpoint of the enabled monitor. The keys of endpointAdditionalProperties replace others as a whole, and one for
credentials replaces the token: the Prometheus Operator rejects two.
*/ -}}
{{- define "whatsapp-webhook-operator.monitorEndpoint" -}}
{{- $monitor := include "whatsapp-webhook-operator.monitor" . | fromYaml }}
{{- $endpoint := dict "port" "metrics" "scheme" "https" }}
{{- $relabelings := $monitor.relabelings }}
{{- if .Values.metrics.podMonitor.enabled }}
{{- /* The job of a ServiceMonitor is the name of its Service. The alerts name it. */}}
{{- $job := dict "targetLabel" "job" "replacement" (printf "%s-metrics" (include "whatsapp-webhook-operator.fullname" .)) }}
{{- $relabelings = prepend $relabelings $job }}
{{- end }}
{{- if include "whatsapp-webhook-operator.readerToken" . }}
{{- $name := printf "%s-token" (include "whatsapp-webhook-operator.metricsReaderName" .) }}
{{- $_ := set $endpoint "authorization" (dict "credentials" (dict "name" $name "key" "token")) }}
{{- else }}
{{- $_ := set $endpoint "bearerTokenFile" "/var/run/secrets/kubernetes.io/serviceaccount/token" }}
{{- end }}
{{- $tls := dict "insecureSkipVerify" true }}
{{- with .Values.metrics.certSecretName }}
{{- $server := printf "%s-metrics.%s.svc" (include "whatsapp-webhook-operator.fullname" $) (include "whatsapp-webhook-operator.namespace" $) }}
{{- $tls = dict "ca" (dict "secret" (dict "name" . "key" "ca.crt")) "serverName" $server }}
{{- end }}
{{- $_ := set $endpoint "tlsConfig" $tls }}
{{- range $key, $value := dict "interval" $monitor.interval "scrapeTimeout" $monitor.scrapeTimeout "honorLabels" $monitor.honorLabels "relabelings" $relabelings "metricRelabelings" $monitor.metricRelabelings }}
{{- if $value }}
{{- $_ := set $endpoint $key $value }}
{{- end }}
{{- end }}
{{- range $key, $value := $monitor.endpointAdditionalProperties }}
{{- if has $key (list "authorization" "basicAuth" "oauth2" "bearerTokenSecret" "bearerTokenFile") }}
{{- $endpoint = omit $endpoint "authorization" "bearerTokenFile" }}
{{- end }}
{{- $_ := set $endpoint $key $value }}
{{- end }}
{{- toYaml $endpoint }}
{{- end }}
