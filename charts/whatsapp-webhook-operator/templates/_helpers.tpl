{{- /* At most 40 characters, so that the longest name with it, a Service's, is a valid DNS label. */ -}}
{{- define "whatsapp-webhook-operator.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains $name .Release.Name }}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- /* The name label is fixed: the NetworkPolicies of receivers allow the manager by it. */ -}}
{{- define "whatsapp-webhook-operator.selectorLabels" -}}
app.kubernetes.io/name: whatsapp-webhook-operator
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{- define "whatsapp-webhook-operator.labels" -}}
{{- include "whatsapp-webhook-operator.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with include "whatsapp-webhook-operator.ownLabels" .Values.commonLabels }}
{{ . }}
{{- end }}
{{- end }}

{{- define "whatsapp-webhook-operator.podLabels" -}}
{{- include "whatsapp-webhook-operator.selectorLabels" . }}
{{- with include "whatsapp-webhook-operator.ownLabels" (merge dict .Values.podLabels .Values.commonLabels) }}
{{ . }}
{{- end }}
{{- end }}

{{- /* The user's labels, without those that the chart sets. */ -}}
{{- define "whatsapp-webhook-operator.ownLabels" -}}
{{- with omit . "app.kubernetes.io/name" "app.kubernetes.io/instance" "app.kubernetes.io/component" "app.kubernetes.io/version" "app.kubernetes.io/managed-by" "helm.sh/chart" }}
{{- toYaml . }}
{{- end }}
{{- end }}

{{- define "whatsapp-webhook-operator.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (printf "%s-manager" (include "whatsapp-webhook-operator.fullname" .)) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- /* Takes a dict with image, an image of the values, and root. */ -}}
{{- define "whatsapp-webhook-operator.image" -}}
{{- if .image.digest }}
{{- printf "%s@%s" .image.repository .image.digest }}
{{- else }}
{{- printf "%s:%s" .image.repository (default .root.Chart.AppVersion .image.tag) }}
{{- end }}
{{- end }}
