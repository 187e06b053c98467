// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"maps"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/apiserver"
)

func toUnstructured(t *testing.T, webhook *v1alpha1.WhatsAppWebhook) *unstructured.Unstructured {
	t.Helper()

	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(webhook)
	if err != nil {
		t.Fatal(err)
	}

	object := &unstructured.Unstructured{Object: content}
	object.SetGroupVersionKind(v1alpha1.SchemeGroupVersion.WithKind(v1alpha1.Kind))
	unstructured.RemoveNestedField(object.Object, "status")
	unstructured.RemoveNestedField(object.Object, "metadata", "creationTimestamp")

	return object
}

func message(webhook *v1alpha1.WhatsAppWebhook, condition string) string {
	if c := meta.FindStatusCondition(webhook.Status.Conditions, condition); c != nil {
		return c.Message
	}

	return ""
}

func TestConditionsFromReceiverReports(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(testCluster.NewNamespace(t), "sales")
	webhook.Spec.CloudAPI.Subscription = v1alpha1.SubscriptionSpec{AppID: "1", CallbackURL: "https://hooks.example.com/webhooks/whatsapp"}
	testCluster.MustCreate(t, webhook)
	waitUntilSettled(t, webhook)

	starting := map[string]string{
		"Ready":       "False Progressing",
		"Reconciling": "True Progressing",
		"Available":   "False Progressing",
	}
	with := func(conditions map[string]string) map[string]string {
		all := maps.Clone(starting)
		maps.Copy(all, conditions)

		return all
	}
	apiserver.Eventually(t, wantConditions(t, webhook, with(map[string]string{"Subscribed": "Unknown NotReported"})))

	pod, slice := newPod(t, webhook, health.Report{MissingSecrets: []string{"access-token", "verify-token"}, Subscription: health.Subscription{State: health.SubscriptionPending}})
	apiserver.Eventually(t, wantConditions(t, webhook, map[string]string{
		"Ready":            "False SecretMissing",
		"Reconciling":      "True SecretMissing",
		"Available":        "False SecretMissing",
		"SecretsAvailable": "False SecretMissing",
		"Subscribed":       "Unknown SubscriptionPending",
	}))

	for _, want := range []string{`key "access-token" of Secret "whatsapp"`, `key "verify-token" of Secret "whatsapp"`} {
		if !strings.Contains(message(webhook, v1alpha1.ConditionSecretsAvailable), want) {
			t.Errorf("the message lacks %s: %s", want, message(webhook, v1alpha1.ConditionSecretsAvailable))
		}
	}

	apiserver.Eventually(t, wantEvents(t, webhook, "Warning SecretMissing"))

	pod.setReport(health.Report{
		Token: health.TokenRefused, Backlog: &health.Backlog{Pending: 3, DeadLetters: 2},
		Subscription: health.Subscription{State: health.SubscriptionFailed, Problem: "Meta cannot reach the callback URL"},
	})
	toggleReadiness(t, slice)
	apiserver.Eventually(t, wantConditions(t, webhook, with(map[string]string{"SecretsAvailable": "False TokenRefused", "Subscribed": "False SubscriptionFailed"})))

	if got := message(webhook, v1alpha1.ConditionSubscribed); got != "Meta cannot reach the callback URL" {
		t.Errorf("the message of Subscribed is %q", got)
	}

	if s := webhook.Status; s.Pending == nil || *s.Pending != 3 || s.DeadLetters == nil || *s.DeadLetters != 2 {
		t.Errorf("pending %v and dead letters %v; want 3 and 2", s.Pending, s.DeadLetters)
	}

	pod.setReport(health.Report{
		Token:        health.TokenAccepted,
		Subscription: health.Subscription{State: health.SubscriptionFailed, Problem: "Meta cannot reach the callback URL"},
		Standby:      []health.Standby{{PhoneNumberID: "4200", Messages: 3}},
	})
	toggleReadiness(t, slice)
	apiserver.Eventually(t, wantConditions(t, webhook, with(map[string]string{
		"SecretsAvailable": "True SecretsComplete",
		"Subscribed":       "False SubscriptionFailed",
		"Responding":       "False OtherResponder",
	})))

	if got := message(webhook, v1alpha1.ConditionResponding); !strings.Contains(got, "of phone numbers 4200;") {
		t.Errorf("the message of Responding does not name the phone number: %s", got)
	}

	pod.setReport(health.Report{Token: health.TokenAccepted, Subscription: health.Subscription{State: health.SubscriptionActive}})
	toggleReadiness(t, slice)
	apiserver.Eventually(t, wantConditions(t, webhook, with(map[string]string{"SecretsAvailable": "True SecretsComplete", "Subscribed": "True SubscriptionActive"})))
	apiserver.Eventually(t, wantEvents(t, webhook, "Normal NoOtherResponder", "Normal SecretsComplete", "Normal SubscriptionActive", "Warning OtherResponder", "Warning SecretMissing", "Warning SubscriptionFailed", "Warning TokenRefused"))
	waitUntilSettled(t, webhook)

	if err := testCluster.Delete(t.Context(), slice); err != nil {
		t.Fatal(err)
	}

	apiserver.Eventually(t, wantConditions(t, webhook, with(map[string]string{"Subscribed": "Unknown NotReported"})))

	if webhook.Status.Pending != nil {
		t.Errorf("pending is still %d, but no receiver reports it", *webhook.Status.Pending)
	}
}

