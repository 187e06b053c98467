// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
)

// rollout is the verdict on the pods.
type rollout struct {
	verdict

	explained bool // the message says why pods are not ready
}

// rolloutOf returns the progress of the Deployment's rollout.
func rolloutOf(seen observation) rollout {
	d := seen.deployment
	if d == nil {
		return rollout{verdict: no(v1alpha1.ReasonProgressing, "the receiver's Deployment does not exist yet")}
	}

	wanted := wantedReplicas(d)
	reason, state := rolloutState(d, wanted)

	switch reason {
	case v1alpha1.ReasonReady:
		return rollout{verdict: yes(reason, "%s", state)}
	case v1alpha1.ReasonScaledToZero:
		return rollout{verdict: no(reason, "%s", state)}
	}

	if d.Status.ObservedGeneration < d.Generation {
		return rollout{verdict: no(reason, "%s", state)}
	}

	why, explained := hint(seen)
	if why != "" {
		state += "; " + why
	}

	return rollout{verdict: no(reason, "%s", state), explained: explained}
}

// rolloutState returns the reason and the state of a rollout to a number of replicas, without the cause.
func rolloutState(d *appsv1.Deployment, wanted int32) (reason, state string) {
	progressing := deploymentCondition(d, appsv1.DeploymentProgressing)
	ready := fmt.Sprintf("%d of %d receiver pods are ready", d.Status.ReadyReplicas, wanted)
	replacing := d.Status.UpdatedReplicas < wanted || d.Status.Replicas > d.Status.UpdatedReplicas

	switch {
	case d.Status.ObservedGeneration < d.Generation:
		return v1alpha1.ReasonProgressing, "waiting for Kubernetes to observe the receiver's Deployment"
	case d.Spec.Paused && replacing:
		return v1alpha1.ReasonRolloutPaused, "pods are not replaced: " + ready
	case progressing.Reason == "ProgressDeadlineExceeded":
		return v1alpha1.ReasonProgressDeadlineExceeded, ready + " and the Deployment exceeded its progress deadline"
	case replacing:
		return v1alpha1.ReasonProgressing, "pods are being replaced: " + ready
	case wanted == 0:
		return v1alpha1.ReasonScaledToZero, "scaled to 0, by receiver.replicas or on the Deployment: no receiver accepts deliveries"
	case d.Status.AvailableReplicas >= wanted:
		return v1alpha1.ReasonReady, "the receiver accepts deliveries"
	case progressing.Reason == "NewReplicaSetAvailable":
		return v1alpha1.ReasonUnavailable, ready
	default:
		return v1alpha1.ReasonProgressing, "pods are starting: " + ready
	}
}

func wantedReplicas(d *appsv1.Deployment) int32 {
	if d.Spec.Replicas == nil {
		return 1
	}

	return *d.Spec.Replicas
}

// availability returns whether a pod accepts deliveries. If none does, the reason is that of the rollout.
func availability(d *appsv1.Deployment, waiting verdict) verdict {
	if d != nil && d.Status.AvailableReplicas > 0 {
		return yes(v1alpha1.ReasonMinimumReplicasAvailable, "at least one receiver accepts deliveries")
	}

	return no(waiting.reason, "%s", waiting.message)
}

func deploymentCondition(d *appsv1.Deployment, kind appsv1.DeploymentConditionType) appsv1.DeploymentCondition {
	for _, condition := range d.Status.Conditions {
		if condition.Type == kind {
			return condition
		}
	}

	return appsv1.DeploymentCondition{}
}
