// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/apiserver"
)

// changeStatus reads the object, calls edit and writes its status back, again until there is no conflict.
func changeStatus[T client.Object](t *testing.T, object T, edit func(T)) {
	t.Helper()
	apiserver.Eventually(t, func() error {
		if err := testCluster.Get(t.Context(), client.ObjectKeyFromObject(object), object); err != nil {
			return err
		}

		edit(object)

		return testCluster.Status().Update(t.Context(), object)
	})
}

// setDeployed stands in for the Deployment controller.
func setDeployed(t *testing.T, webhook *v1alpha1.WhatsAppWebhook, available int32) {
	t.Helper()
	changeStatus(t, &appsv1.Deployment{ObjectMeta: named(webhook, "sales")}, func(d *appsv1.Deployment) {
		d.Status = appsv1.DeploymentStatus{
			ObservedGeneration: d.Generation,
			Replicas:           1,
			UpdatedReplicas:    1,
			ReadyReplicas:      available,
			AvailableReplicas:  available,
		}
	})
}

// wantReason returns a check of the reason of Ready, and of words in its message and words that must not be there.
func wantReason(t *testing.T, webhook *v1alpha1.WhatsAppWebhook, reason, words, absent string) func() error {
	t.Helper()

	return func() error {
		if err := testCluster.Get(t.Context(), client.ObjectKeyFromObject(webhook), webhook); err != nil {
			return err
		}

		ready := meta.FindStatusCondition(webhook.Status.Conditions, v1alpha1.ConditionReady)
		if ready == nil || ready.Reason != reason || !strings.Contains(ready.Message, words) || absent != "" && strings.Contains(ready.Message, absent) {
			return fmt.Errorf("ready %+v; want reason %s and %q", ready, reason, words)
		}

		return nil
	}
}

// TestStatusSaysWhyPodsAreNotReady has a claim and a pod whose status is patched as Kubernetes would.
func TestStatusSaysWhyPodsAreNotReady(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(testCluster.NewNamespace(t), "sales")
	testCluster.MustCreate(t, webhook)
	waitUntilSettled(t, webhook)
	setDeployed(t, webhook, 0)

	says := func(words string) {
		t.Helper()
		apiserver.Eventually(t, wantReason(t, webhook, v1alpha1.ReasonProgressing, words, "Secret"))
	}

	says("PersistentVolumeClaim sales-store is Pending: it names no StorageClass, and the cluster has no default one")
	changeStatus(t, &corev1.PersistentVolumeClaim{ObjectMeta: named(webhook, "sales-store")}, func(c *corev1.PersistentVolumeClaim) {
		c.Status.Phase = corev1.ClaimBound
	})

	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: webhook.Namespace, Name: "sales-1",
			Labels: resources.SelectorLabels("sales"),
		},
		Spec: corev1.PodSpec{
			AutomountServiceAccountToken: new(false),
			Containers:                   []corev1.Container{{Name: resources.ContainerName, Image: testImage}},
		},
	}
	testCluster.MustCreate(t, pod)
	says("kubectl logs deployment/sales")

	for _, state := range []struct {
		status corev1.PodStatus
		want   string
	}{
		{
			corev1.PodStatus{Conditions: []corev1.PodCondition{{
				Type:    corev1.PodScheduled,
				Status:  corev1.ConditionFalse,
				Reason:  corev1.PodReasonUnschedulable,
				Message: "0/2 nodes are available: 2 node(s) had untolerated taint(s).",
			}}},
			"pod sales-1 cannot be scheduled: 0/2 nodes are available: 2 node(s) had untolerated taint(s).",
		},
		{
			corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{
				Name:  resources.ContainerName,
				Image: testImage,
				State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ErrImagePull", Message: "401 Unauthorized"}},
			}}},
			"pod sales-1 cannot pull the image " + testImage + ": 401 Unauthorized",
		},
		{
			corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{
				Name:                 resources.ContainerName,
				State:                corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}},
				LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 137, Reason: "OOMKilled"}},
			}}},
			"container receiver of pod sales-1 was killed because it needs more memory than its limit",
		},
	} {
		changeStatus(t, pod, func(p *corev1.Pod) { p.Status = state.status })
		says(state.want)
	}

	changeStatus(t, &appsv1.Deployment{ObjectMeta: named(webhook, "sales")}, func(d *appsv1.Deployment) {
		d.Status.Conditions = []appsv1.DeploymentCondition{replicaFailure(`pods "sales-" is forbidden: exceeded quota: compute`)}
	})
	says(`pods cannot be created: pods "sales-" is forbidden: exceeded quota: compute`)

	deployment := &appsv1.Deployment{ObjectMeta: named(webhook, "sales")}
	change(t, deployment, func(d *appsv1.Deployment) { d.Spec.Paused = true })
	changeStatus(t, deployment, func(d *appsv1.Deployment) {
		d.Status.ObservedGeneration = d.Generation
		d.Status.UpdatedReplicas = 0
	})
	apiserver.Eventually(t, wantReason(t, webhook, v1alpha1.ReasonRolloutPaused, "kubectl rollout resume deployment/sales", "Secret"))
	waitUntilSettled(t, webhook)
}

