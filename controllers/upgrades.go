// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/go-logr/logr"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
)

// upgrades limits how many receivers an upgrade of the operator replaces at the same time. An upgrade changes the rendered pods
// of an unchanged resource. An unavailable receiver needs no slot. While an upgraded receiver does not become ready, no other
// upgrade begins.
//
// The Deployments record what they were rendered from, so that a restart of the operator loses nothing.
type upgrades struct {
	limit int // 0 for none
	log   logr.Logger
	// enqueue requests a reconciliation of a resource that waited.
	enqueue func(types.NamespacedName)

	loading sync.Mutex
	loaded  bool

	mu      sync.Mutex
	running map[types.NamespacedName]*replacement
	waiting []types.NamespacedName // in the order of their arrival
}

// replacement is a receiver that an upgrade is replacing.
type replacement struct{ failed bool }

func newUpgrades(limit int, log logr.Logger, enqueue func(types.NamespacedName)) *upgrades {
	return &upgrades{
		limit:   limit,
		log:     log,
		enqueue: enqueue,
		running: map[types.NamespacedName]*replacement{},
	}
}

// begin decides whether the rendering may replace the pods of the live Deployment, which is nil if there is none. It
// returns the rendering to record.
func (u *upgrades) begin(resource types.NamespacedName, next rendering, live *appsv1.Deployment) (rendering, bool) {
	if live == nil {
		return next, true
	}

	last := renderingOf(live)

	switch {
	case last.hash == next.hash:
		next.upgrade = last.upgrade && !upgraded(live)
	case last.hash != "" && last.generation != next.generation: // the resource changed
	case live.Status.AvailableReplicas == 0:
	default:
		next.upgrade = true

		return next, u.take(resource)
	}

	return next, true
}

// take reports whether the resource has a slot. If not, it waits for one.
func (u *upgrades) take(resource types.NamespacedName) bool {
	u.mu.Lock()
	defer u.mu.Unlock()

	switch {
	case u.running[resource] != nil:
		return true
	case u.free() > 0:
		u.running[resource] = &replacement{}
		u.leave(resource)

		return true
	}

	if !slices.Contains(u.waiting, resource) {
		u.waiting = append(u.waiting, resource)
	}

	return false
}

// free returns how many upgrades may begin.
func (u *upgrades) free() int {
	switch {
	case u.limit == 0:
		return len(u.waiting) + 1
	case u.halted():
		return 0
	default:
		return max(u.limit-len(u.running), 0)
	}
}

func (u *upgrades) halted() bool {
	for _, r := range u.running {
		if r.failed {
			return true
		}
	}

	return false
}

// leave removes a resource from the waiting ones.
func (u *upgrades) leave(resource types.NamespacedName) {
	u.waiting = slices.DeleteFunc(u.waiting, func(other types.NamespacedName) bool { return other == resource })
}

// update records the state of a Deployment that was not held back, or nil if the resource has none, is gone, or is not
// upgraded as it is. It frees the slot of a complete upgrade. It reports whether the upgrade has failed since the last call.
func (u *upgrades) update(resource types.NamespacedName, deployment *appsv1.Deployment) (failed bool) {
	u.mu.Lock()
	halted := u.halted()

	waited := slices.Contains(u.waiting, resource)
	u.leave(resource)

	before := u.running[resource]
	delete(u.running, resource)

	if deployment != nil && renderingOf(deployment).upgrade && !rolledOut(deployment) {
		u.running[resource] = &replacement{failed: exceededDeadline(deployment)}
	}

	failed = u.running[resource] != nil && u.running[resource].failed && (before == nil || !before.failed)
	freed := waited || before != nil && u.running[resource] == nil

	waiting := len(u.waiting)

	var woken []types.NamespacedName

	switch {
	case halted != u.halted(): // their messages change
		woken = slices.Clone(u.waiting)
	case freed:
		woken = slices.Clone(u.waiting[:min(u.free(), len(u.waiting))])
	}
	u.mu.Unlock()

	if failed {
		u.log.Error(nil, "a receiver did not become ready after an upgrade of the operator; the others wait",
			"namespace", resource.Namespace,
			"name", resource.Name,
			"waiting", waiting)
	}

	for _, other := range woken {
		u.enqueue(other)
	}

	return failed
}

