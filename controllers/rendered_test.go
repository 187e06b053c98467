// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/lint"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
)

// TestFilesRenderWhatTheOperatorCreates renders the samples without a cluster, as the tool does, and compares the objects
// with the objects that the operator creates: they are the same, and each field has the same value.
func TestFilesRenderWhatTheOperatorCreates(t *testing.T) {
	t.Parallel()

	names, err := filepath.Glob("../config/samples/*.yaml")
	if err != nil || len(names) < 10 {
		t.Fatalf("samples %v, %v", names, err)
	}

	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			t.Parallel()

			namespace := testCluster.NewNamespace(t)
			for _, webhook := range fromFile(t, name, namespace) {
				params, err := resources.NewParams(webhook, testEnvironment)
				if err != nil {
					t.Fatal(err)
				}

				for _, name := range []string{resources.ExistingClaim(webhook), resources.BackupClaim(webhook)} {
					if name != "" {
						testCluster.MustCreate(t, claim(namespace, name, "10Gi"))
					}
				}

				testCluster.MustCreate(t, webhook)
				waitUntilSettled(t, webhook)
				compareRendered(t, webhook, resources.Render(params))
			}
		})
	}
}

// fromFile returns the resources of a file, as the linter reads them.
func fromFile(t *testing.T, name, namespace string) []*v1alpha1.WhatsAppWebhook {
	t.Helper()

	files, err := lint.ReadFiles([]string{name}, strings.NewReader(""))
	if err != nil {
		t.Fatal(err)
	}

	linter, err := lint.New(namespace)
	if err != nil {
		t.Fatal(err)
	}

	report := linter.Lint(t.Context(), files)
	if report.Errors() > 0 || strings.Contains(name, "whatsappwebhook") != (len(report.Webhooks) == 1) {
		t.Fatalf("%d resources, %v", len(report.Webhooks), report.Findings)
	}

	return report.Webhooks
}

func compareRendered(t *testing.T, webhook *v1alpha1.WhatsAppWebhook, rendered []resources.Object) {
	t.Helper()

	more := children(t, webhook)

	for _, object := range rendered {
		if *object.GetKind() == resources.ScaledObjectKind.Kind {
			continue // this API server does not serve it
		}

		name := resources.ReferenceTo(object).String()
		delete(more, name)

		live := &unstructured.Unstructured{}
		live.SetGroupVersionKind(schema.FromAPIVersionAndKind(*object.GetAPIVersion(), *object.GetKind()))

		if err := testCluster.Get(t.Context(), client.ObjectKey{Namespace: *object.GetNamespace(), Name: *object.GetName()}, live); err != nil {
			t.Errorf("%s is rendered, and was not created: %v", name, err)
			continue
		}

		for _, difference := range differences("", plain(t, object), live.Object) {
			t.Errorf("%s: %s", name, difference)
		}
	}

	for name := range more {
		t.Errorf("%s was created, and is not rendered", name)
	}
}

// plain returns an object as a tree of JSON.
func plain(t *testing.T, object any) map[string]any {
	t.Helper()

	data, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}

	tree := map[string]any{}
	if err := utiljson.Unmarshal(data, &tree); err != nil {
		t.Fatal(err)
	}

	return tree
}

// differences returns the fields of wanted that got lacks, or has with other values.
func differences(path string, wanted, got any) []string {
	var all []string

	switch wanted := wanted.(type) {
	case map[string]any:
		fields, _ := got.(map[string]any)
		for name, value := range wanted {
			all = append(all, differences(path+"."+name, value, fields[name])...)
		}
	case []any:
		elements, _ := got.([]any)
		if len(elements) != len(wanted) {
			return []string{fmt.Sprintf("%s has %d elements, want %d", path, len(elements), len(wanted))}
		}

		for i := range wanted {
			all = append(all, differences(fmt.Sprintf("%s[%d]", path, i), wanted[i], elements[i])...)
		}
	default:
		if diff := cmp.Diff(wanted, got); diff != "" {
			all = append(all, path+" (-rendered +created):\n"+diff)
		}
	}

	return all
}
