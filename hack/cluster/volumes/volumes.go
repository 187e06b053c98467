// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package volumes provisions PersistentVolumes in folders of a single node. They are local volumes, because kubelet applies a
// pod's fsGroup to those as to disks, but not to a hostPath.
package volumes

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// Annotations that the volume controller and the scheduler write for an external provisioner
// (https://github.com/kubernetes/design-proposals-archive/blob/main/storage/container-storage-interface.md).
const (
	provisionerOfClaim  = "volume.kubernetes.io/storage-provisioner"
	selectedNode        = "volume.kubernetes.io/selected-node"
	provisionerOfVolume = "pv.kubernetes.io/provisioned-by"
)

// Provisioner creates a folder for each claim of its StorageClass that a pod uses, and removes it with the claim.
type Provisioner struct {
	// Name is the provisioner of the StorageClass.
	Name string
	// Folder holds the volumes.
	Folder string

	client client.Client
}

// handler is a Reconciler that requeues on errors only.
type handler[T client.Object] func(context.Context, T) error

// Reconcile calls the function.
func (h handler[T]) Reconcile(ctx context.Context, object T) (reconcile.Result, error) {
	return reconcile.Result{}, h(ctx, object)
}

// Run provisions until the context ends.
func (p *Provisioner) Run(ctx context.Context, config *rest.Config) error {
	manager, err := ctrl.NewManager(config, ctrl.Options{Metrics: server.Options{BindAddress: "0"}})
	if err != nil {
		return fmt.Errorf("create the manager: %w", err)
	}

	p.client = manager.GetClient()

	claims := reconcile.AsReconciler(p.client, handler[*corev1.PersistentVolumeClaim](p.provision))
	volumes := reconcile.AsReconciler(p.client, handler[*corev1.PersistentVolume](p.remove))

	err = errors.Join(
		ctrl.NewControllerManagedBy(manager).For(&corev1.PersistentVolumeClaim{}).Complete(claims),
		ctrl.NewControllerManagedBy(manager).For(&corev1.PersistentVolume{}).Complete(volumes),
	)
	if err != nil {
		return err
	}

	return manager.Start(ctx)
}

// provision creates the volume of a claim whose pod has been scheduled.
func (p *Provisioner) provision(ctx context.Context, claim *corev1.PersistentVolumeClaim) error {
	node := claim.Annotations[selectedNode]
	if claim.Spec.VolumeName != "" || claim.Annotations[provisionerOfClaim] != p.Name || node == "" {
		return nil
	}

	name := "pvc-" + string(claim.UID)

	path := filepath.Join(p.Folder, name)
	if err := os.MkdirAll(path, 0o750); err != nil {
		return fmt.Errorf("create the folder of %s: %w", name, err)
	}

	volume := &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: map[string]string{provisionerOfVolume: p.Name}},
		Spec: corev1.PersistentVolumeSpec{
			AccessModes: claim.Spec.AccessModes,
			Capacity:    corev1.ResourceList{corev1.ResourceStorage: claim.Spec.Resources.Requests[corev1.ResourceStorage]},
			ClaimRef: &corev1.ObjectReference{
				Kind:       "PersistentVolumeClaim",
				APIVersion: "v1",
				Namespace:  claim.Namespace,
				Name:       claim.Name,
				UID:        claim.UID,
			},
			PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimDelete,
			PersistentVolumeSource:        corev1.PersistentVolumeSource{Local: &corev1.LocalVolumeSource{Path: path}},
			NodeAffinity: &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
				MatchExpressions: []corev1.NodeSelectorRequirement{{
					Key:      corev1.LabelHostname,
					Operator: corev1.NodeSelectorOpIn,
					Values:   []string{node},
				}},
			}}}},
		},
	}
	if claim.Spec.StorageClassName != nil {
		volume.Spec.StorageClassName = *claim.Spec.StorageClassName
	}

	if err := p.client.Create(ctx, volume); err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("create the volume %s: %w", name, err)
	}

	return nil
}

// remove removes a volume whose claim was deleted, with its data.
func (p *Provisioner) remove(ctx context.Context, volume *corev1.PersistentVolume) error {
	ours := volume.Annotations[provisionerOfVolume] == p.Name
	released := volume.Status.Phase == corev1.VolumeReleased

	if !ours || !released || volume.Spec.PersistentVolumeReclaimPolicy != corev1.PersistentVolumeReclaimDelete {
		return nil
	}

	if err := os.RemoveAll(filepath.Join(p.Folder, volume.Name)); err != nil {
		return fmt.Errorf("remove the data of %s: %w", volume.Name, err)
	}

	return client.IgnoreNotFound(p.client.Delete(ctx, volume))
}
