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

// The operator cannot read Secrets, nor give itself or others what it has not, however it is installed.
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
				t.Errorf("%s: %s takes rules from elsewhere", name, key(o))
			}

			for _, rule := range role.Rules {
				if why := excessive(rule); why != "" {
					t.Errorf("%s: %s has a rule for %s: %+v", name, key(o), why, rule)
				}
			}
		}

		if roles == 0 {
			t.Errorf("%s: no role was found", name)
		}
	}
}

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
		// Whoever may run a command in a receiver, be another account or have a token of one, has its Secrets.
		return slices.Contains([]string{"pods/exec", "pods/attach", "pods/ephemeralcontainers", "serviceaccounts/token"}, resource)
	}):
		return "what is inside pods or accounts"
	case slices.ContainsFunc(rule.Verbs, func(verb string) bool {
		return slices.Contains([]string{"bind", "escalate", "impersonate"}, verb)
	}):
		return "rights it has not"
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
		"what is inside pods or accounts": {
			APIGroups: []string{""},
			Resources: []string{"pods/exec"},
			Verbs:     []string{"create"},
		},
		"rights it has not": {
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

// What a namespaced manager leaves in the cluster is for its users and its metrics, and the chart can leave that out.
func TestNamespacedManagerHasNothingOfTheCluster(t *testing.T) {
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
		"the chart at its least": {render(t, "--values="+chart+"/ci/namespaced.yaml"), nil},
	} {
		var got []string
		for _, o := range test.objects {
			if o.GetNamespace() == "" {
				got = append(got, key(o))
			}
		}

		slices.Sort(got)

		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s has in the cluster (-want +got):\n%s", name, diff)
		}
	}
}
