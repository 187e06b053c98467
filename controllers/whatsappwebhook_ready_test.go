// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/poller"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
)

// TestReady has the causes in the order of precedence: each case adds a cause that comes before those of all others.
func TestReady(t *testing.T) {
	t.Parallel()

	webhook := newWebhook("messaging", "sales")
	webhook.Spec.CloudAPI.Subscription.AppID = "1"
	webhook.Spec.Gateway = v1alpha1.GatewaySpec{Host: "hooks.example.com", ParentRefs: []v1alpha1.GatewayReference{{Name: "public"}}}

	seen := observation{
		deployment: running(1),
		route:      acceptedRoute(),
		reported: poller.Summary{
			Complete:     true,
			Answered:     true,
			Subscription: health.Subscription{State: health.SubscriptionActive},
		},
	}

	for _, step := range []struct {
		name string
		add  func()
		want string // status, reason, and the condition beside Ready
	}{
		{"everything is there", func() {}, "True Ready"},
		{"problems of a receiver", func() { seen.reported.Problems = []poller.Problem{{Operation: "bird", Text: "unavailable"}} }, "True Ready"},
		{"another responder", func() { seen.reported.Standby = []string{"42"} }, "True Ready"},
		{"a token that expires", func() { seen.reported.TokenExpiresAt = time.Unix(1, 0) }, "True Ready"},
		{"no subscription yet", func() { seen.reported.Subscription.State = health.SubscriptionPending }, "False SubscriptionPending Reconciling"},
		{"no subscription", func() { seen.reported.Subscription.State = health.SubscriptionFailed }, "False SubscriptionFailed Reconciling"},
		{"an autoscaler that does not scale", func() { seen.autoscaler = &autoscalingv2.HorizontalPodAutoscaler{} }, "False AutoscalerNotReady Reconciling"},
		{"a volume that grows", func() { seen.claim = claimOf("10Gi", "20Gi") }, "False VolumeResizing Reconciling"},
		{"a volume that cannot grow", func() { seen.claim = claimOf("10Gi", "20Gi", corev1.PersistentVolumeClaimControllerResizeError) }, "False VolumeResizeFailed Stalled"},
		{"a Gateway that has not decided", func() { seen.route.Status.Parents = nil }, "False RoutePending Reconciling"},
		{"a missing API", func() { seen.missing = []schema.GroupVersionKind{resources.ServiceMonitorKind} }, "False ExtensionMissing Reconciling"},
		{"a refused token", func() { seen.reported.TokenRefused = true }, "False TokenRefused Stalled"},
		{"a missing Secret", func() { seen.reported.MissingSecrets = []string{"access-token"} }, "False SecretMissing Reconciling"},
		{"scaled to zero", func() { seen.deployment = running(0) }, "False ScaledToZero"},
		{"a crash", func() {
			seen.deployment = running(1, unready, progress("NewReplicaSetAvailable"))
			seen.pods = []corev1.Pod{*newPodStatus("sales-1", waiting("CrashLoopBackOff", ""), ended(1, "Error", ""))}
		}, "False Unavailable"},
		{"a paused rollout", func() {
			seen.deployment.Spec.Paused = true
			seen.deployment.Status.UpdatedReplicas = 0
		}, "False RolloutPaused Stalled"},
		{"no response", func() { seen.fail("Service sales", errTimeout) }, "False ApplyFailed Reconciling"},
		{"a rejected object", func() { seen.fail("Service sales", errInvalid) }, "False ObjectRejected Stalled"},
		{"a foreign object", func() { seen.fail("Service sales", errConflict) }, "False NameConflict Stalled"},
	} {
		step.add()

		status := newStatus(webhook, seen)
		ready := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionReady)
		found := []string{string(ready.Status), ready.Reason}

		for _, kind := range []string{v1alpha1.ConditionReconciling, v1alpha1.ConditionStalled} {
			if meta.IsStatusConditionTrue(status.Conditions, kind) {
				found = append(found, kind)
			}
		}

		if got := strings.Join(found, " "); got != step.want {
			t.Errorf("%s: got %s, want %s: %s", step.name, got, step.want, ready.Message)
		}
	}
}

// TestMissingSecretsDoNotHideAKnownCause checks that Secrets are named only where nothing else keeps pods unready.
func TestMissingSecretsDoNotHideAKnownCause(t *testing.T) {
	t.Parallel()

	seen := observation{
		deployment: running(2, func(d *appsv1.Deployment) { d.Status.UpdatedReplicas = 1 }),
		reported: poller.Summary{
			Complete:       true,
			Answered:       true,
			MissingSecrets: []string{"access-token"},
		},
	}

	ready := func() string {
		c := meta.FindStatusCondition(newStatus(newWebhook("messaging", "sales"), seen).Conditions, v1alpha1.ConditionReady)

		return c.Reason + " " + c.Message
	}

	if got := ready(); !strings.HasPrefix(got, "SecretMissing ") {
		t.Errorf("with no known cause: %s", got)
	}

	seen.pods = []corev1.Pod{*newPodStatus("sales-1", waiting("ImagePullBackOff", ""))}

	if got := ready(); !strings.HasPrefix(got, "Progressing ") || strings.Contains(got, "ecret") || !strings.Contains(got, "cannot pull the image") {
		t.Errorf("with an image that cannot be pulled: %s", got)
	}
}

