// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/doctor"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/folder"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// startRig runs a receiver between stand-ins.
func startRig(t *testing.T) *rig.Rig {
	t.Helper()

	r, err := rig.New(rig.Options{
		Dir:    t.TempDir(),
		Config: config.Config{CloudAPI: config.CloudAPI{PhoneNumberIDs: []string{"106540352242922"}}},
		Bird:   standin.BirdOptions{AccessKeys: []string{folder.BirdAccessKey}},
	})
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})

	if err := r.Folder.Layout(r.Config, nil); err != nil {
		t.Fatal(err)
	}

	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}

	return r
}

// checksOf returns the checks of a report in JSON by name.
func checksOf(t *testing.T, got ranTool) map[string]doctor.Check {
	t.Helper()

	var report doctor.Report
	if err := json.Unmarshal([]byte(got.out), &report); err != nil {
		t.Fatalf("%+v: %v", got, err)
	}

	all := map[string]doctor.Check{}
	for _, check := range report.Checks {
		all[check.Name] = check
	}

	return all
}

func TestDoctorOfAFile(t *testing.T) {
	r := startRig(t)
	file := r.Folder.ConfigFile()

	// The secrets of the stand-ins do not look like Meta's, which is a warning.
	got := runTool(t, "doctor", "--config", file)
	for _, want := range []string{
		"The configuration\n  ✓ ok       Configuration file: asks the AI by Contract\n",
		"  ! warning  Values of the secrets (secret-values):",
		"             Fix: compare it with the token that Meta showed",
		"  – skipped  Callback URL, DNS, Connection, Certificate, Verification request, Signed delivery, Delivery of 3 MB: the configuration does not say the public URL",
		"  ✓ ok       AI: the bridge answers",
		"\n0 failures, 1 warning, ",
	} {
		if !strings.Contains(got.out, want) {
			t.Errorf("the report lacks %q:\n%s", want, got.out)
		}
	}

	if got.code != output.CodeDone || strings.Contains(got.out, folder.AccessToken) {
		t.Errorf("exit code %d: %s", got.code, got.err)
	}

	empty := t.TempDir()

	got = runTool(t, "doctor", "--config", file, "--secrets", empty, "--only", "secrets", "-o", "json")
	if all := checksOf(t, got); got.code != output.CodeFailed || len(all) != 1 || all["secrets"].State != doctor.Failure {
		t.Errorf("with an empty folder of secrets: %+v", got)
	}

	if err := os.WriteFile(empty+"/receiver.yaml", []byte("birds: {}"), 0o600); err != nil {
		t.Fatal(err)
	}

	got = runTool(t, "doctor", "--config", empty+"/receiver.yaml")
	if got.code != output.CodeFailed || !strings.Contains(got.err, `unknown key "birds"`) {
		t.Errorf("with a wrong file: %+v", got)
	}
}

func TestDoctorAtAnAddress(t *testing.T) {
	r := startRig(t)

	got := runTool(t, "doctor", "--address", "http://"+r.Local.ConsoleAddr(), "--only", "receiver,ai", "-o", "json")
	if all := checksOf(t, got); got.code != output.CodeDone || all["store"].State != doctor.OK || all["ai"].State != doctor.OK || len(all) != 10 {
		t.Errorf("doctor: %+v", got)
	}

	got = runTool(t, "doctor", "--address", "http://127.0.0.1:1")
	if got.code != output.CodeUnreachable || !strings.Contains(got.err, "Fix:") {
		t.Errorf("without a receiver: %+v", got)
	}
}

func TestDoctorUsage(t *testing.T) {
	for args, want := range map[string]string{
		"doctor":                              "the NAME of a WhatsAppWebhook is missing",
		"doctor sales --config receiver.yaml": "--config takes the place of a NAME",
		"doctor sales --only dsn":             `no check and no group has the name "dsn"`,
		"doctor --address http://localhost:1 --only pods,outside": "these checks need a cluster",
		"doctor --config missing.yaml --only cluster":             "these checks need a cluster",
		"doctor sales --secrets folder":                           "--secrets needs --config",
	} {
		got := runTool(t, strings.Fields(args)...)
		if got.code != output.CodeUsage || !strings.Contains(got.err, want) {
			t.Errorf("%s: %+v, want %q", args, got, want)
		}
	}
}

