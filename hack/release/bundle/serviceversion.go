// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"sigs.k8s.io/yaml"
)

// permissions returns the rules of the roles that bindings of a kind give to ServiceAccounts.
func permissions(objects []object, kind string) ([]any, error) {
	rules := map[string][]any{}

	var accounts []string

	for _, binding := range objects {
		if binding.kind() != kind+"Binding" {
			continue
		}

		role := find(objects, text(binding, "roleRef", "kind"), text(binding, "roleRef", "name"))
		if role == nil {
			return nil, fmt.Errorf("the role of the %s %s is missing", binding.kind(), binding.name())
		}

		for _, subject := range list(binding, "subjects") {
			described, _ := subject.(map[string]any)

			account := text(described, "name")
			if rules[account] == nil {
				accounts = append(accounts, account)
			}

			rules[account] = append(rules[account], list(role, "rules")...)
		}
	}

	var all []any
	for _, account := range accounts {
		all = append(all, map[string]any{
			"serviceAccountName": account,
			"rules":              rules[account],
		})
	}

	return all, nil
}

// chart is the part of Chart.yaml that a catalog shows.
type chart struct {
	Description string   `json:"description"`
	Home        string   `json:"home"`
	KubeVersion string   `json:"kubeVersion"`
	Keywords    []string `json:"keywords"`
	Maintainers []struct {
		Name string `json:"name"`
		URL  string `json:"url"`
	} `json:"maintainers"`
	Annotations map[string]string `json:"annotations"`
}

// serviceVersion returns the ClusterServiceVersion.
func (r Release) serviceVersion(objects []object, c chart) (object, error) {
	deployment := find(objects, "Deployment", "")
	definition := find(objects, "CustomResourceDefinition", "")

	if deployment == nil || definition == nil || len(c.Maintainers) == 0 {
		return nil, errors.New("install.yaml has no Deployment or no CustomResourceDefinition, or the chart no maintainer")
	}

	cluster, err := permissions(objects, "ClusterRole")
	if err != nil {
		return nil, err
	}

	namespaced, err := permissions(objects, "Role")
	if err != nil {
		return nil, err
	}

	images, err := r.images(deployment)
	if err != nil {
		return nil, err
	}

	owned, err := owned(definition, c)
	if err != nil {
		return nil, err
	}

	examples, err := yaml.YAMLToJSON([]byte(c.Annotations["artifacthub.io/crdsExamples"]))
	if err != nil {
		return nil, fmt.Errorf("examples of the chart: %w", err)
	}

	var links []map[string]string
	if err := yaml.Unmarshal([]byte(c.Annotations["artifacthub.io/links"]), &links); err != nil {
		return nil, fmt.Errorf("links of the chart: %w", err)
	}

	return object{
		"apiVersion": "operators.coreos.com/v1alpha1",
		"kind":       "ClusterServiceVersion",
		"metadata": map[string]any{
			"name":        Name + ".v" + r.Version,
			"annotations": r.annotations(c, string(examples), images[0]["image"], text(deployment, "metadata", "namespace")),
			"labels": map[string]any{
				"operatorframework.io/os.linux":   "supported",
				"operatorframework.io/arch.amd64": "supported",
				"operatorframework.io/arch.arm64": "supported",
			},
		},
		"spec": map[string]any{
			"displayName":               "WhatsApp webhook operator",
			"description":               description,
			"version":                   r.Version,
			"minKubeVersion":            strings.TrimSuffix(strings.TrimPrefix(c.KubeVersion, ">="), "-0"),
			"maturity":                  "alpha",
			"keywords":                  c.Keywords,
			"provider":                  map[string]any{"name": c.Maintainers[0].Name, "url": c.Maintainers[0].URL},
			"maintainers":               []any{map[string]any{"name": c.Maintainers[0].Name, "email": "wawebhook@users.noreply.github.com"}},
			"links":                     linkList(c.Home, links),
			"icon":                      []any{map[string]any{"base64data": base64.StdEncoding.EncodeToString(r.Icon), "mediatype": "image/svg+xml"}},
			"customresourcedefinitions": map[string]any{"owned": []any{owned}},
			"relatedImages":             images,
			"installModes":              installModes(),
			"install":                   install(deployment, cluster, namespaced),
		},
	}, nil
}

