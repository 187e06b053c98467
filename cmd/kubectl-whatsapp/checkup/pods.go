// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package checkup

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/cluster"
	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/doctor"
)

const (
	// manyRestarts is the number of restarts from which a container is looked at.
	manyRestarts = 3
	// eventAge is the age up to which events matter.
	eventAge = time.Hour
	// eventTimeout and maxEvents bound the list of events, maxShown and maxMessage what is shown of it.
	eventTimeout = 20 * time.Second
	maxEvents    = 1000
	maxShown     = 5
	maxMessage   = 300
)

func checkThePods(ctx context.Context, c *cluster.Cluster, name string) (doctor.Check, error) {
	pods, err := c.Receivers(ctx, c.Namespace, name)
	if apierrors.IsForbidden(err) {
		return forbidden(checkPods, err), nil
	}

	if err != nil {
		return doctor.Check{}, err
	}

	return judgePods(pods), nil
}

func judgePods(pods []corev1.Pod) doctor.Check {
	const mend = "Look at the pods and their logs: kubectl describe pod, and the commands logs and status."

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
		return result(checkPods, doctor.Failure, strings.Join(append(failures, warnings...), "\n"), mend)
	case len(failures)+len(warnings) > 0:
		return result(checkPods, doctor.Warning, strings.Join(append(failures, warnings...), "\n"), mend)
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

func checkTheEvents(ctx context.Context, c *cluster.Cluster, name string, now time.Time) (doctor.Check, error) {
	ctx, cancel := context.WithTimeout(ctx, eventTimeout)
	defer cancel()

	list := &corev1.EventList{}

	err := c.Client().List(ctx, list, client.InNamespace(c.Namespace), client.Limit(maxEvents),
		client.MatchingFields{"type": corev1.EventTypeWarning})
	if apierrors.IsForbidden(err) {
		return result(checkEvents, doctor.Skipped, "you may not see this",
			fmt.Sprintf("You lack the right to list events in the namespace %s; check it with:\nkubectl auth can-i list events -n %s", c.Namespace, c.Namespace)), nil
	}

	if err != nil {
		return doctor.Check{}, output.Unreachable("Check that kubectl get events works with the same flags.", "list the events of %s: %w", name, err)
	}

	return judgeEvents(list.Items, name, now), nil
}

// judgeEvents names the warnings about the objects of a resource, each reason once, the newest first.
func judgeEvents(events []corev1.Event, name string, now time.Time) doctor.Check {
	prefix := resources.Name(name)

	slices.SortFunc(events, func(a, b corev1.Event) int { return lastSeen(b).Compare(lastSeen(a)) })

	var all []string

	reasons := map[string]bool{}

	for _, event := range events {
		object := event.InvolvedObject

		isOurs := object.Name == name || object.Name == prefix || strings.HasPrefix(object.Name, prefix+"-")
		if !isOurs || now.Sub(lastSeen(event)) > eventAge || reasons[event.Reason] {
			continue
		}

		reasons[event.Reason] = true
		all = append(all, fmt.Sprintf("%s %s: %s%s", object.Kind, object.Name, event.Reason, shown(event.Message)))
	}

	if len(all) == 0 {
		return result(checkEvents, doctor.OK, "no warnings", "")
	}

	return result(checkEvents, doctor.Warning, strings.Join(all[:min(len(all), maxShown)], "\n"),
		"Mend the causes that the events name. An event stays listed for an hour after its cause is mended.")
}

// lastSeen returns when an event happened the last time, which clients record in different fields.
func lastSeen(event corev1.Event) time.Time {
	switch {
	case event.Series != nil:
		return event.Series.LastObservedTime.Time
	case !event.LastTimestamp.IsZero():
		return event.LastTimestamp.Time
	case !event.EventTime.IsZero():
		return event.EventTime.Time
	}

	return event.CreationTimestamp.Time
}
