// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
)

// The keys of labels and annotations, and the names of variables, whose values are not secret.
var (
	shownPrefixes = []string{
		"app.kubernetes.io/",
		"whatsapp.wawebhook.dev/",
		"kubernetes.io/metadata.name",
		"pod-template-hash",
		"deployment.kubernetes.io/revision",
		"volume.kubernetes.io/",
		"pv.kubernetes.io/",
	}
	shownVariables = []string{"GOMEMLIMIT", "GOMAXPROCS", "GOGC", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"}
	shownMetadata  = []string{
		"name", "generateName", "namespace", "uid", "generation", "creationTimestamp", "deletionTimestamp",
		"finalizers", "labels", "annotations", "ownerReferences",
	}
)

// reduced returns an object without what may be secret or is of no use: see [reduce].
func reduced(object *unstructured.Unstructured) map[string]any {
	content := object.DeepCopy().Object

	if metadata, ok := content["metadata"].(map[string]any); ok {
		managers := managersOf(object)

		maps.DeleteFunc(metadata, func(name string, _ any) bool { return !slices.Contains(shownMetadata, name) })

		metadata["managers"] = managers
	}

	if object.GetKind() == "ConfigMap" {
		withoutData(content)
	}

	reduce(content)

	return content
}

// managersOf returns who set fields of the object.
func managersOf(object *unstructured.Unstructured) []any {
	managers := []any{}
	for _, entry := range object.GetManagedFields() {
		managers = append(managers, map[string]any{
			"manager":     entry.Manager,
			"operation":   string(entry.Operation),
			"subresource": entry.Subresource,
			"time":        entry.Time.UTC().Format("2006-01-02T15:04:05Z"),
		})
	}

	return managers
}

// withoutData keeps the names of the values. The receiver's configuration is in another file of the bundle.
func withoutData(content map[string]any) {
	data, _ := content["data"].(map[string]any)
	for key := range data {
		data[key] = leftOut
	}

	delete(content, "binaryData")
}

// reduce leaves out the values of variables, of labels and annotations of others, of headers, and of the commands of
// containers that the project does not know.
func reduce(node any) {
	switch node := node.(type) {
	case map[string]any:
		name, _ := node["name"].(string)

		for key, value := range node {
			switch key {
			case "labels", "annotations", "matchLabels", "nodeSelector":
				reduceLabels(value)
			case "env":
				reduceVariables(value)
			case "args", "command":
				if name != resources.ContainerName {
					node[key] = leftOut
				}
			case "httpHeaders", "stringData":
				node[key] = leftOut
			default:
				reduce(value)
			}
		}
	case []any:
		for _, element := range node {
			reduce(element)
		}
	}
}

func reduceLabels(node any) {
	entries, _ := node.(map[string]any)
	for key := range entries {
		if !slices.ContainsFunc(shownPrefixes, func(prefix string) bool { return strings.HasPrefix(key, prefix) }) {
			entries[key] = leftOut
		}
	}
}

func reduceVariables(node any) {
	variables, _ := node.([]any)
	for _, element := range variables {
		variable, _ := element.(map[string]any)

		name, _ := variable["name"].(string)
		if _, has := variable["value"]; has && !slices.Contains(shownVariables, name) {
			variable["value"] = leftOut
		}
	}
}
