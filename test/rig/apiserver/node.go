// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"context"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// StartNode plays a node until the test ends: it reports every pod as ready, and provides a volume for every claim. With
// [Server.StartControllerManager], Deployments become available and claims are bound.
func (s *Server) StartNode(t *testing.T) {
	t.Helper()

	ctx, cancel := context.WithCancel(t.Context())

	var running sync.WaitGroup

	running.Go(func() {
		for ctx.Err() == nil {
			if err := s.runPods(ctx); err != nil && ctx.Err() == nil {
				t.Errorf("play a node: %v", err)
				return
			}

			if err := s.provideVolumes(ctx); err != nil && ctx.Err() == nil {
				t.Errorf("play a provisioner: %v", err)
				return
			}

			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond):
			}
		}
	})

	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
}

// runPods reports pods that are not running as ready, and ends deleted ones, as the kubelet does.
func (s *Server) runPods(ctx context.Context) error {
	pods := &corev1.PodList{}
	if err := s.List(ctx, pods); err != nil {
		return err
	}

	for _, pod := range pods.Items {
		var err error

		switch {
		case pod.DeletionTimestamp != nil:
			err = s.Delete(ctx, &pod, client.GracePeriodSeconds(0))
		case pod.Status.Phase != corev1.PodRunning:
			pod.Status.Phase = corev1.PodRunning
			pod.Status.Conditions = []corev1.PodCondition{{
				Type:               corev1.PodReady,
				Status:             corev1.ConditionTrue,
				LastTransitionTime: metav1.Now(),
			}}
			err = s.Status().Update(ctx, &pod)
		}

		if err != nil && !apierrors.IsConflict(err) && !apierrors.IsNotFound(err) {
			return err
		}
	}

	return nil
}

// provideVolumes creates a volume for every claim that has none. kube-controller-manager binds the two.
func (s *Server) provideVolumes(ctx context.Context) error {
	claims := &corev1.PersistentVolumeClaimList{}
	if err := s.List(ctx, claims); err != nil {
		return err
	}

	for _, claim := range claims.Items {
		if claim.Spec.VolumeName != "" || claim.Status.Phase == corev1.ClaimBound {
			continue
		}

		volume := &corev1.PersistentVolume{
			ObjectMeta: metav1.ObjectMeta{Name: "of-" + string(claim.UID)},
			Spec: corev1.PersistentVolumeSpec{
				AccessModes: claim.Spec.AccessModes,
				Capacity:    claim.Spec.Resources.Requests,
				ClaimRef: &corev1.ObjectReference{
					Namespace: claim.Namespace,
					Name:      claim.Name,
					UID:       claim.UID,
				},
				PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimRetain,
				PersistentVolumeSource: corev1.PersistentVolumeSource{
					HostPath: &corev1.HostPathVolumeSource{Path: "/nonexistent"},
				},
			},
		}
		if claim.Spec.StorageClassName != nil {
			volume.Spec.StorageClassName = *claim.Spec.StorageClassName
		}

		if err := s.Create(ctx, volume); err != nil && !apierrors.IsAlreadyExists(err) {
			return err
		}
	}

	return nil
}
