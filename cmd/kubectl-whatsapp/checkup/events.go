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
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/cluster"
	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/doctor"
)

const (
	// eventAge is the age up to which events matter.
	eventAge = time.Hour
	// eventTimeout and maxEvents bound the list of events, and maxShown the shown part of it.
	eventTimeout = 20 * time.Second
	maxEvents    = 1000
	maxShown     = 5

	replicaSet = "ReplicaSet"
)

func checkTheEvents(ctx context.Context, c *cluster.Cluster, name string, pods []corev1.Pod, now time.Time) (doctor.Check, error) {
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

	return diagnoseEvents(list.Items, newObjects(name, pods, replicaSets(ctx, c, name)), now), nil
}

// replicaSets returns the names of the ReplicaSets of a resource, or none if the user may not see them.
func replicaSets(ctx context.Context, c *cluster.Cluster, name string) []string {
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(schema.GroupVersionKind{
		Group:   "apps",
		Version: "v1",
		Kind:    replicaSet + "List",
	})

	err := c.Client().List(ctx, list, client.InNamespace(c.Namespace),
		client.MatchingLabels(resources.SelectorLabels(resources.Name(name))))
	if err != nil {
		return nil // the owners of the pods have to do
	}

	names := make([]string, 0, len(list.Items))
	for i := range list.Items {
		names = append(names, list.Items[i].Name)
	}

	return names
}

// objects are what events of a resource are about.
type objects struct {
	rendered    []string // the resource and the objects that the operator makes of it
	pods        []string
	replicaSets []string
}

// newObjects returns the objects of a resource. The owners of its pods are ReplicaSets of it too.
func newObjects(name string, pods []corev1.Pod, replicaSets []string) objects {
	o := objects{rendered: append(resources.Names(name), name), replicaSets: replicaSets}

	for i := range pods {
		o.pods = append(o.pods, pods[i].Name)

		for _, owner := range pods[i].OwnerReferences {
			if owner.Kind == replicaSet {
				o.replicaSets = append(o.replicaSets, owner.Name)
			}
		}
	}

	return o
}

// has reports whether an object is one of the resource. The names of others may begin with its name: those of the pods of
// "sales-eu" begin with "sales".
func (o objects) has(object corev1.ObjectReference) bool {
	switch object.Kind {
	case "Pod":
		isOfReplicaSet := func(owner string) bool { return isGenerated(object.Name, owner+"-") }

		return slices.Contains(o.pods, object.Name) || slices.ContainsFunc(o.replicaSets, isOfReplicaSet)
	case replicaSet:
		return slices.Contains(o.replicaSets, object.Name)
	default:
		return slices.Contains(o.rendered, object.Name)
	}
}

// isGenerated reports whether the API server may have made a name from metadata.generateName. So pods that have gone are found.
func isGenerated(name, base string) bool {
	const (
		random  = 5
		longest = 63 - random
	)

	suffix, ok := strings.CutPrefix(name, base[:min(len(base), longest)])

	return ok && len(suffix) == random && !strings.Contains(suffix, "-")
}

// diagnoseEvents names the warnings about the objects of a resource, each reason once, the newest first.
func diagnoseEvents(events []corev1.Event, of objects, now time.Time) doctor.Check {
	slices.SortFunc(events, func(a, b corev1.Event) int { return lastSeen(b).Compare(lastSeen(a)) })

	var all []string

	reasons := map[string]bool{}

	for _, event := range events {
		object := event.InvolvedObject
		if !of.has(object) || now.Sub(lastSeen(event)) > eventAge || reasons[event.Reason] {
			continue
		}

		reasons[event.Reason] = true
		all = append(all, fmt.Sprintf("%s %s: %s%s", object.Kind, object.Name, event.Reason, shown(event.Message)))
	}

	if len(all) == 0 {
		return result(checkEvents, doctor.OK, "no warnings", "")
	}

	return result(checkEvents, doctor.Warning, strings.Join(all[:min(len(all), maxShown)], "\n"),
		"Fix the causes that the events name. An event stays listed for an hour after its cause is fixed.")
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
