// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// everyFeature enables all optional objects. A PodMonitor excludes a ServiceMonitor.
const everyFeature = "--set=metrics.serviceMonitor.enabled=true,metrics.prometheusRule.enabled=true,dashboards.enabled=true," +
	"podDisruptionBudget.enabled=true,networkPolicy.enabled=true"

var podMonitorInstead = []string{"--set=metrics.serviceMonitor.enabled=false", "--set=metrics.podMonitor.enabled=true"}

// TestEveryValueChangesTheRelease changes each value of values.yaml, and checks that the objects differ, or that the chart
// rejects the value by its name.
func TestEveryValueChangesTheRelease(t *testing.T) {
	t.Parallel()

	text, err := os.ReadFile(chart + "/values.schema.json")
	if err != nil {
		t.Fatal(err)
	}

	var schema property
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}

	values := map[string]property{}
	schema.leaves("", values)

	defaults := []string{"template", release, chart, "--kube-version=" + oldestKubernetes}
	features := append(slices.Clone(defaults), everyFeature)
	podMonitor := append(slices.Clone(features), podMonitorInstead...)
	before := map[int]string{}

	for _, args := range [][]string{defaults, features, podMonitor} {
		before[len(args)] = helm4.run(t, args...)
	}

	for _, path := range slices.Sorted(maps.Keys(values)) {
		t.Run(path, func(t *testing.T) {
			args := features
			switch {
			case strings.HasSuffix(path, ".enabled"):
				args = defaults
			case strings.HasPrefix(path, "metrics.podMonitor."):
				args = podMonitor
			}

			changed, err := json.Marshal(values[path].other())
			if err != nil {
				t.Fatal(err)
			}

			after, err := helm4.try(t, append(slices.Clone(args), "--set-json="+path+"="+string(changed))...)
			if err != nil {
				// A group is named for the key in it.
				if group := path[:max(strings.LastIndex(path, "."), 0)]; !strings.Contains(err.Error(), path) &&
					(group == "" || !strings.Contains(err.Error(), group)) {
					t.Errorf("%s is rejected without its name: %v", changed, err)
				}
			} else if after == before[len(args)] {
				t.Errorf("%s changes nothing", changed)
			}
		})
	}
}

// property is a part of a JSON Schema.
type property struct {
	Type                 any                 `json:"type"`
	Properties           map[string]property `json:"properties"`
	AdditionalProperties any                 `json:"additionalProperties"`
	Items                *property           `json:"items"`
	AnyOf                []property          `json:"anyOf"`
	Required             []string            `json:"required"`
	Enum                 []any               `json:"enum"`
	Pattern              string              `json:"pattern"`
	Default              any                 `json:"default"`
}

// leaves adds the values below the property by their paths. A group has no default.
func (p property) leaves(path string, into map[string]property) {
	for key, child := range p.Properties {
		childPath := strings.TrimPrefix(path+"."+key, ".")
		if child.Default == nil && child.Properties != nil {
			child.leaves(childPath, into)
		} else {
			into[childPath] = child
		}
	}
}

// other returns a valid value that is not the default.
func (p property) other() any {
	types, _ := p.Type.([]any)
	if name, ok := p.Type.(string); ok {
		types = []any{name}
	}

	switch {
	case len(p.AnyOf) > 0:
		return p.AnyOf[0].other()
	case len(p.Enum) > 0:
		return p.Enum[slices.IndexFunc(p.Enum, func(value any) bool { return value != p.Default && value != "" })]
	case slices.Contains(types, "boolean"):
		return p.Default != true
	case slices.Contains(types, "integer"):
		number, _ := p.Default.(float64)
		return number + 2
	case slices.Contains(types, "array"):
		return []any{p.Items.other()}
	case slices.Contains(types, "object"):
		return p.otherObject()
	case strings.Contains(p.Pattern, "sha256"):
		return "sha256:" + strings.Repeat("1", 64)
	case strings.Contains(p.Pattern, "http"):
		return "https://example.com"
	case strings.Contains(p.Pattern, "ms|"):
		return "7s"
	default:
		return "changed"
	}
}

// otherObject returns an object with the required keys, or with one key.
func (p property) otherObject() any {
	object := map[string]any{}
	for _, key := range p.Required {
		object[key] = p.Properties[key].other()
	}

	switch {
	case len(object) > 0:
	case p.Properties["timeoutSeconds"].Type != nil:
		object["timeoutSeconds"] = 7
	default:
		object["changed"] = "changed"
	}

	return object
}

// TestEveryObjectHasTheCommonMetadata checks that the values for all objects reach all of them.
func TestEveryObjectHasTheCommonMetadata(t *testing.T) {
	t.Parallel()

	const metadata = "--set=commonLabels.team=messaging,commonAnnotations.owner=messaging,namespaceOverride=elsewhere,metrics.readerToken.create=true"
	for name, args := range map[string][]string{
		"ServiceMonitor": nil,
		"PodMonitor":     podMonitorInstead,
		"Roles":          {"--set=namespaces={elsewhere}"},
		"no CRD to keep": {"--set=crd.keep=false"},
	} {
		for _, o := range render(t, append([]string{everyFeature, metadata}, args...)...) {
			if o.GetLabels()["team"] != "messaging" || o.GetAnnotations()["owner"] != "messaging" {
				t.Errorf("%s: %s has the labels %v and the annotations %v", name, key(o), o.GetLabels(), o.GetAnnotations())
			}

			if namespace := o.GetNamespace(); namespace != "" && namespace != "elsewhere" {
				t.Errorf("%s: %s is not in the namespace of the values", name, key(o))
			}

			subjects, _, _ := unstructured.NestedSlice(o.Object, "subjects")
			for _, subject := range subjects {
				if account, ok := subject.(map[string]any); !ok || account["namespace"] != "elsewhere" {
					t.Errorf("%s: %s binds %v", name, key(o), subject)
				}
			}
		}
	}
}

// TestFormerValues sets all values as an earlier version of the chart had them, which a release may do.
func TestFormerValues(t *testing.T) {
	t.Parallel()

	former := byKey(render(t, "--values=testdata/former-values.yaml"))
	if diff := cmp.Diff(byKey(render(t)), former); diff != "" {
		t.Errorf("the objects (-without +with the former values):\n%s", diff)
	}
}

// TestMonitoringFollowsTheRelease checks that alerts and dashboards name the namespace and the Service of the release.
func TestMonitoringFollowsTheRelease(t *testing.T) {
	t.Parallel()

	rendered := helm4.run(t, "template", "wa", chart, "--kube-version="+oldestKubernetes, "--namespace=messaging", everyFeature)
	for _, name := range []string{"whatsapp-webhook-system", `"whatsapp-webhook-operator-metrics"`} {
		if strings.Contains(rendered, name) {
			t.Errorf("an object of another release has the name %s of config/default", name)
		}
	}
}
