// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
)

// The reasons for which the kubelet waits, as far as they have their own hint.
var (
	imageReasons         = []string{"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError", "RegistryUnavailable", "SignatureValidationFailed"}
	configurationReasons = []string{"CreateContainerConfigError", "CreateContainerError", "RunContainerError", "PreCreateHookError", "PostStartHookError"}
)

// imageHint is for an image that cannot be pulled. ErrImagePull and ImagePullBackOff take turns, so both give the same text.
func imageHint(pod *corev1.Pod) string {
	status := waitingFor(pod, imageReasons)
	if status == nil {
		return ""
	}

	words := status.State.Waiting.Message
	if _, after, ok := strings.Cut(words, "ErrImagePull: "); ok {
		words = after
	}

	why := fmt.Sprintf("pod %s cannot pull the image %s", pod.Name, status.Image)
	if words != "" && !strings.HasPrefix(words, "Back-off") {
		why += ": " + excerpt(words, maxExcerpt)
	}

	return why + "; check the name, and the access to the registry"
}

// configurationHint is for a container that cannot be created, for example because a Secret or a ConfigMap of its
// environment does not exist.
func configurationHint(pod *corev1.Pod) string {
	status := waitingFor(pod, configurationReasons)
	if status == nil {
		return ""
	}

	return fmt.Sprintf("container %s of pod %s cannot be created: %s", status.Name, pod.Name, excerpt(status.State.Waiting.Message, maxExcerpt))
}

// crashHint is the hint for a container that crashes repeatedly. After a restart it may keep running.
func crashHint(pod *corev1.Pod) string {
	for _, status := range containers(pod) {
		ended := status.State.Terminated
		if ended == nil {
			ended = status.LastTerminationState.Terminated
		}

		if ended == nil || isRunning(status) || ended.ExitCode == 0 && !isCrashLoop(status) {
			continue
		}

		if ended.Reason == "OOMKilled" {
			return fmt.Sprintf("container %s of pod %s was killed because it needs more memory than its limit: raise receiver.resources.limits.memory", status.Name, pod.Name)
		}

		return fmt.Sprintf("container %s of pod %s crashes with exit code %d%s; kubectl logs --previous %[2]s -c %[1]s says more",
			status.Name, pod.Name, ended.ExitCode, terminationMessage(status.Name, ended))
	}

	return ""
}

// terminationMessage returns the last line of a receiver's termination message. Other containers may write anything there.
func terminationMessage(container string, ended *corev1.ContainerStateTerminated) string {
	lines := strings.Split(strings.TrimSpace(ended.Message), "\n")

	last := lines[len(lines)-1]
	if container != resources.ContainerName || last == "" {
		return ""
	}

	return ": " + excerpt(last, maxExcerpt)
}

// failedPodHint is for a pod that Kubernetes has ended, for example to free the memory of its node.
func failedPodHint(pod *corev1.Pod) string {
	if pod.Status.Phase != corev1.PodFailed || pod.Status.Reason == "" {
		return ""
	}

	return fmt.Sprintf("pod %s was ended (%s): %s", pod.Name, pod.Status.Reason, excerpt(pod.Status.Message, maxExcerpt))
}

// volumeHint is for a pod on a node that is not ready for its containers. Why is only in the events of the pod, which the
// operator does not read.
func volumeHint(pod *corev1.Pod) string {
	prepared := podCondition(pod, corev1.PodReadyToStartContainers)
	if pod.Spec.NodeName == "" || prepared.Status != corev1.ConditionFalse || waitingFor(pod, []string{"ContainerCreating", "PodInitializing"}) == nil {
		return ""
	}

	return fmt.Sprintf("pod %s waits on node %s for its volumes or its network; kubectl describe pod %[1]s says for which", pod.Name, pod.Spec.NodeName)
}

// gateHint is for a pod that runs and waits for a condition of another controller, such as that of a load balancer.
func gateHint(pod *corev1.Pod) string {
	ready := podCondition(pod, corev1.PodReady)
	if ready.Reason != "ReadinessGatesNotReady" {
		return ""
	}

	return fmt.Sprintf("pod %s waits for a readiness gate: %s", pod.Name, excerpt(ready.Message, maxExcerpt))
}

// waitingFor returns the container of a pod that waits for one of the reasons, or nil.
func waitingFor(pod *corev1.Pod, reasons []string) *corev1.ContainerStatus {
	all := containers(pod)

	i := slices.IndexFunc(all, func(status corev1.ContainerStatus) bool {
		return status.State.Waiting != nil && slices.Contains(reasons, status.State.Waiting.Reason)
	})
	if i < 0 {
		return nil
	}

	return &all[i]
}

func isRunning(status corev1.ContainerStatus) bool {
	return status.State.Running != nil && status.Started != nil && *status.Started
}

func isCrashLoop(status corev1.ContainerStatus) bool {
	return status.State.Waiting != nil && status.State.Waiting.Reason == "CrashLoopBackOff"
}

// containers returns the states of a pod's containers, in the order in which they start.
func containers(pod *corev1.Pod) []corev1.ContainerStatus {
	return slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses)
}