// TestStatusHasTheProblemsOfReceivers has a receiver whose /status lists problems.
func TestStatusHasTheProblemsOfReceivers(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(testCluster.NewNamespace(t), "sales")
	testCluster.MustCreate(t, webhook)
	waitUntilSettled(t, webhook)
	setDeployed(t, webhook, 1)

	problems := map[string]string{
		"process_text_message": "Bird refuses the access key: set a new one",
		"store":                "the store cannot be read",
	}
	newPod(t, webhook, health.Report{Token: health.TokenAccepted, Problems: problems})
	apiserver.Eventually(t, wantConditions(t, webhook, map[string]string{
		"Ready":            "True Ready",
		"Available":        "True MinimumReplicasAvailable",
		"SecretsAvailable": "True SecretsComplete",
		"Operational":      "False ProblemsReported",
	}))

	const expected = "process_text_message: Bird refuses the access key: set a new one; store: the store cannot be read"
	if got := message(webhook, v1alpha1.ConditionOperational); got != expected {
		t.Errorf("message %q, want %q", got, expected)
	}

	apiserver.Eventually(t, wantEvents(t, webhook, "Normal Ready", "Warning ProblemsReported"))
	waitUntilSettled(t, webhook)
}

// TestReadyWaitsForWhatIsAskedFor has a resource whose pods are ready, and fulfills its other requests one by one.
func TestReadyWaitsForWhatIsAskedFor(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(testCluster.NewNamespace(t), "sales")
	webhook.Spec.Gateway = v1alpha1.GatewaySpec{
		Host:       "hooks.example.com",
		ParentRefs: []v1alpha1.GatewayReference{{Name: "public", Namespace: "edge-a"}, {Name: "public", Namespace: "edge-b"}},
	}
	webhook.Spec.CloudAPI.Subscription.AppID = "1"
	testCluster.MustCreate(t, webhook)
	waitUntilSettled(t, webhook)
	setDeployed(t, webhook, 1)
	apiserver.Eventually(t, wantReason(t, webhook, v1alpha1.ReasonRoutePending, `Gateway "edge-a/public" has not accepted`, ""))

	setParents := func(second metav1.ConditionStatus, reason string) {
		t.Helper()
		changeStatus(t, &gatewayv1.HTTPRoute{ObjectMeta: named(webhook, "sales")}, func(r *gatewayv1.HTTPRoute) {
			r.Status.Parents = nil
			for namespace, conditions := range map[gatewayv1.Namespace][]metav1.Condition{
				"edge-a": routeConditions(r.Generation, metav1.ConditionTrue, "Accepted"),
				"edge-b": routeConditions(r.Generation, second, reason),
			} {
				r.Status.Parents = append(r.Status.Parents, gatewayv1.RouteParentStatus{
					ParentRef:      gatewayv1.ParentReference{Name: "public", Namespace: &namespace},
					ControllerName: "example.com/gateway",
					Conditions:     conditions,
				})
			}
		})
	}

	setParents(metav1.ConditionFalse, "NotAllowedByListeners")
	apiserver.Eventually(t, wantReason(t, webhook, v1alpha1.ReasonRouteNotAccepted,
		`Gateway "edge-b/public" refuses the HTTPRoute: NotAllowedByListeners: words of the Gateway`, ""))

	if !meta.IsStatusConditionTrue(webhook.Status.Conditions, v1alpha1.ConditionStalled) {
		t.Error("a refused route is not stalled")
	}

	setParents(metav1.ConditionTrue, "Accepted")
	apiserver.Eventually(t, wantReason(t, webhook, v1alpha1.ReasonReady, "", "")) // no receiver has answered

	pod, slice := newPod(t, webhook, health.Report{
		Token:        health.TokenRefused,
		Subscription: health.Subscription{State: health.SubscriptionFailed, Problem: "Meta cannot reach the address"},
	})
	apiserver.Eventually(t, wantReason(t, webhook, v1alpha1.ReasonTokenRefused, `key "access-token" of Secret "whatsapp"`, ""))

	pod.setReport(health.Report{
		Token:        health.TokenAccepted,
		Subscription: health.Subscription{State: health.SubscriptionFailed, Problem: "Meta cannot reach the address"},
	})
	toggleReadiness(t, slice)
	apiserver.Eventually(t, wantReason(t, webhook, v1alpha1.ReasonSubscriptionFailed, "Meta cannot reach the address", ""))

	pod.setReport(health.Report{Token: health.TokenAccepted, Subscription: health.Subscription{State: health.SubscriptionActive}})
	toggleReadiness(t, slice)
	apiserver.Eventually(t, wantReason(t, webhook, v1alpha1.ReasonReady, "", ""))
	waitUntilSettled(t, webhook)
}

// TestMissingAPIKeepsReadyFalse has ready pods in a cluster without KEDA. It is not parallel, because another test installs
// that API.
func TestMissingAPIKeepsReadyFalse(t *testing.T) {
	webhook := newWebhook(testCluster.NewNamespace(t), "sales")
	usePostgreSQL(&webhook.Spec)
	webhook.Spec.Receiver.Autoscaling = v1alpha1.AutoscalingSpec{MaxReplicas: 5, PendingWork: v1alpha1.PendingWorkTarget{TargetPerReplica: 100}}
	testCluster.MustCreate(t, webhook)
	waitUntilSettled(t, webhook)
	setDeployed(t, webhook, 1)
	apiserver.Eventually(t, wantReason(t, webhook, v1alpha1.ReasonExtensionMissing, "ScaledObject (keda.sh/v1alpha1)", ""))

	if !meta.IsStatusConditionTrue(webhook.Status.Conditions, v1alpha1.ConditionReconciling) {
		t.Error("a missing API is not reconciling")
	}
}