func (r Release) annotations(c chart, examples, image, namespace string) map[string]any {
	return map[string]any{
		"alm-examples":   examples,
		"capabilities":   c.Annotations["artifacthub.io/operatorCapabilities"],
		"categories":     "AI/Machine Learning, Integration & Delivery, Streaming & Messaging",
		"containerImage": image,
		"createdAt":      r.Created.UTC().Format(time.RFC3339),
		"description":    c.Description,
		"repository":     c.Home,
		"support":        c.Maintainers[0].Name,
		"operatorframework.io/suggested-namespace": namespace,
	}
}

// install returns how the Operator Lifecycle Manager installs the operator.
func install(deployment object, cluster, namespaced []any) map[string]any {
	return map[string]any{
		"strategy": "deployment",
		"spec": map[string]any{
			"deployments": []any{map[string]any{
				"name":  deployment.name(),
				"label": deployment["metadata"].(map[string]any)["labels"], //nolint:forcetypeassert // it has a name
				"spec":  deployment["spec"],
			}},
			"clusterPermissions": cluster,
			"permissions":        namespaced,
		},
	}
}

const description = `Runs WhatsApp AI assistants. A **WhatsAppWebhook** connects a number of Meta's Cloud API with an AI: a Bird AI Employee, a
flow, a model with an API like OpenAI's, or a program of your own. The operator runs a receiver for it, which

* stores every message before it acknowledges it to Meta,
* asks the AI, and sends the answer once and in order,
* waits while Meta or the AI is away, and answers afterwards,
* never talks over a person who has taken a conversation over.

The tokens and keys are in Secrets of the resource's namespace, which the operator cannot read.
[From Meta to the first message](https://github.com/wawebhook/whatsapp-webhook-operator/blob/main/docs/meta-setup.md) says where they
come from.
`

// images returns the images that a mirror of the catalog needs: those of the manager and of receivers.
func (r Release) images(deployment object) ([]map[string]string, error) {
	encoded, err := json.Marshal(deployment)
	if err != nil {
		return nil, err
	}

	var d struct {
		Spec struct {
			Template struct {
				Spec struct {
					Containers []struct {
						Image string   `json:"image"`
						Args  []string `json:"args"`
					} `json:"containers"`
				} `json:"spec"`
			} `json:"template"`
		} `json:"spec"`
	}
	if err := json.Unmarshal(encoded, &d); err != nil {
		return nil, err
	}

	for _, container := range d.Spec.Template.Spec.Containers {
		for _, arg := range container.Args {
			if receiver, found := strings.CutPrefix(arg, "--receiver-image="); found {
				return []map[string]string{
					{"name": "manager", "image": container.Image},
					{"name": "receiver", "image": receiver},
				}, nil
			}
		}
	}

	return nil, errors.New("the Deployment has no argument --receiver-image")
}

// owned describes the resource as the chart does.
func owned(definition object, c chart) (map[string]any, error) {
	var described []map[string]any
	if err := yaml.Unmarshal([]byte(c.Annotations["artifacthub.io/crds"]), &described); err != nil || len(described) != 1 {
		return nil, fmt.Errorf("the chart describes %d resources, want one: %w", len(described), err)
	}

	resource := described[0]
	if resource["name"] != definition.name() {
		return nil, fmt.Errorf("the chart describes %v, and the CustomResourceDefinition is %s", resource["name"], definition.name())
	}

	return resource, nil
}

func linkList(home string, links []map[string]string) []any {
	all := []any{map[string]any{"name": "Source", "url": home}}
	for _, link := range links {
		all = append(all, map[string]any{"name": link["name"], "url": link["url"]})
	}

	return all
}

// installModes says that the operator watches all namespaces.
func installModes() []any {
	var modes []any
	for _, mode := range []string{"OwnNamespace", "SingleNamespace", "MultiNamespace", "AllNamespaces"} {
		modes = append(modes, map[string]any{"type": mode, "supported": mode == "AllNamespaces"})
	}

	return modes
}