// explain returns what the status of a resource says of its upgrade.
func (u *upgrades) explain(resource types.NamespacedName) string {
	u.mu.Lock()
	defer u.mu.Unlock()

	r := u.running[resource]

	switch {
	case r != nil && r.failed:
		return "upgrades of other receivers wait until this one is ready, suspended or scaled to 0"
	case !slices.Contains(u.waiting, resource):
		return ""
	case u.halted():
		return "its upgrade to this version of the operator waits, since another receiver did not become ready after its upgrade"
	default:
		return "its upgrade to this version of the operator waits for those of other receivers"
	}
}

// count returns the number of upgrades in each state.
func (u *upgrades) count() (waiting, inProgress, failed int) {
	u.mu.Lock()
	defer u.mu.Unlock()

	for _, r := range u.running {
		if r.failed {
			failed++
		} else {
			inProgress++
		}
	}

	return len(u.waiting), inProgress, failed
}

// load finds the upgrades that a previous manager began. After the first success it does nothing.
func (u *upgrades) load(ctx context.Context, reader client.Reader) error {
	u.loading.Lock()
	defer u.loading.Unlock()

	if u.loaded {
		return nil
	}

	webhooks := &v1alpha1.WhatsAppWebhookList{}
	if err := reader.List(ctx, webhooks); err != nil {
		return fmt.Errorf("list WhatsAppWebhooks: %w", err)
	}

	for i := range webhooks.Items {
		resource := client.ObjectKeyFromObject(&webhooks.Items[i])

		deployment, err := ownedDeployment(ctx, reader, &webhooks.Items[i])
		if err != nil {
			return err
		}

		if deployment != nil {
			u.update(resource, deployment)
		}
	}

	u.loaded = true

	return nil
}

// ownedDeployment returns the Deployment of a resource as it is cached, or nil if the resource has none.
func ownedDeployment(ctx context.Context, reader client.Reader, webhook *v1alpha1.WhatsAppWebhook) (*appsv1.Deployment, error) {
	deployment := &appsv1.Deployment{}

	key := client.ObjectKey{Namespace: webhook.Namespace, Name: resources.Name(webhook.Name)}
	if err := reader.Get(ctx, key, deployment); err != nil {
		return nil, client.IgnoreNotFound(err)
	}

	if !metav1.IsControlledBy(deployment, webhook) {
		return nil, nil
	}

	return deployment, nil
}

// rolledOut reports whether all pods have been replaced and were available then, or none are wanted.
func rolledOut(d *appsv1.Deployment) bool {
	wanted := wantedReplicas(d)
	status := d.Status
	replaced := status.ObservedGeneration >= d.Generation && status.UpdatedReplicas >= wanted && status.Replicas <= status.UpdatedReplicas
	available := status.AvailableReplicas >= wanted ||
		deploymentCondition(d, appsv1.DeploymentProgressing).Reason == "NewReplicaSetAvailable"

	return wanted == 0 || replaced && available
}

// upgraded reports whether the upgrade of a Deployment is complete. What replaces its pods later, such as kubectl rollout
// restart, is not a part of the upgrade. Without pods it is not known whether the new version works.
func upgraded(d *appsv1.Deployment) bool { return rolledOut(d) && wantedReplicas(d) > 0 }

func exceededDeadline(d *appsv1.Deployment) bool {
	return d.Status.ObservedGeneration >= d.Generation &&
		deploymentCondition(d, appsv1.DeploymentProgressing).Reason == "ProgressDeadlineExceeded"
}
