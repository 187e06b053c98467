// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"strings"
	"unicode"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
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
	deployment   *appsv1.Deployment
	claim        *corev1.PersistentVolumeClaim
	pods         []corev1.Pod
	services     []*corev1.Service
	ingress      *networkingv1.Ingress
	route        *gatewayv1.HTTPRoute
	autoscaler   *autoscalingv2.HorizontalPodAutoscaler
	scaledObject *ScaledObject
	wanted       []schema.GroupVersionKind          // optional kinds that the spec uses
	missing      []schema.GroupVersionKind          // optional kinds that the spec uses and the operator cannot
	denied       map[schema.GroupVersionKind]string // the cause if it is not that the cluster does not serve the kind
	reported     poller.Summary
	failures     failures
	suspended    bool
	upgrade      string // what keeps an upgrade of the operator from this receiver or from others
}

// fail records that a step failed.
func (o *observation) fail(step string, err error) failure {
	f := newFailure(step, err)
	o.failures = append(o.failures, f)

	return f
}

// record takes over the state of an object of the resource.
func (o *observation) record(live client.Object) {
	switch live := live.(type) {
	case *appsv1.Deployment:
		o.deployment = live
	case *corev1.PersistentVolumeClaim:
		o.claim = live
	case *corev1.Service:
		o.services = append(o.services, live)
	case *networkingv1.Ingress:
		o.ingress = live
	case *gatewayv1.HTTPRoute:
		o.route = live
	case *autoscalingv2.HorizontalPodAutoscaler:
		o.autoscaler = live
	case *ScaledObject:
		o.scaledObject = live
	}
}

// newStatus returns the status for an observation. Of the previous status the transition times carry over, and what
// receivers reported, until they have been polled.
func newStatus(webhook *v1alpha1.WhatsAppWebhook, seen observation) v1alpha1.WhatsAppWebhookStatus {
	status := numbers(webhook, seen)
	status.URL = resources.URL(webhook)
	status.Selector = labels.SelectorFromSet(resources.SelectorLabels(resources.Name(webhook.Name))).String()

	found := reportedFindings(webhook, seen)
	found.exposed = exposure(webhook, seen)
	found.extensions = extensionsAvailability(seen)
	found.volume = volume(webhook, seen.claim)
	found.autoscaler = autoscaling(seen)

	c := conditions{list: &status.Conditions, generation: webhook.Generation}
	c.setReady(seen.heldBack(found.ready(seen.failures)))
	c.setParts(found, seen.deployment)

	return status
}

// invalidStatus returns the status for an invalid spec. The objects of the last valid spec keep their conditions, and the receivers
// go on to report theirs.
func invalidStatus(webhook *v1alpha1.WhatsAppWebhook, seen observation, cause error) v1alpha1.WhatsAppWebhookStatus {
	status := numbers(webhook, seen)
	none := unknown(v1alpha1.ReasonInvalidSpec, "there are no objects of a valid spec yet")

	found := reportedFindings(webhook, seen)
	found.exposed = kept(webhook.Status.Conditions, v1alpha1.ConditionExposed, none)
	found.extensions = kept(webhook.Status.Conditions, v1alpha1.ConditionExtensionsAvailable, none)

	c := conditions{list: &status.Conditions, generation: webhook.Generation}
	c.setReady(seen.heldBack(no(v1alpha1.ReasonInvalidSpec, "%s; correct the spec: until then all objects stay unchanged", cause.Error())))
	c.setParts(found, seen.deployment)

	return status
}

// numbers returns the previous status with the numbers of pods and events of an observation.
func numbers(webhook *v1alpha1.WhatsAppWebhook, seen observation) v1alpha1.WhatsAppWebhookStatus {
	status := *webhook.Status.DeepCopy()
	status.ObservedGeneration = webhook.Generation
	setReplicas(&status, seen.deployment)

	if seen.reported.Complete {
		status.Pending = seen.reported.Pending
		status.DeadLetters = seen.reported.DeadLetters
	}

	return status
}

