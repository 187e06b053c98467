// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
)

// volume returns the verdict on the store's volume. It has no condition of its own: those of the claim say more, and Ready repeats
// them. A claim without a volume, and one of the user's, which is nil, have none.
func volume(webhook *v1alpha1.WhatsAppWebhook, claim *corev1.PersistentVolumeClaim) verdict {
	if claim != nil && claim.DeletionTimestamp != nil {
		return no(v1alpha1.ReasonClaimTerminating, "%s", claimTerminating("PersistentVolumeClaim "+claim.Name).message)
	}

	return resizing(webhook, claim)
}

// resizing returns the verdict on the size of the volume.
//
// The API server refuses to put the former size back: after a resize was accepted, a smaller request must be above the capacity.
//
// Source: https://kubernetes.io/docs/concepts/storage/persistent-volumes/#expanding-persistent-volumes-claims
// and #recovering-from-failure-when-expanding-volumes
func resizing(webhook *v1alpha1.WhatsAppWebhook, claim *corev1.PersistentVolumeClaim) verdict {
	if claim == nil {
		return verdict{}
	}

	size, bound := claim.Status.Capacity[corev1.ResourceStorage]

	wanted := claim.Spec.Resources.Requests[corev1.ResourceStorage]
	if !bound || size.Cmp(wanted) >= 0 {
		return verdict{}
	}

	state := fmt.Sprintf("the volume of PersistentVolumeClaim %s has %s of the requested %s", claim.Name, size.String(), wanted.String())

	if cause, failed := resizeFailure(claim); failed {
		return no(v1alpha1.ReasonVolumeResizeFailed, "%s: it cannot be enlarged%s; fix that at the storage, which retries, or set a smaller "+
			"store.embedded.size above %s, which Kubernetes accepts from 1.32 on", state, cause, size.String())
	}

	if isNodeResize(claim) {
		return no(v1alpha1.ReasonVolumeResizing, "%s: its file system is about to be enlarged by the node; if that does not happen, "+
			"restart the pod: kubectl delete pod -l app.kubernetes.io/instance=%s", state, resources.Name(webhook.Name))
	}

	return no(v1alpha1.ReasonVolumeResizing, "%s: it is being enlarged; if that does not end, kubectl describe pvc %s says what it waits for, "+
		"such as a driver without a resizer", state, claim.Name)
}

// resizeFailure returns Kubernetes' message about a failed resize, and whether a resize failed. The storage retries it at
// growing intervals, even if it calls the resize infeasible.
func resizeFailure(claim *corev1.PersistentVolumeClaim) (cause string, failed bool) {
	for _, condition := range claim.Status.Conditions {
		isFailure := condition.Type == corev1.PersistentVolumeClaimControllerResizeError ||
			condition.Type == corev1.PersistentVolumeClaimNodeResizeError
		if isFailure && condition.Status == corev1.ConditionTrue {
			return ": " + excerpt(condition.Message, maxExcerpt), true
		}
	}

	status := claim.Status.AllocatedResourceStatuses[corev1.ResourceStorage]
	isInfeasible := status == corev1.PersistentVolumeClaimControllerResizeInfeasible ||
		status == corev1.PersistentVolumeClaimNodeResizeInfeasible

	return " (" + string(status) + ")", isInfeasible
}

// isNodeResize reports whether the volume has been enlarged, and the file system on it has not.
func isNodeResize(claim *corev1.PersistentVolumeClaim) bool {
	status := claim.Status.AllocatedResourceStatuses[corev1.ResourceStorage]
	if status == corev1.PersistentVolumeClaimNodeResizePending || status == corev1.PersistentVolumeClaimNodeResizeInProgress {
		return true
	}

	return slices.ContainsFunc(claim.Status.Conditions, func(condition corev1.PersistentVolumeClaimCondition) bool {
		return condition.Type == corev1.PersistentVolumeClaimFileSystemResizePending && condition.Status == corev1.ConditionTrue
	})
}
