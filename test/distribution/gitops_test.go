// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/apiserver"
)

// healthCheck returns the script that config/argocd installs.
func healthCheck(t *testing.T) string {
	t.Helper()

	config := byKey(build(t, "config/argocd"))["ConfigMap argocd/argocd-cm"]

	script, found, err := unstructured.NestedString(config.Object, "data", "resource.customizations.health.whatsapp.wawebhook.dev_WhatsAppWebhook")
	if err != nil || !found {
		t.Fatalf("config/argocd has no health check: %v", err)
	}

	return script
}

func TestArgoCDHealth(t *testing.T) {
	script := healthCheck(t)

	const waiting = "The operator has not reconciled it yet"

	is := func(kind string, status metav1.ConditionStatus, reason string) metav1.Condition {
		return metav1.Condition{
			Type:    kind,
			Status:  status,
			Reason:  reason,
			Message: kind + " is " + string(status),
		}
	}
	ready := is(v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonReady)
	unready := func(reason string) metav1.Condition {
		return is(v1alpha1.ConditionReady, metav1.ConditionFalse, reason)
	}
	reconciling := is(v1alpha1.ConditionReconciling, metav1.ConditionTrue, v1alpha1.ReasonProgressing)
	stalled := is(v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonObjectRejected)

	// Conditions without influence on the health.
	available := is(v1alpha1.ConditionAvailable, metav1.ConditionTrue, v1alpha1.ReasonMinimumReplicasAvailable)
	exposed := is(v1alpha1.ConditionExposed, metav1.ConditionFalse, "AddressPending")

	type list []metav1.Condition

	for name, test := range map[string]struct {
		observed      int64
		conditions    list
		want, message string
	}{
		"no status":                 {0, nil, "Progressing", waiting},
		"no Ready condition":        {2, list{available, exposed}, "Progressing", waiting},
		"earlier generation":        {1, list{ready}, "Progressing", waiting},
		"ready":                     {2, list{exposed, ready, available}, "Healthy", "Ready is True"},
		"ready, not observed":       {0, list{ready}, "Healthy", "Ready is True"},
		"being rolled out":          {2, list{unready(v1alpha1.ReasonProgressing), reconciling}, "Progressing", "Reconciling is True"},
		"waiting for a Secret":      {2, list{reconciling, unready(v1alpha1.ReasonSecretMissing)}, "Progressing", "Reconciling is True"},
		"stalled":                   {2, list{unready(v1alpha1.ReasonObjectRejected), stalled}, "Degraded", "Stalled is True"},
		"stalled takes precedence":  {2, list{reconciling, unready(v1alpha1.ReasonObjectRejected), stalled}, "Degraded", "Stalled is True"},
		"unavailable after rollout": {2, list{available, unready(v1alpha1.ReasonUnavailable)}, "Degraded", "Ready is False"},
		"scaled to zero":            {2, list{unready(v1alpha1.ReasonScaledToZero)}, "Suspended", "Ready is False"},
		"suspended":                 {2, list{unready(v1alpha1.ReasonSuspended)}, "Suspended", "Ready is False"},
		"suspended, ready":          {2, list{is(v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonSuspended)}, "Suspended", "Ready is True"},
		"unknown":                   {2, list{is(v1alpha1.ConditionReady, metav1.ConditionUnknown, "Unknown")}, "Progressing", "Ready is Unknown"},
		"false conditions": {2, list{
			ready,
			is(v1alpha1.ConditionStalled, metav1.ConditionFalse, "Fine"),
			is(v1alpha1.ConditionReconciling, metav1.ConditionFalse, "Fine"),
		}, "Healthy", "Ready is True"},
	} {
		t.Run(name, func(t *testing.T) {
			status, message := health(t, script, &v1alpha1.WhatsAppWebhook{
				ObjectMeta: metav1.ObjectMeta{Name: "sales", Generation: 2},
				Status:     v1alpha1.WhatsAppWebhookStatus{ObservedGeneration: test.observed, Conditions: test.conditions},
			})
			if diff := cmp.Diff([]string{test.want, test.message}, []string{status, message}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestArgoCDHealthOfEveryReason checks that the health follows from the conditions that kstatus knows, whatever the reason:
// a new reason needs no change of the check. Only a resource that is paused on purpose is recognized by its reason.
func TestArgoCDHealthOfEveryReason(t *testing.T) {
	script := healthCheck(t)

	type conditions map[string]metav1.ConditionStatus

	for _, reason := range allReasons(t) {
		ready, unready := "Healthy", "Degraded"
		if reason == v1alpha1.ReasonScaledToZero || reason == v1alpha1.ReasonSuspended {
			ready, unready = "Suspended", "Suspended"
		}

		for _, test := range []struct {
			conditions conditions
			want       string
		}{
			{conditions{v1alpha1.ConditionReady: metav1.ConditionTrue}, ready},
			{conditions{v1alpha1.ConditionReady: metav1.ConditionFalse}, unready},
			{conditions{v1alpha1.ConditionReady: metav1.ConditionFalse, v1alpha1.ConditionReconciling: metav1.ConditionTrue}, "Progressing"},
			{conditions{v1alpha1.ConditionReady: metav1.ConditionFalse, v1alpha1.ConditionStalled: metav1.ConditionTrue}, "Degraded"},
		} {
			webhook := &v1alpha1.WhatsAppWebhook{ObjectMeta: metav1.ObjectMeta{Name: "sales", Generation: 2}}
			webhook.Status.ObservedGeneration = 2

			for kind, status := range test.conditions {
				webhook.Status.Conditions = append(webhook.Status.Conditions, metav1.Condition{
					Type:    kind,
					Status:  status,
					Reason:  reason,
					Message: "as the operator says",
				})
			}

			if status, message := health(t, script, webhook); status != test.want || message != "as the operator says" {
				t.Errorf("%s with %v is %s: %s; want %s", reason, test.conditions, status, message, test.want)
			}
		}
	}
}

// allReasons returns every reason that the API defines.
func allReasons(t *testing.T) []string {
	t.Helper()

	file, err := parser.ParseFile(token.NewFileSet(), root+"/api/v1alpha1/conditions.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}

	var reasons []string

	ast.Inspect(file, func(node ast.Node) bool {
		constant, ok := node.(*ast.ValueSpec)
		if !ok || !strings.HasPrefix(constant.Names[0].Name, "Reason") {
			return true
		}

		literal, ok := constant.Values[0].(*ast.BasicLit)
		if !ok {
			t.Fatalf("%s is not a string", constant.Names[0])
		}

		reasons = append(reasons, strings.Trim(literal.Value, `"`))

		return false
	})

	if len(reasons) == 0 {
		t.Fatal("conditions.go defines no reasons")
	}

	return reasons
}

// argocdHealth returns the path of the program that runs a health check as Argo CD does.
var argocdHealth = sync.OnceValues(func() (string, error) {
	path, err := exec.Command("go", "-C", root+"/hack/tools/argocd", "tool", "-n", "argocdhealth").Output()
	return strings.TrimSpace(string(path)), err
})

// health runs the check as Argo CD does.
func health(t *testing.T, script string, obj any) (status, message string) {
	t.Helper()

	data, err := json.Marshal(obj)
	if err != nil {
		t.Fatal(err)
	}

	program, err := argocdHealth()
	if err != nil {
		t.Fatalf("build the program that runs health checks: %v", err)
	}

	check := exec.CommandContext(t.Context(), program, script)
	check.Stdin = bytes.NewReader(data)
	check.Stderr = t.Output()

	printed, err := check.Output()
	if err != nil {
		t.Fatalf("run the health check: %v", err)
	}

	var result struct{ Status, Message string }
	if err := json.Unmarshal(printed, &result); err != nil {
		t.Fatal(err)
	}

	return result.Status, result.Message
}

// TestSamplesAreStoredAsWritten applies every sample as Argo CD does. The API server adds nothing to the spec and changes
// nothing in it, so no way to compare it with Git finds a difference.
func TestSamplesAreStoredAsWritten(t *testing.T) {
	crd := build(t, "config/crd")[0]
	apply(t, crd, "kubectl")
	t.Cleanup(func() { removeCRD(t) })

	namespace := testCluster.NewNamespace(t)

	for _, written := range build(t, "config/samples") {
		written.SetNamespace(namespace)

		apiserver.Eventually(t, func() error {
			return testCluster.Apply(t.Context(), client.ApplyConfigurationFromUnstructured(written.DeepCopy()), client.FieldOwner("argocd-controller"))
		})

		stored := get(t, written.GetAPIVersion(), written.GetKind(), namespace, written.GetName())
		if diff := cmp.Diff(written.Object["spec"], stored.Object["spec"]); diff != "" {
			t.Errorf("%s (-Git +cluster):\n%s", key(written), diff)
		}

		// Argo CD's server-side diff compares the object with the result of a dry run.
		predicted := written.DeepCopy()
		if err := testCluster.Apply(t.Context(), client.ApplyConfigurationFromUnstructured(predicted),
			client.FieldOwner("argocd-controller"), client.ForceOwnership, client.DryRunAll); err != nil {
			t.Fatal(err)
		}

		if diff := cmp.Diff(stored.Object, predicted.Object); diff != "" {
			t.Errorf("a dry run changes %s (-cluster +dry run):\n%s", key(written), diff)
		}
	}
}

// TestArgoCDConfigIsMerged checks that an existing argocd-cm keeps its entries.
func TestArgoCDConfigIsMerged(t *testing.T) {
	testCluster.MustCreate(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "argocd"}})
	testCluster.MustCreate(t, &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "argocd",
			Name:      "argocd-cm",
			Labels:    map[string]string{"app.kubernetes.io/part-of": "argocd"},
		},
		Data: map[string]string{"url": "https://argocd.example.com"},
	})

	for _, o := range build(t, "config/argocd") {
		apply(t, o, "whatsapp-webhook-operator")
	}

	data, _, err := unstructured.NestedStringMap(get(t, "v1", "ConfigMap", "argocd", "argocd-cm").Object, "data")
	if err != nil || len(data) != 2 || data["url"] != "https://argocd.example.com" {
		t.Errorf("argocd-cm has %v: %v", data, err)
	}
}

// examples returns the objects of a file in config/, by key.
func examples(t *testing.T, file string) map[string]*object {
	t.Helper()

	text, err := os.ReadFile(filepath.Join(root, "config", file))
	if err != nil {
		t.Fatal(err)
	}

	return byKey(parse(t, string(text)))
}

// TestExampleValuesMatchTheChart renders the chart with the values of the examples. Its schema rejects unknown values.
func TestExampleValuesMatchTheChart(t *testing.T) {
	for name, test := range map[string]struct {
		object *object
		path   []string
	}{
		"Argo CD": {examples(t, "argocd/operator.yaml")["Application argocd/whatsapp-webhook-operator"], []string{"spec", "source", "helm", "valuesObject"}},
		"Flux":    {examples(t, "flux/operator-helm.yaml")["HelmRelease flux-system/whatsapp-webhook-operator"], []string{"spec", "values"}},
	} {
		values, found, err := unstructured.NestedMap(test.object.Object, test.path...)
		if err != nil || !found {
			t.Fatalf("%s: no values: %v", name, err)
		}

		data, err := json.Marshal(values)
		if err != nil {
			t.Fatal(err)
		}

		file := filepath.Join(t.TempDir(), "values.yaml")
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}

		render(t, "--values="+file)
	}
}
