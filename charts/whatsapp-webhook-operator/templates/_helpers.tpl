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

{{- define "whatsapp-webhook-operator.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride }}
{{- end }}

{{- /* The Lease of the release's managers. Releases in one namespace differ in it, as in the names of all their objects. */ -}}
{{- define "whatsapp-webhook-operator.leaderElectionID" -}}
{{- include "whatsapp-webhook-operator.fullname" . }}.wawebhook.dev
{{- end }}

{{- /* The name label is fixed: the NetworkPolicies of receivers allow the manager by it. */ -}}
{{- define "whatsapp-webhook-operator.selectorLabels" -}}
app.kubernetes.io/name: whatsapp-webhook-operator
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{- define "whatsapp-webhook-operator.managerLabels" -}}
{{- include "whatsapp-webhook-operator.selectorLabels" . }}
app.kubernetes.io/component: manager
{{- end }}

{{- define "whatsapp-webhook-operator.labels" -}}
{{- include "whatsapp-webhook-operator.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with include "whatsapp-webhook-operator.ownLabels" (.Values.commonLabels | default dict) }}
{{ . }}
{{- end }}
{{- end }}

{{- /* The labels of an object with labels among the values, which take precedence. Takes a list of the root and these. */ -}}
{{- define "whatsapp-webhook-operator.labelsWith" -}}
{{- $labels := include "whatsapp-webhook-operator.labels" (first .) | fromYaml }}
{{- merge (dict "app.kubernetes.io/component" "manager") (last . | default dict) $labels | toYaml }}
{{- end }}

{{- /* The annotations of an object, or nothing. Takes a list of the root and the object's own, which take precedence. */ -}}
{{- define "whatsapp-webhook-operator.annotations" -}}
{{- with merge (dict) (last . | default dict) ((first .).Values.commonAnnotations | default dict) }}
{{- toYaml . }}
{{- end }}
{{- end }}

{{- define "whatsapp-webhook-operator.podLabels" -}}
{{- include "whatsapp-webhook-operator.managerLabels" . }}
{{- with include "whatsapp-webhook-operator.ownLabels" (merge dict (.Values.podLabels | default dict) (.Values.commonLabels | default dict)) }}
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

{{- /* Takes a dict with image, an image of the values, and root. A first part with a dot or a colon is a registry. */ -}}
{{- define "whatsapp-webhook-operator.image" -}}
{{- $repository := .image.repository }}
{{- with .root.Values.global.imageRegistry }}
{{- $repository = printf "%s/%s" (trimSuffix "/" .) (regexReplaceAll "^([^/]*[.:][^/]*|localhost)/" $repository "") }}
{{- end }}
{{- if .image.digest }}
{{- printf "%s@%s" $repository .image.digest }}
{{- else }}
{{- printf "%s:%s" $repository (default .root.Chart.AppVersion .image.tag) }}
{{- end }}
{{- end }}

{{- /* The pull secrets of a parent chart and of the values, each once, or nothing. */ -}}
{{- define "whatsapp-webhook-operator.imagePullSecrets" -}}
{{- $secrets := list }}
{{- range concat (.Values.global.imagePullSecrets | default list) (.Values.imagePullSecrets | default list) }}
{{- $secrets = append $secrets (kindIs "string" . | ternary (dict "name" .) .) }}
{{- end }}
{{- with $secrets | uniq }}
{{- toYaml . }}
{{- end }}
{{- end }}
