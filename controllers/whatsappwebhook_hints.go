// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// maxExcerpt limits the messages of Kubernetes in a hint, in bytes.
const maxExcerpt = 320

// hint returns the reason for which pods are not ready, or else where to find it. It reports whether the reason is known. Of
// several reasons it returns the one to fix first.
func hint(seen observation) (why string, explained bool) {
	for _, find := range []func(observation) string{
		pausedHint,
		creationHint,
		lostNodeHint,
		claimLostHint,
		schedulingHint,
		claimPendingHint,
	} {
		if why := find(seen); why != "" {
			return why, true
		}
	}

	unready := unreadyPods(seen.pods)
	for _, find := range []func(*corev1.Pod) string{
		imageHint,
		configurationHint,
		crashHint,
		failedPodHint,
		volumeHint,
		gateHint,
	} {
		for i := range unready {
			if why := find(&unready[i]); why != "" {
				return why, true
			}
		}
	}

	if len(unready) > 0 {
		return runningHint(seen), false
	}

	return "", false
}

// pausedHint is for a rollout that waits for a person.
func pausedHint(seen observation) string {
	if !seen.deployment.Spec.Paused {
		return ""
	}

	return fmt.Sprintf("the rollout is paused (spec.paused of the Deployment): kubectl rollout resume deployment/%[1]s", seen.deployment.Name)
}

// creationHint is for pods that the API server refuses, for example by a quota, by Pod Security or by a webhook.
func creationHint(seen observation) string {
	failed := deploymentCondition(seen.deployment, appsv1.DeploymentReplicaFailure)
	if failed.Status != corev1.ConditionTrue {
		return ""
	}

	return "pods cannot be created: " + excerpt(failed.Message, maxExcerpt)
}

// lostNodeHint is for a pod whose node no longer reports. With the embedded store no other pod starts before that one is
// gone, since it may still write.
func lostNodeHint(seen observation) string {
	for i := range seen.pods {
		pod := &seen.pods[i]
		if pod.Spec.NodeName == "" || !isLost(pod) {
			continue
		}

		state := "is no longer reported"
		if pod.DeletionTimestamp != nil {
			state = "is terminating"
		}

		return fmt.Sprintf("pod %s %s, since node %s does not respond: repair the node, or, if it is shut down permanently, "+
			"kubectl taint nodes %[3]s node.kubernetes.io/out-of-service=nodeshutdown:NoExecute", pod.Name, state, pod.Spec.NodeName)
	}

	return ""
}

// isLost reports whether the node of a pod has stopped reporting. Then Kubernetes sets Ready to false and leaves
// ContainersReady and the reason as the kubelet reported them, and evicts the pod after some minutes.
func isLost(pod *corev1.Pod) bool {
	evicted := podCondition(pod, corev1.DisruptionTarget)
	if pod.DeletionTimestamp != nil && evicted.Status == corev1.ConditionTrue && evicted.Reason == "DeletionByTaintManager" {
		return true
	}

	ready := podCondition(pod, corev1.PodReady)

	return pod.Status.Phase == corev1.PodRunning &&
		ready.Status == corev1.ConditionFalse &&
		ready.Reason == "" &&
		podCondition(pod, corev1.ContainersReady).Status == corev1.ConditionTrue
}

func claimLostHint(seen observation) string {
	if seen.claim == nil || seen.claim.Status.Phase != corev1.ClaimLost {
		return ""
	}

	return fmt.Sprintf("PersistentVolumeClaim %s is Lost: its volume %s no longer exists; restore the volume, or delete the claim, "+
		"which gives up the events in it", seen.claim.Name, seen.claim.Spec.VolumeName)
}

// schedulingHint has the words of the scheduler. If it waits for the claim, the hint about the claim says more.
func schedulingHint(seen observation) string {
	for _, pod := range unreadyPods(seen.pods) {
		scheduled := podCondition(&pod, corev1.PodScheduled)
		if scheduled.Status != corev1.ConditionFalse {
			continue
		}

		if strings.Contains(scheduled.Message, "unbound immediate PersistentVolumeClaims") && claimPendingHint(seen) != "" {
			continue
		}

		return fmt.Sprintf("pod %s cannot be scheduled: %s", pod.Name, excerpt(scheduled.Message, maxExcerpt))
	}

	return ""
}

// claimPendingHint says why a claim has no volume, as far as the claim itself shows it. The rest is in its events, which the
// operator does not read.
func claimPendingHint(seen observation) string {
	claim := seen.claim
	if claim == nil || claim.Status.Phase != corev1.ClaimPending || claim.Spec.VolumeName != "" {
		return ""
	}

	if claim.Spec.StorageClassName == nil {
		return fmt.Sprintf("PersistentVolumeClaim %s is Pending: it names no StorageClass, and the cluster has no default one; "+
			"set store.embedded.storageClassName, or make a StorageClass the default", claim.Name)
	}

	if *claim.Spec.StorageClassName == "" {
		return fmt.Sprintf("PersistentVolumeClaim %s is Pending: it requests a volume without a class, and no such PersistentVolume fits it; "+
			"create one, or set store.embedded.storageClassName and delete the claim", claim.Name)
	}

	return fmt.Sprintf("PersistentVolumeClaim %s is Pending: StorageClass %q has not provided a volume; kubectl describe pvc %[1]s says why, "+
		"for example that the class does not exist or that its provisioner fails", claim.Name, *claim.Spec.StorageClassName)
}

// runningHint is for pods that run and are not ready for a reason that only they know.
func runningHint(seen observation) string {
	if seen.reported.Starting != "" {
		return "the receiver is starting: " + excerpt(seen.reported.Starting, maxExcerpt)
	}

	for _, problem := range seen.reported.Problems {
		if problem.Operation == "store" {
			return "the receiver reports: store: " + excerpt(problem.Text, maxExcerpt)
		}
	}

	return fmt.Sprintf("kubectl logs deployment/%s says what the receiver waits for", seen.deployment.Name)
}

// unreadyPods returns the pods that are not ready and not about to end, the newest first: during a rollout the cause is in
// the new ones.
func unreadyPods(pods []corev1.Pod) []corev1.Pod {
	var unready []corev1.Pod
	for i := range pods {
		ready := podCondition(&pods[i], corev1.PodReady).Status == corev1.ConditionTrue
		if !ready && pods[i].DeletionTimestamp == nil && pods[i].Status.Phase != corev1.PodSucceeded {
			unready = append(unready, pods[i])
		}
	}

	slices.SortFunc(unready, func(a, b corev1.Pod) int {
		return cmp.Or(b.CreationTimestamp.Compare(a.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
	})

	return unready
}

func podCondition(pod *corev1.Pod, kind corev1.PodConditionType) corev1.PodCondition {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == kind {
			return condition
		}
	}

	return corev1.PodCondition{}
}
