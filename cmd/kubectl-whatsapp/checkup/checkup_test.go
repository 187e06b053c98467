// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package checkup

import (
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/doctor"
)

func TestJudgeResource(t *testing.T) {
	for name, tc := range map[string]struct {
		generation, observed int64
		suspend              bool
		state                doctor.State
		detail               string
	}{
		"seen":      {generation: 2, observed: 2, state: doctor.OK, detail: "generation 2"},
		"not seen":  {generation: 1, observed: -1, state: doctor.Failure, detail: "has not seen the resource"},
		"changed":   {generation: 3, observed: 2, state: doctor.Warning, detail: "the last change"},
		"suspended": {generation: 1, observed: 1, suspend: true, state: doctor.Warning, detail: "spec.suspend"},
	} {
		t.Run(name, func(t *testing.T) {
			got := diagnoseResource(&v1alpha1.WhatsAppWebhook{
				ObjectMeta: metav1.ObjectMeta{Generation: tc.generation},
				Spec:       v1alpha1.WhatsAppWebhookSpec{Suspend: tc.suspend},
				Status:     v1alpha1.WhatsAppWebhookStatus{ObservedGeneration: tc.observed},
			})
			if got.State != tc.state || !strings.Contains(got.Detail, tc.detail) {
				t.Errorf("diagnoseResource() = %+v, want %s with %q", got, tc.state, tc.detail)
			}
		})
	}
}

func TestJudgeConditions(t *testing.T) {
	for name, tc := range map[string]struct {
		conditions []metav1.Condition
		state      doctor.State
		detail     string
	}{
		"none": {state: doctor.Skipped},
		"good": {conditions: []metav1.Condition{{Type: "Ready", Status: "True"}}, state: doctor.OK, detail: "1 conditions"},
		"not requested": {conditions: []metav1.Condition{
			{Type: "Ready", Status: "True", Reason: "Ready"},
			{Type: "Exposed", Status: "False", Reason: v1alpha1.ReasonNotRequested, Message: "no ingress"},
		}, state: doctor.OK, detail: "2 conditions"},
		"false":       {conditions: []metav1.Condition{{Type: "Ready", Status: "False", Reason: "R", Message: "why."}}, state: doctor.Failure, detail: "Ready is False, R: why"},
		"unknown":     {conditions: []metav1.Condition{{Type: "Subscribed", Status: "Unknown"}}, state: doctor.Warning, detail: "Subscribed is Unknown"},
		"stalled":     {conditions: []metav1.Condition{{Type: "Stalled", Status: "True"}}, state: doctor.Failure, detail: "Stalled is True"},
		"reconciling": {conditions: []metav1.Condition{{Type: "Reconciling", Status: "True"}}, state: doctor.Warning, detail: "Reconciling is True"},
	} {
		t.Run(name, func(t *testing.T) {
			got := diagnoseConditions(&v1alpha1.WhatsAppWebhook{Status: v1alpha1.WhatsAppWebhookStatus{Conditions: tc.conditions}})
			if got.State != tc.state || !strings.Contains(got.Detail, tc.detail) {
				t.Errorf("diagnoseConditions() = %+v, want %s with %q", got, tc.state, tc.detail)
			}
		})
	}
}

func TestJudgePods(t *testing.T) {
	pod := func(name string, ready corev1.ConditionStatus, containers ...corev1.ContainerStatus) corev1.Pod {
		return corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: name},
			Status: corev1.PodStatus{
				Conditions:        []corev1.PodCondition{{Type: corev1.PodReady, Status: ready}},
				ContainerStatuses: containers,
			},
		}
	}
	waiting := corev1.ContainerStatus{
		State:                corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}},
		LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: "OOMKilled", ExitCode: 137}},
		RestartCount:         1,
	}
	restarted := corev1.ContainerStatus{RestartCount: 9}

	for name, tc := range map[string]struct {
		pods   []corev1.Pod
		state  doctor.State
		detail string
	}{
		"none":      {state: doctor.Failure, detail: "there is no pod"},
		"ready":     {pods: []corev1.Pod{pod("a", "True")}, state: doctor.OK, detail: "1 pod"},
		"crashes":   {pods: []corev1.Pod{pod("a", "False", waiting)}, state: doctor.Failure, detail: "a is not ready: CrashLoopBackOff (it ended with OOMKilled, exit code 137)"},
		"one of 2":  {pods: []corev1.Pod{pod("a", "True"), pod("b", "False", waiting)}, state: doctor.Warning, detail: "b is not ready"},
		"restarted": {pods: []corev1.Pod{pod("a", "True", restarted)}, state: doctor.Warning, detail: "a was restarted 9 times"},
	} {
		t.Run(name, func(t *testing.T) {
			got := diagnosePods(tc.pods)
			if got.State != tc.state || !strings.Contains(got.Detail, tc.detail) {
				t.Errorf("diagnosePods() = %+v, want %s with %q", got, tc.state, tc.detail)
			}
		})
	}
}

