// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
)

func TestStatus(t *testing.T) {
	t.Parallel()

	failing := func(errs ...error) observation {
		seen := observation{deployment: running(1)}
		for _, err := range errs {
			seen.failures = append(seen.failures, newFailure("Service sales", fmt.Errorf("apply: %w", err)))
		}

		return seen
	}

	tests := map[string]struct {
		seen observation
		want map[string]string // type → "status reason"
	}{
		"no Deployment yet": {
			observation{},
			map[string]string{
				"Ready":       "False Progressing",
				"Reconciling": "True Progressing",
				"Available":   "False Progressing",
			},
		},
		"running": {
			observation{deployment: running(1)},
			map[string]string{"Ready": "True Ready", "Available": "True MinimumReplicasAvailable"},
		},
		"change not observed yet": {
			observation{deployment: running(1, func(d *appsv1.Deployment) { d.Generation++ })},
			map[string]string{
				"Ready":       "False Progressing",
				"Reconciling": "True Progressing",
				"Available":   "True MinimumReplicasAvailable",
			},
		},
		"old pod still terminating": {
			observation{deployment: running(1, func(d *appsv1.Deployment) { d.Status.UpdatedReplicas = 0 })},
			map[string]string{
				"Ready":       "False Progressing",
				"Reconciling": "True Progressing",
				"Available":   "True MinimumReplicasAvailable",
			},
		},
		"starting for the first time": {
			observation{deployment: running(1, unready, progress("ReplicaSetUpdated"))},
			map[string]string{
				"Ready":       "False Progressing",
				"Reconciling": "True Progressing",
				"Available":   "False Progressing",
			},
		},
		"no longer ready": {
			observation{deployment: running(1, unready, progress("NewReplicaSetAvailable"))},
			map[string]string{"Ready": "False Unavailable", "Available": "False Unavailable"},
		},
		"never became ready": {
			observation{deployment: running(1, unready, progress("ProgressDeadlineExceeded"))},
			map[string]string{
				"Ready":     "False ProgressDeadlineExceeded",
				"Stalled":   "True ProgressDeadlineExceeded",
				"Available": "False ProgressDeadlineExceeded",
			},
		},
		"paused": {
			observation{deployment: running(0)},
			map[string]string{"Ready": "False ScaledToZero", "Available": "False ScaledToZero"},
		},
		"name taken": {
			failing(errConflict),
			map[string]string{
				"Ready":     "False NameConflict",
				"Stalled":   "True NameConflict",
				"Available": "True MinimumReplicasAvailable",
			},
		},
		"object rejected": {
			failing(errInvalid),
			map[string]string{
				"Ready":     "False ObjectRejected",
				"Stalled":   "True ObjectRejected",
				"Available": "True MinimumReplicasAvailable",
			},
		},
		"object forbidden": {
			failing(errRight),
			map[string]string{
				"Ready":       "False ApplyFailed",
				"Reconciling": "True ApplyFailed",
				"Available":   "True MinimumReplicasAvailable",
			},
		},
		"failures that need a person come first": {
			failing(errTimeout, errConflict, errInvalid),
			map[string]string{
				"Ready":     "False NameConflict",
				"Stalled":   "True NameConflict",
				"Available": "True MinimumReplicasAvailable",
			},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			webhook := newWebhook("messaging", "sales")
			webhook.Generation = 7
			// The previous conditions contradict every new one.
			for _, kind := range []string{v1alpha1.ConditionReady, v1alpha1.ConditionReconciling, v1alpha1.ConditionStalled, v1alpha1.ConditionAvailable} {
				meta.SetStatusCondition(&webhook.Status.Conditions, metav1.Condition{
					Type:   kind,
					Status: metav1.ConditionUnknown,
					Reason: "Before",
				})
			}

			status := newStatus(webhook, test.seen)

			got := map[string]string{}
			for _, c := range status.Conditions {
				got[c.Type] = string(c.Status) + " " + c.Reason
				if c.ObservedGeneration != 7 || c.Message == "" || len(c.Message) > 1024 {
					t.Errorf("condition %s: generation %d, message %q", c.Type, c.ObservedGeneration, c.Message)
				}
			}

			if diff := cmp.Diff(allConditions(test.want), got); diff != "" {
				t.Errorf("conditions (-want +got):\n%s", diff)
			}

			webhook.Status = status
			if diff := cmp.Diff(status, newStatus(webhook, test.seen)); diff != "" {
				t.Errorf("the same observation gives another status (-first +second):\n%s", diff)
			}
		})
	}
}

func TestExposed(t *testing.T) {
	t.Parallel()

	webhook := newWebhook("messaging", "sales")
	webhook.Spec.Ingress.Host = "hooks.example.com"

	ingress := &networkingv1.Ingress{}
	for wanted, address := range map[string][]networkingv1.IngressLoadBalancerIngress{
		"False AddressPending the Ingress has no address yet; a controller for its class must run and assign one": nil,
		"True AddressAssigned the Ingress has the address 192.0.2.1":                                              {{IP: "192.0.2.1"}},
		"True AddressAssigned the Ingress has the address lb.example.com":                                         {{Hostname: "lb.example.com"}},
	} {
		ingress.Status.LoadBalancer.Ingress = address
		status := newStatus(webhook, observation{deployment: running(1), ingress: ingress})

		c := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionExposed)
		if got := fmt.Sprintf("%s %s %s", c.Status, c.Reason, c.Message); got != wanted {
			t.Errorf("got  %s\nwant %s", got, wanted)
		}

		if !meta.IsStatusConditionTrue(status.Conditions, v1alpha1.ConditionReady) {
			t.Error("Ready waits for the address")
		}
	}
}

func TestLongMessageIsTruncated(t *testing.T) {
	t.Parallel()

	got := excerpt(strings.Repeat("é", 1000), maxMessage)
	if len(got) > 1024 || !strings.HasSuffix(got, "é…") {
		t.Errorf("%d bytes, end %q", len(got), got[len(got)-8:])
	}
}

// running returns a Deployment with all its replicas available, with the edits applied.
func running(replicas int32, edits ...func(*appsv1.Deployment)) *appsv1.Deployment {
	d := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "sales", Generation: 3},
		Spec:       appsv1.DeploymentSpec{Replicas: &replicas},
		Status: appsv1.DeploymentStatus{
			ObservedGeneration: 3,
			Replicas:           replicas,
			UpdatedReplicas:    replicas,
			ReadyReplicas:      replicas,
			AvailableReplicas:  replicas,
		},
	}
	for _, edit := range edits {
		edit(d)
	}

	return d
}

func unready(d *appsv1.Deployment) {
	d.Status.ReadyReplicas = 0
	d.Status.AvailableReplicas = 0
}

func progress(reason string) func(*appsv1.Deployment) {
	return func(d *appsv1.Deployment) {
		d.Status.Conditions = []appsv1.DeploymentCondition{{Type: appsv1.DeploymentProgressing, Reason: reason}}
	}
}
