// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"errors"
	"strings"
	"testing"

	"github.com/go-logr/logr/funcr"
	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/apiserver"
)

// TestSpecInvalidForTheReceiver uses a spec the schema cannot reject: two fields that are too long together.
func TestSpecInvalidForTheReceiver(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(testCluster.NewNamespace(t), "sales")
	webhook.Spec.Ingress.Host = "hooks.example.com"
	webhook.Spec.CloudAPI.Subscription.AppID = "1"
	testCluster.MustCreate(t, webhook)
	waitUntilSettled(t, webhook)
	before := children(t, webhook)
	change(t, webhook, func(w *v1alpha1.WhatsAppWebhook) { w.Spec.Ingress.Path = "/" + strings.Repeat("long", 50) })
	apiserver.Eventually(t, func() error {
		if err := testCluster.Get(t.Context(), client.ObjectKeyFromObject(webhook), webhook); err != nil {
			return err
		}

		return want(meta.IsStatusConditionTrue(webhook.Status.Conditions, v1alpha1.ConditionStalled), true)
	})

	if got := readyMessage(webhook); !strings.Contains(got, "spec.cloudAPI.subscription.callbackURL must be https and have at most 200 characters") {
		t.Errorf("the message lacks the cause: %s", got)
	}

	if diff := cmp.Diff(before, children(t, webhook)); diff != "" {
		t.Errorf("objects (-before +after):\n%s", diff)
	}

	change(t, webhook, func(w *v1alpha1.WhatsAppWebhook) { w.Spec.Ingress.Path = "" })
	waitUntilSettled(t, webhook)

	if meta.FindStatusCondition(webhook.Status.Conditions, v1alpha1.ConditionStalled) != nil {
		t.Error("the condition Stalled is still there")
	}
}

// TestReceiversOfAnInvalidSpec has receivers report problems while the spec is invalid. The receivers keep running, so the
// status has the problems.
func TestReceiversOfAnInvalidSpec(t *testing.T) {
	t.Parallel()

	invalidate := func(w *v1alpha1.WhatsAppWebhook) {
		w.Spec.Receiver.PodTemplatePatch = &runtime.RawExtension{Raw: []byte(`{"spec":{"contaners":[]}}`)}
	}

	created := newWebhook(testCluster.NewNamespace(t), "sales")
	invalidate(created)
	testCluster.MustCreate(t, created)
	apiserver.Eventually(t, wantConditions(t, created, stalled("InvalidSpec", map[string]string{
		"Exposed":             "Unknown InvalidSpec",
		"ExtensionsAvailable": "Unknown InvalidSpec",
	})))

	if _, err := testCluster.reconciler.Reconcile(t.Context(), request(created)); err != nil {
		t.Errorf("an invalid spec counts as a failed reconciliation: %v", err)
	}

	webhook := newWebhook(testCluster.NewNamespace(t), "sales")
	testCluster.MustCreate(t, webhook)
	waitUntilSettled(t, webhook)
	setDeployed(t, webhook, 1)

	pod, slice := newPod(t, webhook, health.Report{Token: health.TokenAccepted})
	apiserver.Eventually(t, wantConditions(t, webhook, map[string]string{
		"Ready":            "True Ready",
		"Available":        "True MinimumReplicasAvailable",
		"SecretsAvailable": "True SecretsComplete",
	}))

	change(t, webhook, invalidate)
	setDeployed(t, webhook, 0)
	pod.setReport(health.Report{
		Token:    health.TokenAccepted,
		Backlog:  &health.Backlog{DeadLetters: 2},
		Problems: map[string]string{"bird": "the AI refuses the key"},
	})
	toggleReadiness(t, slice)
	apiserver.Eventually(t, wantConditions(t, webhook, stalled("InvalidSpec", map[string]string{
		"SecretsAvailable": "True SecretsComplete",
		"Operational":      "False ProblemsReported",
	})))

	if s := webhook.Status; s.DeadLetters == nil || *s.DeadLetters != 2 || s.Receivers != "0/1" {
		t.Errorf("dead letters %v, receivers %s; want 2 and 0/1", s.DeadLetters, s.Receivers)
	}

	change(t, webhook, func(w *v1alpha1.WhatsAppWebhook) { w.Spec.Suspend = true })
	apiserver.Eventually(t, wantReason(t, webhook, "Suspended", `unknown field "spec.contaners"`, ""))

	if meta.FindStatusCondition(webhook.Status.Conditions, v1alpha1.ConditionStalled) != nil {
		t.Error("a suspended resource is stalled")
	}
}

// TestLogOfAnInvalidSpec reconciles a suspended resource again whose invalid spec has been reported, as changes of its pods do.
func TestLogOfAnInvalidSpec(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(testCluster.NewNamespace(t), "sales")
	webhook.Spec.Suspend = true
	webhook.Spec.Receiver.PodTemplatePatch = &runtime.RawExtension{Raw: []byte(`{"spec":{"contaners":[]}}`)}
	testCluster.MustCreate(t, webhook)
	apiserver.Eventually(t, wantReason(t, webhook, "Suspended", `unknown field "spec.contaners"`, ""))

	lines := 0
	logger := funcr.New(func(_, _ string) { lines++ }, funcr.Options{})

	if _, err := testCluster.reconciler.Reconcile(ctrl.LoggerInto(t.Context(), logger), request(webhook)); err != nil {
		t.Fatal(err)
	}

	if lines != 0 {
		t.Errorf("%d lines of an invalid spec that has been reported; want none", lines)
	}
}

// TestPanicOfRenderingIsAnError checks that a fault of the operator counts as a failed reconciliation, and that nothing retries it.
func TestPanicOfRenderingIsAnError(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(testCluster.NewNamespace(t), "sales") // never stored, so the manager does not reconcile it

	t.Cleanup(func() { testCluster.reconciler.forget(client.ObjectKeyFromObject(webhook)) })

	_, _, cause := render(t.Context(), nil, testEnvironment)

	err := testCluster.reconciler.reportInvalid(t.Context(), webhook, cause)
	if !errors.Is(err, reconcile.TerminalError(nil)) {
		t.Errorf("error %v; want one that ends the retries", err)
	}
}
