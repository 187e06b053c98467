// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

const (
	// chartName is the prefix of the names of the chart's named templates.
	chartName = "whatsapp-webhook-operator"
	// prefix is the prefix of every name in config/default; a release has its own.
	prefix = chartName + "-"

	header = "{{- /* Written by hack/chart from config/default ('make chart'); not to be edited. */ -}}\n"
)

// template is a file of the chart, with the objects of config/default that it contains.
type template struct {
	file    string
	objects []string
	// edit makes the changes specific to the objects. It may be nil.
	edit func(o *object)
	// when is the condition for Helm to render the file, or empty.
	when string
	// each is the range Helm renders the file for, or empty.
	each string
}

var templates = []template{
	{
		file:    "crd/whatsappwebhooks.yaml",
		when:    ".Values.crd.enabled",
		edit:    customResourceDefinition,
		objects: []string{"CustomResourceDefinition whatsappwebhooks.whatsapp.wawebhook.dev"},
	},
	{
		file:    "deployment.yaml",
		objects: []string{"Deployment manager"},
		edit:    deployment,
	},
	{
		file:    "metrics/service.yaml",
		objects: []string{"Service metrics"},
		edit:    metricsService,
		when:    ".Values.metrics.enabled",
	},
	{
		file:    "metrics/rbac.yaml",
		when:    "and .Values.rbac.create .Values.metrics.enabled",
		objects: []string{"ClusterRole metrics-auth", "ClusterRoleBinding metrics-auth", "ClusterRole metrics-reader"},
	},
	{
		file:    "rbac/manager.yaml",
		when:    ".Values.rbac.create",
		each:    `$namespace := .Values.namespaces | default (list "")`,
		edit:    managerRights,
		objects: []string{"ClusterRole manager-role", "ClusterRoleBinding manager"},
	},
	{
		file:    "rbac/leader-election.yaml",
		when:    "and .Values.rbac.create .Values.leaderElection",
		objects: []string{"Role leader-election", "RoleBinding leader-election"},
	},
	{
		file:    "rbac/users.yaml",
		objects: []string{"ClusterRole edit", "ClusterRole view"},
		when:    "and .Values.rbac.create .Values.rbac.aggregate",
	},
	{
		file:    "serviceaccount.yaml",
		objects: []string{"ServiceAccount manager"},
		edit:    serviceAccount,
		when:    ".Values.serviceAccount.create",
	},
}

// omitted lists the objects the chart omits: a release is installed into an existing namespace.
var omitted = []string{"Namespace whatsapp-webhook-system"}

// renderTemplates returns the templates by their files in the chart. Each object of config/default must be part of one.
func renderTemplates(objects map[string]*object) (map[string][]byte, error) {
	rest := maps.Clone(objects)
	for _, name := range omitted {
		delete(rest, name)
	}

	files := make(map[string][]byte, len(templates))
	for _, t := range templates {
		var texts []string
		for _, name := range t.objects {
			o, found := rest[name]
			if !found {
				return nil, fmt.Errorf("config/default no longer has %s: update the table in hack/chart/templates.go", name)
			}

			delete(rest, name)
			common(o)

			if t.edit != nil {
				t.edit(o)
			}

			text, err := o.template()
			if err != nil {
				return nil, fmt.Errorf("%s of config/default: %w", name, err)
			}

			texts = append(texts, text)
		}

		files["templates/"+t.file] = []byte(header + t.wrapped(strings.Join(texts, "---\n")))
	}

	if len(rest) > 0 {
		return nil, fmt.Errorf("config/default has objects that the chart lacks: %s; add them to the table in hack/chart/templates.go",
			strings.Join(slices.Sorted(maps.Keys(rest)), ", "))
	}

	return files, nil
}

func (t template) wrapped(text string) string {
	if t.each != "" {
		text = "{{- range " + t.each + " }}\n---\n" + text + "{{- end }}\n"
	}

	if t.when != "" {
		text = "{{- if " + t.when + " }}\n" + text + "{{- end }}\n"
	}

	return text
}

// common sets the release's name, namespace and labels. Expressions start with $, so that they work in a range too.
func common(o *object) {
	if o.at("kind").Value != "CustomResourceDefinition" {
		o.rename("metadata", "name")
	}

	if o.has("namespace", "metadata") {
		o.set(releaseNamespace, "metadata", "namespace")
	}

	o.identity("labels", "metadata", "labels")

	if o.has("roleRef") {
		o.rename("roleRef", "name")
		o.set(serviceAccountName, "subjects", "0", "name")
		o.set(releaseNamespace, "subjects", "0", "namespace")
	}
}

// Names are quoted, since YAML would read digits as a number.
const (
	serviceAccountName = `{{ include "` + chartName + `.serviceAccountName" $ | quote }}`
	releaseNamespace   = "{{ $.Release.Namespace | quote }}"
)

// rename replaces the prefix of config/default by the release's name.
func (o *object) rename(path ...string) {
	name, found := strings.CutPrefix(o.at(path...).Value, prefix)
	if !found {
		o.fail(fmt.Errorf("%s does not begin with %s", strings.Join(path, "."), prefix))
	}

	o.set(`{{ include "`+chartName+`.fullname" $ }}-`+name, path...)
}

// identity replaces the operator's name label by the labels of a named template, some of which also identify the release.
func (o *object) identity(labels string, path ...string) {
	o.replace(`{{- include "`+chartName+"."+labels+`" $ | nindent +0 }}`, "app.kubernetes.io/name", path...)
}

// optional adds a key that is rendered if its value is not empty.
func (o *object) optional(key, value string, path ...string) {
	o.insert("{{- with "+value+" }}\n"+key+":\n  {{- toYaml . | nindent +2 }}\n{{- end }}", key, path...)
}

// more adds the entries of a mapping among the values to a mapping that has keys.
func (o *object) more(value string, path ...string) {
	o.insert("{{- with "+value+" }}\n{{- toYaml . | nindent +0 }}\n{{- end }}", "", path...)
}

func customResourceDefinition(o *object) {
	o.insert("{{- if .Values.crd.keep }}\nhelm.sh/resource-policy: keep\n{{- end }}", "helm.sh/resource-policy", "metadata", "annotations")
	o.more(".Values.crd.annotations", "metadata", "annotations")
}

// managerRights turns the ClusterRole and its binding into a Role and a RoleBinding in each namespace of the values.
func managerRights(o *object) {
	kind := "{{ if $namespace }}Role{{ else }}ClusterRole{{ end }}"
	if o.has("roleRef") {
		o.set(kind, "roleRef", "kind")
		o.set(kind+"Binding", "kind")
	} else {
		o.set(kind, "kind")
	}

	o.insert("{{- with $namespace }}\nnamespace: {{ . | quote }}\n{{- end }}", "namespace", "metadata")
}

func serviceAccount(o *object) {
	o.set(serviceAccountName, "metadata", "name")
	o.optional("annotations", ".Values.serviceAccount.annotations", "metadata")
}

func metricsService(o *object) {
	o.identity("selectorLabels", "spec", "selector")
	o.set("{{ .Values.metrics.port }}", "spec", "ports", "0", "port")
}
