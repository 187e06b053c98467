// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cel

import (
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/apiserver"
)

// statusCase is a status, in YAML, that the API server must accept or reject.
type statusCase struct {
	status, field, message string
}

func statusCases() []statusCase {
	conditions := func(count int) string {
		var list []string
		for i := range count {
			list = append(list, fmt.Sprintf(`{type: Type%d, status: "True", reason: Because, message: "", lastTransitionTime: "2026-01-01T00:00:00Z"}`, i))
		}

		return `{conditions: [` + strings.Join(list, ", ") + `]}`
	}
	twice := strings.ReplaceAll(conditions(2), "Type1", "Type0")
	long := func(field string, length int) string {
		return fmt.Sprintf("{%s: %s}", field, strings.Repeat("a", length))
	}

	return []statusCase{
		{`{observedGeneration: 1, replicas: 0, readyReplicas: 0, pending: 0, deadLetters: 0}`, "", ""},
		{`{replicas: 3, readyReplicas: 2, pending: 9007199254740993, deadLetters: 7, selector: a=b, url: "https://a.example.com/b"}`, "", ""},
		{`{}`, "", ""},
		{`{observedGeneration: -1}`, "", ""},
		{`{observedGeneration: -2}`, "status.observedGeneration", "should be greater than or equal to -1"},
		{`{url: ""}`, "status.url", "should be at least 1 chars long"},
		{long("url", 1024), "", ""},
		{long("url", 1025), "status.url", "may not be more than 1024 bytes"},
		{`{receivers: 1/2}`, "", ""},
		{`{receivers: "1"}`, "status.receivers", "should be at least 3 chars long"},
		{long("receivers", 21), "", ""},
		{long("receivers", 22), "status.receivers", "may not be more than 21 bytes"},
		{`{selector: ""}`, "status.selector", "should be at least 1 chars long"},
		{long("selector", 512), "", ""},
		{long("selector", 513), "status.selector", "may not be more than 512 bytes"},
		{`{conditions: []}`, "status.conditions", "should have at least 1 items"},
		{conditions(16), "", ""},
		{conditions(17), "status.conditions", "must have at most 16 items"},
		{twice, "status.conditions[]", "Duplicate value"},
	}
}

// TestNewResourceIsNotObserved checks that a resource that the operator has not seen is in progress for tools that follow
// kstatus. They take an object without a status for current.
func TestNewResourceIsNotObserved(t *testing.T) {
	t.Parallel()

	object := newObject(v1alpha1.SchemeGroupVersion, server.NewNamespace(t), specOf())
	server.MustCreate(t, object)

	observed, _, err := unstructured.NestedInt64(apiserver.MustGet(t, server, object).Object, "status", "observedGeneration")
	if err != nil || observed != -1 {
		t.Errorf("observedGeneration is %d, want -1: %v", observed, err)
	}
}

func TestStatusIsValidated(t *testing.T) {
	t.Parallel()
	object := newObject(v1alpha1.SchemeGroupVersion, server.NewNamespace(t), specOf())
	server.MustCreate(t, object)

	for _, test := range statusCases() {
		t.Run(fmt.Sprintf("%.80s", test.status), func(t *testing.T) {
			t.Parallel()

			status, err := yaml.YAMLToJSONStrict([]byte(test.status))
			if err != nil {
				t.Fatal(err)
			}

			patch := client.RawPatch(types.JSONPatchType, fmt.Appendf(nil, `[{"op": "add", "path": "/status", "value": %s}]`, status))
			wantCause(t, strict().Status().Patch(t.Context(), object.DeepCopy(), patch, client.DryRunAll), test.field, test.message)
		})
	}
}