func (c *testCluster) testDoctor(t *testing.T) {
	t.Run("no operator and no pod", func(t *testing.T) {
		c.setStatus(t, v1alpha1.WhatsAppWebhookStatus{ObservedGeneration: -1})

		got := runTool(t, c.args("doctor", "sales")...)
		for _, want := range []string{
			"The resource in the cluster\n  ✗ failure  Resource (resource): the operator has not seen the resource\n",
			"  ✗ failure  Pods (pods): there is no pod\n",
			"  ✗ failure  Receiver (receiver-answers): ",
			"  – skipped  DNS, Connection, Certificate, Answer: the public URL is not known",
			"\n3 failures, 0 warnings, ",
			"kubectl get pods -A",
		} {
			if !strings.Contains(got.out, want) {
				t.Errorf("the report lacks %q:\n%s%s", want, got.out, got.err)
			}
		}

		if got.code != output.CodeFailed {
			t.Errorf("exit code %d, want 1", got.code)
		}

		// What was asked for is missing, so it is said why.
		got = runTool(t, c.args("doctor", "sales", "--only", "store", "-o", "json")...)
		if all := checksOf(t, got); got.code != output.CodeFailed || len(all) != 1 || all["receiver-answers"].State != doctor.Failure {
			t.Errorf("doctor --only store: %+v", got)
		}

		if got := runTool(t, c.args("doctor", "sale")...); got.code != output.CodeFailed || !strings.Contains(got.err, "The namespace has: sales.") {
			t.Errorf("doctor of a name that is misspelt: %+v", got)
		}
	})

	now := metav1.Now()
	c.setStatus(t, v1alpha1.WhatsAppWebhookStatus{
		ObservedGeneration: 1,
		URL:                "https://hooks.example.invalid/webhooks/whatsapp",
		Conditions: []metav1.Condition{{
			Type:               v1alpha1.ConditionReady,
			Status:             metav1.ConditionTrue,
			Reason:             v1alpha1.ReasonReady,
			LastTransitionTime: now,
		}, {
			Type:               v1alpha1.ConditionExposed,
			Status:             metav1.ConditionFalse,
			Reason:             "Pending",
			Message:            "the Ingress has no address",
			LastTransitionTime: now,
		}},
	})
	c.MustCreate(t, &corev1.Event{
		ObjectMeta:     metav1.ObjectMeta{Namespace: c.namespace, Name: "sales-doctor.1"},
		InvolvedObject: corev1.ObjectReference{Kind: "Pod", Namespace: c.namespace, Name: "sales-doctor"},
		Type:           corev1.EventTypeWarning,
		Reason:         "Unhealthy",
		Message:        "the probe failed",
		LastTimestamp:  now,
	})

	r := startRig(t)
	console := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: r.Local.ConsoleAddr()})
	c.runPod(t, "sales-doctor", "", console.ServeHTTP)

	defer func() {
		c.kubelet.Kill(t, c.namespace, "sales-doctor")
		c.setStatus(t, v1alpha1.WhatsAppWebhookStatus{ObservedGeneration: -1})
	}()

	t.Run("a receiver", func(t *testing.T) {
		got := runTool(t, c.args("doctor", "sales", "-o", "json")...)
		all := checksOf(t, got)

		for name, want := range map[string]doctor.State{
			"resource":         doctor.OK,
			"conditions":       doctor.Failure, // Exposed
			"pods":             doctor.OK,
			"events":           doctor.Warning,
			"receiver-answers": doctor.OK,
			"outside-dns":      doctor.Failure, // a name that no one may have
			"dns":              doctor.Failure,
			"store":            doctor.OK,
			"ai":               doctor.OK,
		} {
			if all[name].State != want {
				t.Errorf("%s is %+v, want %s", name, all[name], want)
			}
		}

		if !strings.Contains(all["events"].Detail, "Pod sales-doctor: Unhealthy, the probe failed") {
			t.Errorf("events is %+v", all["events"])
		}
	})

	t.Run("some of it", func(t *testing.T) {
		got := runTool(t, c.args("doctor", "sales", "--only", "store,pods", "-o", "json")...)
		if all := checksOf(t, got); got.code != output.CodeDone || len(all) != 2 {
			t.Errorf("doctor: %+v", got)
		}
	})

	t.Run("no rights", func(t *testing.T) {
		got := runTool(t, c.args("doctor", "sales", "--as", "stranger")...)
		if got.code != output.CodeUnreachable || !strings.Contains(got.out, "kubectl auth can-i list pods") {
			t.Errorf("doctor: %+v", got)
		}
	})

	t.Run("no right to connect", func(t *testing.T) {
		c.allow(t, "reader", rbacv1.PolicyRule{
			APIGroups: []string{"", v1alpha1.SchemeGroupVersion.Group},
			Resources: []string{"pods", "whatsappwebhooks"},
			Verbs:     []string{"get", "list"},
		})

		all := checksOf(t, runTool(t, c.args("doctor", "sales", "--as", "reader", "-o", "json")...))
		if all["pods"].State != doctor.OK || all["events"].State != doctor.Skipped || !strings.Contains(all["events"].Fix, "list events") {
			t.Errorf("pods is %+v, events is %+v", all["pods"], all["events"])
		}

		if answers := all["receiver-answers"]; answers.State != doctor.Skipped || !strings.Contains(answers.Fix, "pods/portforward") {
			t.Errorf("receiver-answers is %+v", answers)
		}
	})
}

// setStatus writes the status of sales, as an operator does.
func (c *testCluster) setStatus(t *testing.T, status v1alpha1.WhatsAppWebhookStatus) {
	t.Helper()

	webhook := &v1alpha1.WhatsAppWebhook{}
	if err := c.Get(t.Context(), client.ObjectKey{Namespace: c.namespace, Name: "sales"}, webhook); err != nil {
		t.Fatal(err)
	}

	webhook.Status = status

	if err := c.Status().Update(t.Context(), webhook); err != nil {
		t.Fatal(err)
	}
}
