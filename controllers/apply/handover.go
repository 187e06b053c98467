// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// FieldOwnerReplicas is the field manager that holds the replicas of a Deployment until another manager sets them.
const FieldOwnerReplicas = FieldOwner + "-replicas"

// HandOverReplicas preserves the replicas of a Deployment before [Applier.Apply] stops setting them. A field returns to its
// default when its last owner drops it. This would end all pods but one as soon as the spec leaves the number to others. It
// does nothing if another manager owns the field too, or if the operator does not own it. A 0 of the operator's is the pause
// that ends when the spec no longer asks for it: the field returns to 1, from which an autoscaler goes on. It never leaves
// 0.
//
// https://kubernetes.io/docs/reference/using-api/server-side-apply/#transferring-ownership
func (a *Applier) HandOverReplicas(ctx context.Context, deployment client.ObjectKey) error {
	cached := &appsv1.Deployment{}
	if err := a.client.Get(ctx, deployment, cached); err != nil {
		return client.IgnoreNotFound(err)
	}

	ours := func(entry metav1.ManagedFieldsEntry) bool {
		return entry.Manager == FieldOwner && ownsSpec(entry, "replicas")
	}
	if !slices.ContainsFunc(cached.ManagedFields, ours) {
		return nil
	}

	live := &appsv1.Deployment{} // the cache strips other managers
	if err := a.live.Get(ctx, deployment, live); err != nil {
		return fmt.Errorf("read the owners of replicas: %w", err)
	}

	others := func(entry metav1.ManagedFieldsEntry) bool {
		return entry.Manager != FieldOwner && ownsSpec(entry, "replicas")
	}
	if slices.ContainsFunc(live.ManagedFields, others) {
		return nil
	}

	if *live.Spec.Replicas == 0 {
		return nil
	}

	held := appsv1ac.Deployment(live.Name, live.Namespace).
		WithUID(live.UID).
		WithSpec(appsv1ac.DeploymentSpec().WithReplicas(*live.Spec.Replicas))
	if err := a.client.Apply(ctx, held, client.FieldOwner(FieldOwnerReplicas), client.ForceOwnership); err != nil {
		return fmt.Errorf("preserve the replicas: %w", err)
	}

	return nil
}

// OwnsSpec reports whether the operator has applied a field of the object's spec, such as replicas.
func OwnsSpec(object client.Object, field string) bool {
	return object != nil && slices.ContainsFunc(object.GetManagedFields(), func(entry metav1.ManagedFieldsEntry) bool {
		return isOurs(entry) && ownsSpec(entry, field)
	})
}

func ownsSpec(entry metav1.ManagedFieldsEntry, field string) bool {
	var fields struct {
		Spec map[string]json.RawMessage `json:"f:spec"`
	}
	if entry.FieldsV1 == nil || json.Unmarshal(entry.FieldsV1.GetRawBytes(), &fields) != nil {
		return false
	}

	_, owned := fields.Spec["f:"+field]

	return owned
}
