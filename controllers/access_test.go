// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"
)

func TestRightsOfRequests(t *testing.T) {
	t.Parallel()

	for _, tc := range []struct{ request, want string }{
		{"GET /api/v1/namespaces/one/services?limit=500", "list services in one"},
		{"GET /api/v1/services?watch=true", "watch services in "},
		{"GET /apis/apps/v1/namespaces/one/deployments?watch=true", "watch deployments.apps in one"},
		{"GET /apis/gateway.networking.k8s.io/v1/httproutes", "list httproutes.gateway.networking.k8s.io in "},
		{"GET /apis/apps/v1/namespaces/one/deployments/sales", ""},
		{"GET /apis/apps/v1", ""},
		{"GET /version", ""},
		{"POST /apis/authorization.k8s.io/v1/subjectaccessreviews", ""},
		{"PATCH /apis/apps/v1/namespaces/one/deployments/sales?force=yes", ""},
	} {
		method, path, _ := strings.Cut(tc.request, " ")

		got := ""

		d, watch, ok := readOf(httptest.NewRequest(method, path, http.NoBody))
		if ok {
			got = "list "
			if watch {
				got = "watch "
			}

			got += d.resource.String() + " in " + d.namespace
		}

		if got != tc.want {
			t.Errorf("%s needs %q; want %q", tc.request, got, tc.want)
		}
	}
}

// TestEveryKindHasARule checks that the names of resources that the operator derives from kinds are those of its role.
func TestEveryKindHasARule(t *testing.T) {
	t.Parallel()

	data, err := os.ReadFile("../config/rbac/role.yaml")
	if err != nil {
		t.Fatal(err)
	}

	role := &rbacv1.ClusterRole{}
	if err := yaml.UnmarshalStrict(data, role); err != nil {
		t.Fatal(err)
	}

	for _, kind := range kinds {
		resource := resourceOf(kind.GroupVersionKind)

		granted := slices.ContainsFunc(role.Rules, func(rule rbacv1.PolicyRule) bool {
			return slices.Contains(rule.APIGroups, resource.Group) && slices.Contains(rule.Resources, resource.Resource) &&
				slices.Contains(rule.Verbs, "list") && slices.Contains(rule.Verbs, "watch")
		})
		if !granted {
			t.Errorf("no rule of the role lets the operator list and watch %s", resource)
		}
	}
}

func TestRenderingLabel(t *testing.T) {
	t.Parallel()

	for value, want := range map[string]rendering{
		"generation-7.0123456789abcdef":         {generation: 7, hash: "0123456789abcdef"},
		"generation-7.0123456789abcdef.upgrade": {generation: 7, hash: "0123456789abcdef", upgrade: true},
		"":                                      {},
		"edited by hand":                        {},
		"generation-x.0123456789abcdef":         {},
	} {
		deployment := running(1)
		deployment.Labels = map[string]string{labelRendering: value}

		got := renderingOf(deployment)
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(rendering{})); diff != "" {
			t.Errorf("%q (-want +got):\n%s", value, diff)
		}

		if want != (rendering{}) && got.String() != value {
			t.Errorf("%q is written as %q", value, got)
		}
	}
}