// TestOptionalAPIsAreAddedAndRemoved installs an optional API while the operator runs, and removes it. It is not parallel,
// because other tests count the writes.
func TestOptionalAPIsAreAddedAndRemoved(t *testing.T) {
	webhook := newWebhook(testCluster.NewNamespace(t), "sales")
	usePostgreSQL(&webhook.Spec)
	webhook.Spec.Receiver.Autoscaling = v1alpha1.AutoscalingSpec{MaxReplicas: 5, PendingWork: v1alpha1.PendingWorkTarget{TargetPerReplica: 100}}
	testCluster.MustCreate(t, webhook)

	conditions := func(extensions string) map[string]string {
		return map[string]string{
			"Ready":               "False Progressing",
			"Reconciling":         "True Progressing",
			"Available":           "False Progressing",
			"ExtensionsAvailable": extensions,
		}
	}
	apiserver.Eventually(t, wantConditions(t, webhook, conditions("False ExtensionMissing")))

	if got := message(webhook, v1alpha1.ConditionExtensionsAvailable); !strings.Contains(got, "ScaledObject (keda.sh/v1alpha1)") {
		t.Errorf("the message does not name the missing kind: %s", got)
	}

	scaled := func() []string {
		list := listOf(resources.ScaledObjectKind)
		if err := testCluster.List(t.Context(), list); err != nil {
			return nil
		}

		var names []string
		for _, object := range items(t, list) {
			if metav1.IsControlledBy(object, webhook) {
				names = append(names, object.GetName())
			}
		}

		return names
	}

	for range 2 {
		keda := envtest.CRDInstallOptions{
			Paths:   []string{"testdata/crds/keda.sh_scaledobjects.yaml"},
			MaxTime: apiserver.Timeout,
		}

		crds, err := envtest.InstallCRDs(testCluster.Admin, keda)
		if err != nil {
			t.Fatal(err)
		}

		apiserver.Eventually(t, wantConditions(t, webhook, conditions("True ExtensionsServed")))
		apiserver.Eventually(t, func() error { return want(scaled(), []string{"sales"}) })
		// The watch recreates it when it is deleted.
		object := &unstructured.Unstructured{}
		object.SetGroupVersionKind(resources.ScaledObjectKind)
		object.SetNamespace(webhook.Namespace)
		object.SetName("sales")

		gone := apiserver.MustGet(t, testCluster.Server, object).GetUID()
		if err := testCluster.Delete(t.Context(), object); err != nil {
			t.Fatal(err)
		}

		apiserver.Eventually(t, func() error {
			if err := want(scaled(), []string{"sales"}); err != nil {
				return err
			}

			return want(apiserver.MustGet(t, testCluster.Server, object).GetUID() != gone, true)
		})
		// It is pruned.
		change(t, webhook, func(w *v1alpha1.WhatsAppWebhook) {
			w.Spec.Receiver.Autoscaling.PendingWork = v1alpha1.PendingWorkTarget{}
		})
		apiserver.Eventually(t, func() error { return want(len(scaled()), 0) })
		change(t, webhook, func(w *v1alpha1.WhatsAppWebhook) { w.Spec.Receiver.Autoscaling.PendingWork.TargetPerReplica = 100 })
		apiserver.Eventually(t, func() error { return want(scaled(), []string{"sales"}) })

		if err := envtest.UninstallCRDs(testCluster.Admin, envtest.CRDInstallOptions{CRDs: crds}); err != nil {
			t.Fatal(err)
		}

		apiserver.Eventually(t, wantConditions(t, webhook, conditions("False ExtensionMissing")))
	}

	waitUntilSettled(t, webhook)
}