// TestReportsAreKept checks that a restarted operator changes nothing before it has polled the receivers.
func TestReportsAreKept(t *testing.T) {
	t.Parallel()

	webhook := newWebhook("messaging", "sales")
	webhook.Spec.CloudAPI.Subscription.AppID = "1"
	seen := observation{deployment: running(1), reported: poller.Summary{
		Complete:       true,
		Answered:       true,
		MissingSecrets: []string{"access-token"},
		Subscription:   health.Subscription{State: health.SubscriptionFailed, Problem: "why"},
		Problems:       []poller.Problem{{Operation: "bird", Text: "unavailable"}},
		Standby:        []string{"42"},
		Pending:        new(int64(3)),
		DeadLetters:    new(int64(1)),
	}}
	webhook.Status = newStatus(webhook, seen)

	seen.reported = poller.Summary{}
	if err := want(newStatus(webhook, seen), webhook.Status); err != nil {
		t.Errorf("status before the first poll %v", err)
	}

	seen.reported.Complete = true

	status := newStatus(webhook, seen)
	if c := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionOperational); c.Reason != v1alpha1.ReasonNotReported || status.Pending != nil {
		t.Errorf("after a poll without an answer: %s, pending %v", c.Reason, status.Pending)
	}
}

// TestAutoscaling has the conditions that Kubernetes and KEDA report.
func TestAutoscaling(t *testing.T) {
	t.Parallel()

	able := autoscalingv2.HorizontalPodAutoscalerCondition{Type: autoscalingv2.AbleToScale, Status: corev1.ConditionTrue}
	hpa := func(status corev1.ConditionStatus) observation {
		h := &autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: metav1.ObjectMeta{Name: "sales"}}
		h.Status.Conditions = []autoscalingv2.HorizontalPodAutoscalerCondition{able, {
			Type:    autoscalingv2.ScalingActive,
			Status:  status,
			Reason:  "FailedGetResourceMetric",
			Message: "no metrics",
		}}

		return observation{autoscaler: h}
	}
	keda := func(status corev1.ConditionStatus) observation {
		s := &ScaledObject{ObjectMeta: metav1.ObjectMeta{Name: "sales"}}
		if status != "" {
			s.Status.Conditions = []ScaledObjectCondition{{
				Type:    "Ready",
				Status:  status,
				Reason:  "TriggerError",
				Message: "no answer",
			}}
		}

		return observation{scaledObject: s}
	}

	for name, test := range map[string]struct {
		seen observation
		want string
	}{
		"none requested":    {observation{}, ""},
		"not evaluated":     {observation{autoscaler: &autoscalingv2.HorizontalPodAutoscaler{}}, "has not evaluated"},
		"no metrics":        {hpa(corev1.ConditionFalse), "HorizontalPodAutoscaler sales does not scale: FailedGetResourceMetric: no metrics"},
		"scales":            {hpa(corev1.ConditionTrue), ""},
		"KEDA does not run": {keda(""), "KEDA has not taken up ScaledObject sales"},
		"KEDA begins":       {keda(corev1.ConditionUnknown), "KEDA has not taken up ScaledObject sales"},
		"KEDA fails":        {keda(corev1.ConditionFalse), "ScaledObject sales does not scale: TriggerError: no answer"},
		"KEDA scales":       {keda(corev1.ConditionTrue), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			got := autoscaling(test.seen)
			if !strings.Contains(got.message, test.want) || (test.want == "") != (got.reason == "") {
				t.Errorf("got %+v, want %q", got, test.want)
			}
		})
	}
}

func TestProblemsAreOnOneLineAndBounded(t *testing.T) {
	t.Parallel()

	problems := []poller.Problem{{Operation: "a\nb", Text: "refused:\n\tthe key\x00\u202e is not valid"}}
	for range 9 {
		problems = append(problems, poller.Problem{Operation: "x", Text: strings.Repeat("y", 1000)})
	}

	got := operation(poller.Summary{Answered: true, Problems: problems}).message
	if !strings.HasPrefix(got, "a b: refused: the key is not valid; x: yyy") || !strings.HasSuffix(got, "; and 5 more in /status of the receivers") {
		t.Errorf("message: %s", got)
	}

	if len(got) > maxMessage {
		t.Errorf("%d bytes, so the end would be cut", len(got))
	}
}

// TestMeshIsNamed checks that the message names what may keep the operator from the receivers.
func TestMeshIsNamed(t *testing.T) {
	t.Parallel()

	for _, want := range []string{"port 9090", "NetworkPolicies", "service mesh"} {
		if !strings.Contains(notReported.message, want) {
			t.Errorf("the message lacks %q: %s", want, notReported.message)
		}
	}
}

func TestEveryFailureIsReconcilingOrStalled(t *testing.T) {
	t.Parallel()

	for _, reason := range failureReasons {
		if besideReady[reason] == "" {
			t.Errorf("%s is neither reconciling nor stalled", reason)
		}
	}
}
