// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package checkup

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/cluster"
	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/doctor"
)

const (
	// manyRestarts is the number of restarts from which a container is looked at.
	manyRestarts = 3
	// maxMessage bounds the shown part of a message, in bytes.
	maxMessage = 300
)

// checkThePods checks the receivers of a resource and returns them.
func checkThePods(ctx context.Context, c *cluster.Cluster, name string) (doctor.Check, []corev1.Pod, error) {
	pods, err := c.Receivers(ctx, c.Namespace, name)
	if apierrors.IsForbidden(err) {
		return forbidden(checkPods, err), nil, nil
	}

	if err != nil {
		return doctor.Check{}, nil, err
	}

	return diagnosePods(pods), pods, nil
}

func diagnosePods(pods []corev1.Pod) doctor.Check {
	const fix = "Look at the pods and their logs: kubectl describe pod, and the commands logs and status."

	if len(pods) == 0 {
		return result(checkPods, doctor.Failure, "there is no pod", "See the conditions, and the ReplicaSets: kubectl describe replicaset.")
	}

	var failures, warnings []string

	ready := 0

	for i := range pods {
		pod := &pods[i]

		switch why := unready(pod); {
		case isReady(pod):
			ready++
		case pod.DeletionTimestamp == nil:
			failures = append(failures, fmt.Sprintf("%s is not ready%s", pod.Name, why))
		}

		for _, container := range pod.Status.ContainerStatuses {
			if container.RestartCount >= manyRestarts {
				warnings = append(warnings, fmt.Sprintf("%s was restarted %d times%s", pod.Name, container.RestartCount, lastEnd(container)))
			}
		}
	}

	switch {
	case len(failures) > 0 && ready == 0:
		return result(checkPods, doctor.Failure, strings.Join(append(failures, warnings...), "\n"), fix)
	case len(failures)+len(warnings) > 0:
		return result(checkPods, doctor.Warning, strings.Join(append(failures, warnings...), "\n"), fix)
	}

	return result(checkPods, doctor.OK, output.Count(ready, "pod"), "")
}

func isReady(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

// unready returns why a pod is not ready, as the kubelet or the scheduler says it.
func unready(pod *corev1.Pod) string {
	for _, container := range pod.Status.ContainerStatuses {
		if waiting := container.State.Waiting; waiting != nil && waiting.Reason != "" {
			return ": " + waiting.Reason + shown(waiting.Message) + lastEnd(container)
		}
	}

	for _, c := range pod.Status.Conditions {
		if c.Status == corev1.ConditionFalse && c.Reason != "" && c.Type != corev1.ContainersReady {
			return ": " + c.Reason + shown(c.Message)
		}
	}

	return ""
}

// lastEnd returns why a container ended the last time.
func lastEnd(container corev1.ContainerStatus) string {
	if ended := container.LastTerminationState.Terminated; ended != nil {
		return fmt.Sprintf(" (it ended with %s, exit code %d)", ended.Reason, ended.ExitCode)
	}

	return ""
}

// shown returns the beginning of a message after a comma, or nothing.
func shown(message string) string {
	if message == "" {
		return ""
	}

	line := output.CleanLine(message)

	if len(line) > maxMessage {
		line = strings.ToValidUTF8(line[:maxMessage], "") + "…"
	}

	return ", " + line
}
