// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// TestNoRoleReachesSecrets checks that in no installation the operator can read Secrets or escalate rights.
func TestNoRoleReachesSecrets(t *testing.T) {
	for name, objects := range map[string][]*object{
		"config/default":            build(t, "config/default"),
		"config/namespaced":         build(t, "config/namespaced"),
		"config/namespaced/watched": build(t, "config/namespaced/watched"),
		"the chart":                 render(t),
		"the chart, namespaced":     render(t, "--values="+chart+"/ci/namespaced.yaml"),
		"the chart, everything":     render(t, "--values="+chart+"/ci/everything.yaml"),
	} {
		roles := 0
		for _, o := range objects {
			if o.GetKind() != "Role" && o.GetKind() != "ClusterRole" {
				continue
			}

			roles++

			role := rbacv1.ClusterRole{}
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &role); err != nil {
				t.Fatal(err)
			}

			if role.AggregationRule != nil {
				t.Errorf("%s: %s aggregates other roles", name, key(o))
			}

			for _, rule := range role.Rules {
				if why := excessive(rule); why != "" {
					t.Errorf("%s: %s has a rule for %s: %+v", name, key(o), why, rule)
				}
			}
		}

		if roles == 0 {
			t.Errorf("%s: no roles", name)
		}
	}
}

// excessive returns which right of the rule is excessive, or "".
func excessive(rule rbacv1.PolicyRule) string {
	switch {
	case slices.Contains(rule.Verbs, "*"):
		return "all verbs"
	case slices.Contains(rule.APIGroups, "*"):
		return "all API groups"
	case slices.ContainsFunc(rule.Resources, func(resource string) bool { return strings.Contains(resource, "*") }):
		return "all resources"
	case slices.ContainsFunc(rule.Resources, func(resource string) bool {
		return resource == "secrets" || strings.HasPrefix(resource, "secrets/")
	}):
		return "Secrets"
	case slices.ContainsFunc(rule.Resources, func(resource string) bool {
		// These give access to the Secrets of a receiver: a command in its pod, or a token of its account.
		return slices.Contains([]string{"pods/exec", "pods/attach", "pods/ephemeralcontainers", "serviceaccounts/token"}, resource)
	}):
		return "pods or accounts"
	case slices.ContainsFunc(rule.Verbs, func(verb string) bool {
		return slices.Contains([]string{"bind", "escalate", "impersonate"}, verb)
	}):
		return "escalation"
	}

	return ""
}

func TestExcessiveRulesAreFound(t *testing.T) {
	for want, rule := range map[string]rbacv1.PolicyRule{
		"": {
			APIGroups: []string{""},
			Resources: []string{"configmaps"},
			Verbs:     []string{"get"},
		},
		"Secrets": {
			APIGroups: []string{""},
			Resources: []string{"configmaps", "secrets"},
			Verbs:     []string{"get"},
		},
		"all resources": {APIGroups: []string{""}, Resources: []string{"*"}, Verbs: []string{"get"}},
		"all API groups": {
			APIGroups: []string{"*"},
			Resources: []string{"configmaps"},
			Verbs:     []string{"get"},
		},
		"all verbs": {
			APIGroups: []string{""},
			Resources: []string{"configmaps"},
			Verbs:     []string{"*"},
		},
		"pods or accounts": {
			APIGroups: []string{""},
			Resources: []string{"pods/exec"},
			Verbs:     []string{"create"},
		},
		"escalation": {
			APIGroups: []string{""},
			Resources: []string{"roles"},
			Verbs:     []string{"escalate"},
		},
	} {
		if diff := cmp.Diff(want, excessive(rule)); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", rule, diff)
		}
	}
}

// TestNamespacedManagerClusterObjects checks that a namespaced manager has cluster objects only for its users and its
// metrics, and that the chart can omit those.
func TestNamespacedManagerClusterObjects(t *testing.T) {
	for name, test := range map[string]struct {
		objects []*object
		want    []string
	}{
		"config/namespaced": {build(t, "config/namespaced"), []string{
			"ClusterRole whatsapp-webhook-operator-edit",
			"ClusterRole whatsapp-webhook-operator-metrics-auth",
			"ClusterRole whatsapp-webhook-operator-metrics-reader",
			"ClusterRole whatsapp-webhook-operator-view",
			"ClusterRoleBinding whatsapp-webhook-operator-metrics-auth",
			"CustomResourceDefinition whatsappwebhooks.whatsapp.wawebhook.dev",
			"Namespace whatsapp-webhook-system",
		}},
		"the chart": {render(t, "--set=namespaces={a,b}"), []string{
			"ClusterRole whatsapp-webhook-operator-edit",
			"ClusterRole whatsapp-webhook-operator-metrics-auth",
			"ClusterRole whatsapp-webhook-operator-metrics-reader",
			"ClusterRole whatsapp-webhook-operator-view",
			"ClusterRoleBinding whatsapp-webhook-operator-metrics-auth",
			"CustomResourceDefinition whatsappwebhooks.whatsapp.wawebhook.dev",
		}},
		"the chart, minimal": {render(t, "--values="+chart+"/ci/namespaced.yaml"), nil},
	} {
		var got []string
		for _, o := range test.objects {
			if o.GetNamespace() == "" {
				got = append(got, key(o))
			}
		}

		slices.Sort(got)

		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: cluster objects (-want +got):\n%s", name, diff)
		}
	}
}
