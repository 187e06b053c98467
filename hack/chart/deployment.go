// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// deployment edits the Deployment of the manager.
func deployment(o *object) {
	o.set("{{ .Values.replicas }}", "spec", "replicas")
	o.identity("selectorLabels", "spec", "selector", "matchLabels")
	o.identity("podLabels", "spec", "template", "metadata", "labels")
	o.more(".Values.podAnnotations", "spec", "template", "metadata", "annotations")

	pod := []string{"spec", "template", "spec"}
	o.set(serviceAccountName, slices.Concat(pod, []string{"serviceAccountName"})...)

	for _, key := range []string{"imagePullSecrets", "nodeSelector", "tolerations", "affinity", "topologySpreadConstraints"} {
		o.optional(key, ".Values."+key, pod...)
	}

	o.insert("{{- with .Values.priorityClassName }}\npriorityClassName: {{ . | quote }}\n{{- end }}", "priorityClassName", pod...)
	o.insert(certificateVolume, "volumes", pod...)
	container(o, slices.Concat(pod, []string{"containers", "0"}))
}

// container edits the manager's container.
func container(o *object, path []string) {
	at := func(keys ...string) []string { return slices.Concat(path, keys) }
	o.set(`{{ include "`+chartName+`.image" (dict "image" .Values.image "root" $) }}`, at("image")...)
	o.set("{{ .Values.image.pullPolicy }}", at("imagePullPolicy")...)
	o.arguments(at("args")...)
	o.remove("resources", path...)
	o.optional("resources", ".Values.resources", path...)
	o.insert(certificateMount, "volumeMounts", path...)

	ports := o.at(at("ports")...)
	if o.at(at("ports", "0", "name")...).Value != "metrics" || len(ports.Content) != 2 {
		o.fail(errors.New("want two ports, metrics first"))
		return
	}

	o.replaceElement(metricsPort, ports, 0)
}

const (
	certificateVolume = `{{- with .Values.metrics.certSecretName }}
volumes:
- name: metrics-certificate
  secret:
    secretName: {{ . | quote }}
{{- end }}`

	certificateMount = `{{- if .Values.metrics.certSecretName }}
volumeMounts:
- name: metrics-certificate
  mountPath: /etc/metrics-certificate
  readOnly: true
{{- end }}`

	metricsPort = `{{- if .Values.metrics.enabled }}
- name: metrics
  containerPort: {{ .Values.metrics.port }}
  protocol: TCP
{{- end }}`

	// moreArguments holds the flags that config/default does not set.
	moreArguments = `{{- with .Values.namespaces }}
- --namespaces={{ join "," . }}
{{- end }}
{{- if .Values.metrics.certSecretName }}
- --metrics-cert-dir=/etc/metrics-certificate
{{- end }}
{{- with .Values.runbookURL }}
- --runbook-url={{ . }}
{{- end }}
{{- with .Values.extraArgs }}
{{- toYaml . | nindent +0 }}
{{- end }}`
)

// flags maps the arguments in config/ that depend on values to their text in the template.
var flags = map[string]string{
	"--leader-elect":         "{{- if .Values.leaderElection }}\n- --leader-elect\n{{- end }}",
	"--receiver-image":       `- --receiver-image={{ include "` + chartName + `.image" (dict "image" .Values.receiverImage "root" $) }}`,
	"--log-level":            "- --log-level={{ .Values.logLevel }}",
	"--metrics-bind-address": "- --metrics-bind-address={{ if .Values.metrics.enabled }}:{{ .Values.metrics.port }}{{ else }}0{{ end }}",
}

// arguments replaces the flags that depend on values, and keeps the other arguments.
func (o *object) arguments(path ...string) {
	args := o.at(path...)

	rest := maps.Clone(flags)
	for i, arg := range args.Content {
		name, _, _ := strings.Cut(arg.Value, "=")
		if lines, found := rest[name]; found {
			o.replaceElement(lines, args, i)
			delete(rest, name)
		}
	}

	if len(rest) > 0 {
		o.fail(fmt.Errorf("no %s in its args", strings.Join(slices.Sorted(maps.Keys(rest)), ", ")))
	}

	o.appendElements(moreArguments, args)
}
