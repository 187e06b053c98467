// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/poller"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
)

// maxMessage keeps a condition's message within the 1024 bytes of an event's note.
const maxMessage = 1000

// observation is the result of one reconciliation. An object is nil if it does not exist or is not ours.
type observation struct {
	deployment *appsv1.Deployment
	ingress    *networkingv1.Ingress
	route      *gatewayv1.HTTPRoute
	wanted     []schema.GroupVersionKind // optional kinds that the spec uses
	missing    []schema.GroupVersionKind // optional kinds that the spec uses and the cluster does not serve, or denies
	denied     map[schema.GroupVersionKind]denial
	reported   poller.Summary
	failures   failures
	suspended  bool
	upgrade    string // what keeps an upgrade of the operator from this receiver or from others
}

// record takes over the state of an object of the resource.
func (o *observation) record(live client.Object) {
	switch live := live.(type) {
	case *appsv1.Deployment:
		o.deployment = live
	case *networkingv1.Ingress:
		o.ingress = live
	case *gatewayv1.HTTPRoute:
		o.route = live
	}
}

// fail records that a step failed.
func (o *observation) fail(step string, err error) {
	o.failures = append(o.failures, newFailure(step, err))
}

// heldBack adds to the summary why the objects stay as they are.
func (o *observation) heldBack(summary verdict) verdict {
	if o.upgrade != "" {
		summary.message += "; " + o.upgrade
	}

	if o.suspended {
		return verdict{v1alpha1.ReasonSuspended, "reconciliation is suspended, and all objects stay as they are; " + summary.message}
	}

	return summary
}

// newStatus returns the status for an observation. Of the previous status only the transition times carry over.
func newStatus(webhook *v1alpha1.WhatsAppWebhook, seen observation) v1alpha1.WhatsAppWebhookStatus {
	status := *webhook.Status.DeepCopy()
	status.ObservedGeneration = webhook.Generation
	status.URL = resources.URL(webhook)
	status.Selector = labels.SelectorFromSet(resources.SelectorLabels(resources.Name(webhook.Name))).String()
	status.Replicas = nil
	status.ReadyReplicas = nil

	if seen.deployment != nil {
		status.Replicas = new(seen.deployment.Status.Replicas)
		status.ReadyReplicas = new(seen.deployment.Status.ReadyReplicas)
	}

	status.Pending = seen.reported.Pending
	status.DeadLetters = seen.reported.DeadLetters

	rollout := rolloutOf(seen.deployment)
	secrets, complete := secretsAvailability(webhook, seen.reported)

	settled := rollout.reason == v1alpha1.ReasonReady || rollout.reason == v1alpha1.ReasonScaledToZero
	if secrets.reason == v1alpha1.ReasonSecretMissing && !settled {
		rollout = secrets // the pods are waiting for it
	}

	summary := rollout
	if secrets.reason == v1alpha1.ReasonSecretMissing && rollout.reason == v1alpha1.ReasonReady {
		summary = secrets // deliveries are accepted, but people get no answers
	}

	for _, reason := range failureReasons {
		if message, ok := seen.failures.messages(reason); ok {
			summary = verdict{reason: reason, message: message}
		}
	}

	c := conditions{list: &status.Conditions, generation: webhook.Generation}
	ready := is(summary.reason == v1alpha1.ReasonReady)
	summary = seen.heldBack(summary)

	c.set(v1alpha1.ConditionReady, ready, summary)
	c.setWhileTrue(v1alpha1.ConditionReconciling, summary, v1alpha1.ReasonProgressing, v1alpha1.ReasonSecretMissing, v1alpha1.ReasonApplyFailed)
	c.setWhileTrue(v1alpha1.ConditionStalled, summary, slices.Concat(stalledFailures, []string{v1alpha1.ReasonProgressDeadlineExceeded})...)

	available, accepting := availability(seen.deployment, rollout)
	c.set(v1alpha1.ConditionAvailable, accepting, available)
	c.set(v1alpha1.ConditionSecretsAvailable, complete, secrets)

	exposed, reachable := exposure(webhook, seen)
	c.set(v1alpha1.ConditionExposed, reachable, exposed)

	subscribed, active := subscription(webhook, seen.reported)
	c.set(v1alpha1.ConditionSubscribed, active, subscribed)

	routed, here := responding(seen.reported)
	c.set(v1alpha1.ConditionResponding, here, routed)

	extended, served := extensionsAvailability(seen)
	c.set(v1alpha1.ConditionExtensionsAvailable, served, extended)

	return status
}