// reportedFindings returns the verdicts on the pods and on what they report.
func reportedFindings(webhook *v1alpha1.WhatsAppWebhook, seen observation) findings {
	found := findings{
		rollout:    rolloutOf(seen),
		secrets:    secretsAvailability(webhook, seen.reported),
		subscribed: subscription(webhook, seen.reported),
		responding: responding(webhook, seen.reported),
		operation:  operation(seen.reported),
	}
	if !seen.reported.Complete {
		found.keepReported(webhook.Status.Conditions)
	}

	return found
}

// setReplicas sets the numbers of pods.
func setReplicas(status *v1alpha1.WhatsAppWebhookStatus, d *appsv1.Deployment) {
	status.Replicas = nil
	status.ReadyReplicas = nil
	status.Receivers = ""

	if d != nil {
		status.Replicas = new(d.Status.Replicas)
		status.ReadyReplicas = new(d.Status.ReadyReplicas)
		status.Receivers = fmt.Sprintf("%d/%d", d.Status.ReadyReplicas, wantedReplicas(d))
	}
}

// verdict is the status, reason and message of a condition.
type verdict struct {
	status  metav1.ConditionStatus
	reason  string
	message string
}

func yes(reason, format string, args ...any) verdict {
	return verdict{metav1.ConditionTrue, reason, fmt.Sprintf(format, args...)}
}

func no(reason, format string, args ...any) verdict {
	return verdict{metav1.ConditionFalse, reason, fmt.Sprintf(format, args...)}
}

func unknown(reason, format string, args ...any) verdict {
	return verdict{metav1.ConditionUnknown, reason, fmt.Sprintf(format, args...)}
}

// conditions writes to a list of conditions.
type conditions struct {
	list       *[]metav1.Condition
	generation int64
}

func (c conditions) set(kind string, v verdict) {
	meta.SetStatusCondition(c.list, metav1.Condition{
		Type:               kind,
		Status:             v.status,
		ObservedGeneration: c.generation,
		Reason:             v.reason,
		Message:            excerpt(v.message, maxMessage),
	})
}

// setReady sets Ready, and the one of Reconciling and Stalled that its reason calls for.
func (c conditions) setReady(ready verdict) {
	c.set(v1alpha1.ConditionReady, ready)

	for _, kind := range []string{v1alpha1.ConditionReconciling, v1alpha1.ConditionStalled} {
		if besideReady[ready.reason] == kind {
			c.set(kind, verdict{metav1.ConditionTrue, ready.reason, ready.message})
		} else {
			meta.RemoveStatusCondition(c.list, kind)
		}
	}
}

// setParts sets every condition besides Ready.
func (c conditions) setParts(found findings, deployment *appsv1.Deployment) {
	c.set(v1alpha1.ConditionAvailable, availability(deployment, found.waiting()))
	c.set(v1alpha1.ConditionSecretsAvailable, found.secrets)
	c.set(v1alpha1.ConditionExposed, found.exposed)
	c.set(v1alpha1.ConditionSubscribed, found.subscribed)
	c.set(v1alpha1.ConditionResponding, found.responding)
	c.set(v1alpha1.ConditionOperational, found.operation)
	c.set(v1alpha1.ConditionExtensionsAvailable, found.extensions)
}

// excerpt returns a text on one line and without characters that are not visible, cut to a number of bytes.
func excerpt(text string, limit int) string {
	text = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(text, ""), func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsGraphic(r)
	}), " ")

	if len(text) <= limit {
		return text
	}

	return strings.ToValidUTF8(text[:limit], "") + "…"
}

// kept returns the verdict of a condition as it was, or another if there was none.
func kept(before []metav1.Condition, kind string, otherwise verdict) verdict {
	c := meta.FindStatusCondition(before, kind)
	if c == nil {
		return otherwise
	}

	return verdict{c.Status, c.Reason, c.Message}
}