func TestJudgeEvents(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	event := func(kind, object, reason string, age time.Duration) corev1.Event {
		return corev1.Event{
			InvolvedObject: corev1.ObjectReference{Kind: kind, Name: object},
			Reason:         reason,
			LastTimestamp:  metav1.NewTime(now.Add(-age)),
		}
	}

	of := newObjects("sales", []corev1.Pod{{ObjectMeta: metav1.ObjectMeta{
		Name:            "sales-7d9f-bbbbb",
		OwnerReferences: []metav1.OwnerReference{{Kind: replicaSet, Name: "sales-7d9f"}},
	}}}, []string{"sales-6c8d"})

	got := diagnoseEvents([]corev1.Event{
		event("Pod", "sales-7d9f-bbbbb", "Old", 2*time.Hour),
		event("Service", "salesforce", "Other", time.Minute),
		event("Pod", "sales-eu-7d9f-x", "BackOff", time.Minute),
		event("Pod", "sales-7d9f-eu-x", "Evicted", time.Minute),
		event("ReplicaSet", "sales-eu", "FailedCreate", time.Minute),
		event("Pod", "sales", "Other", time.Minute),
		event("Deployment", "sales-eu", "Other", time.Minute),
		event("Pod", "sales-7d9f-bbbbb", "BackOff", 7*time.Minute),
		event("Pod", "sales-6c8d-ccccc", "BackOff", 6*time.Minute), // it has gone
		event("ReplicaSet", "sales-6c8d", "FailedCreate", 8*time.Minute),
		event("PersistentVolumeClaim", "sales-store", "ProvisioningFailed", 9*time.Minute),
		event("WhatsAppWebhook", "sales", "Conflict", 10*time.Minute),
	}, of, now)

	want := "Pod sales-6c8d-ccccc: BackOff\nReplicaSet sales-6c8d: FailedCreate\n" +
		"PersistentVolumeClaim sales-store: ProvisioningFailed\nWhatsAppWebhook sales: Conflict"
	if got.State != doctor.Warning || got.Detail != want {
		t.Errorf("diagnoseEvents() = %+v, want %q", got, want)
	}

	if got := diagnoseEvents(nil, of, now); got.State != doctor.OK {
		t.Errorf("diagnoseEvents(nil) = %+v, want ok", got)
	}
}

// TestPodsOfLongNames checks that the pods of a ReplicaSet are found whose name is too long for theirs.
func TestPodsOfLongNames(t *testing.T) {
	name := strings.Repeat("a", 52) + "-7d9f7d9f7d"
	of := newObjects("sales", nil, []string{name})

	for pod, want := range map[string]bool{
		name[:58] + "bbbbb":       true,
		name[:57] + "x" + "bbbbb": false,
		name + "-bbbbb":           false,
	} {
		if got := of.has(corev1.ObjectReference{Kind: "Pod", Name: pod}); got != want {
			t.Errorf("the pod %s is one of the resource: %t, want %t", pod, got, want)
		}
	}
}

// TestCompare checks that only a pod's view of its own public address is forgiven.
func TestCompare(t *testing.T) {
	for name, tc := range map[string]struct {
		inside, outside, want doctor.State
	}{
		"only the pod does not reach it": {doctor.Failure, doctor.OK, doctor.Warning},
		"no one reaches it":              {doctor.Failure, doctor.Failure, doctor.Failure},
		"both reach it":                  {doctor.OK, doctor.OK, doctor.OK},
		"not looked at from outside":     {doctor.Failure, doctor.Skipped, doctor.Failure},
	} {
		t.Run(name, func(t *testing.T) {
			checks := []doctor.Check{
				{Name: doctor.CheckOutsideConnection, State: tc.outside},
				{Name: doctor.CheckConnection, State: tc.inside, Fix: "before"},
			}
			compare(checks)

			if checks[1].State != tc.want || (checks[1].Fix != "before") != (tc.want == doctor.Warning) {
				t.Errorf("compare() made %+v, want %s", checks[1], tc.want)
			}
		})
	}
}

// TestNames checks that no check has the name of another, or of a group.
func TestNames(t *testing.T) {
	names := Names()
	slices.Sort(names)

	if unique := len(slices.Compact(slices.Clone(names))); unique != len(names)-1 { // ai is a group with one check
		t.Errorf("%d of %d names are unique: %q", unique, len(names), names)
	}
}