// invalidStatus returns the status for an invalid spec. The objects of the last valid spec keep their conditions.
func invalidStatus(webhook *v1alpha1.WhatsAppWebhook, cause error) v1alpha1.WhatsAppWebhookStatus {
	status := *webhook.Status.DeepCopy()
	status.ObservedGeneration = webhook.Generation
	why := verdict{v1alpha1.ReasonInvalidSpec, cause.Error() + "; correct the spec: until then all objects stay unchanged"}
	c := conditions{list: &status.Conditions, generation: webhook.Generation}
	c.set(v1alpha1.ConditionReady, metav1.ConditionFalse, why)
	c.set(v1alpha1.ConditionStalled, metav1.ConditionTrue, why)
	meta.RemoveStatusCondition(c.list, v1alpha1.ConditionReconciling)

	return status
}

// verdict is the reason and message of a condition.
type verdict struct{ reason, message string }

// rolloutOf returns the progress of the Deployment's rollout.
func rolloutOf(d *appsv1.Deployment) verdict {
	if d == nil {
		return verdict{v1alpha1.ReasonProgressing, "the receiver's Deployment does not exist yet"}
	}

	wanted := int32(1)
	if d.Spec.Replicas != nil {
		wanted = *d.Spec.Replicas
	}

	progressing := deploymentCondition(d, appsv1.DeploymentProgressing)
	ready := fmt.Sprintf("%d of %d receiver pods are ready", d.Status.ReadyReplicas, wanted)

	switch {
	case d.Status.ObservedGeneration < d.Generation:
		return verdict{v1alpha1.ReasonProgressing, "waiting for Kubernetes to observe the receiver's Deployment"}
	case progressing.Reason == "ProgressDeadlineExceeded":
		return verdict{v1alpha1.ReasonProgressDeadlineExceeded, ready + " and the Deployment exceeded its progress deadline" + hint(d)}
	case d.Status.UpdatedReplicas < wanted || d.Status.Replicas > d.Status.UpdatedReplicas:
		return verdict{v1alpha1.ReasonProgressing, "pods are being replaced: " + ready + hint(d)}
	case wanted == 0:
		return verdict{v1alpha1.ReasonScaledToZero, "receiver.replicas is 0: no receiver accepts deliveries"}
	case d.Status.AvailableReplicas >= wanted:
		return verdict{v1alpha1.ReasonReady, "the receiver accepts deliveries"}
	case progressing.Reason == "NewReplicaSetAvailable":
		return verdict{v1alpha1.ReasonUnavailable, ready + hint(d)}
	default:
		return verdict{v1alpha1.ReasonProgressing, "pods are starting: " + ready + hint(d)}
	}
}

// hint returns where to look for the cause when pods do not become ready.
func hint(d *appsv1.Deployment) string {
	if failed := deploymentCondition(d, appsv1.DeploymentReplicaFailure); failed.Status == corev1.ConditionTrue {
		return "; pods cannot be created: " + failed.Message
	}

	return fmt.Sprintf("; a receiver becomes ready once all its Secrets exist; see kubectl logs deployment/%s", d.Name)
}

func deploymentCondition(d *appsv1.Deployment, kind appsv1.DeploymentConditionType) appsv1.DeploymentCondition {
	for _, condition := range d.Status.Conditions {
		if condition.Type == kind {
			return condition
		}
	}

	return appsv1.DeploymentCondition{}
}

// conditions writes to a list of conditions.
type conditions struct {
	list       *[]metav1.Condition
	generation int64
}

func (c conditions) set(kind string, status metav1.ConditionStatus, why verdict) {
	meta.SetStatusCondition(c.list, metav1.Condition{
		Type:               kind,
		Status:             status,
		ObservedGeneration: c.generation,
		Reason:             why.reason,
		Message:            truncate(why.message),
	})
}

// setWhileTrue sets the condition to true for the reasons, and removes it for any other.
func (c conditions) setWhileTrue(kind string, why verdict, reasons ...string) {
	if slices.Contains(reasons, why.reason) {
		c.set(kind, metav1.ConditionTrue, why)
	} else {
		meta.RemoveStatusCondition(c.list, kind)
	}
}

// is returns the status of a condition that holds or not.
func is(condition bool) metav1.ConditionStatus {
	if condition {
		return metav1.ConditionTrue
	}

	return metav1.ConditionFalse
}

func truncate(message string) string {
	if len(message) <= maxMessage {
		return message
	}

	return strings.ToValidUTF8(message[:maxMessage], "") + "…"
}
