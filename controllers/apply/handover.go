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

// FieldOwnerReplicas is the name under which the replicas of a Deployment are held for an autoscaler to take over.
const FieldOwnerReplicas = FieldOwner + "-replicas"

// HandOverReplicas has a Deployment keep its replicas when [Applier.Apply] is about to give them up: a field that its
// last owner gives up falls back to its default, which would take all pods but one away at the moment an autoscaler is
// switched on. It does nothing where somebody else owns the field, or we do not.
//
// https://kubernetes.io/docs/reference/using-api/server-side-apply/#transferring-ownership
func (a *Applier) HandOverReplicas(ctx context.Context, deployment client.ObjectKey) error {
	cached := &appsv1.Deployment{}
	if err := a.client.Get(ctx, deployment, cached); err != nil {
		return client.IgnoreNotFound(err)
	}

	if !slices.ContainsFunc(cached.ManagedFields, func(entry metav1.ManagedFieldsEntry) bool { return entry.Manager == FieldOwner && ownsReplicas(entry) }) {
		return nil
	}

	live := &appsv1.Deployment{} // the cache knows of no other owners
	if err := a.live.Get(ctx, deployment, live); err != nil {
		return fmt.Errorf("read the owners of replicas: %w", err)
	}

	if slices.ContainsFunc(live.ManagedFields, func(entry metav1.ManagedFieldsEntry) bool { return entry.Manager != FieldOwner && ownsReplicas(entry) }) {
		return nil
	}

	held := appsv1ac.Deployment(live.Name, live.Namespace).
		WithUID(live.UID).
		WithSpec(appsv1ac.DeploymentSpec().WithReplicas(*live.Spec.Replicas))
	if err := a.client.Apply(ctx, held, client.FieldOwner(FieldOwnerReplicas), client.ForceOwnership); err != nil {
		return fmt.Errorf("hold the replicas for the autoscaler: %w", err)
	}

	return nil
}

func ownsReplicas(entry metav1.ManagedFieldsEntry) bool {
	var fields struct {
		Spec struct {
			Replicas *struct{} `json:"f:replicas"`
		} `json:"f:spec"`
	}

	return entry.FieldsV1 != nil && json.Unmarshal(entry.FieldsV1.GetRawBytes(), &fields) == nil && fields.Spec.Replicas != nil
}
