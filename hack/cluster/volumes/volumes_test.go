// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package volumes

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
)

const provisioner = "example.com/folders"

func claim(change func(*corev1.PersistentVolumeClaim)) *corev1.PersistentVolumeClaim {
	c := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:   "sales",
			Name:        "data",
			UID:         "1234",
			Annotations: map[string]string{provisionerOfClaim: provisioner, selectedNode: "node"},
		},
		Spec: corev1.PersistentVolumeClaimSpec{
			StorageClassName: new("standard"),
			AccessModes:      []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources:        corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
		},
	}
	change(c)

	return c
}

func TestProvision(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*corev1.PersistentVolumeClaim)
		want   bool
	}{
		"pod scheduled":     {func(*corev1.PersistentVolumeClaim) {}, true},
		"no pod yet":        {func(c *corev1.PersistentVolumeClaim) { delete(c.Annotations, selectedNode) }, false},
		"other provisioner": {func(c *corev1.PersistentVolumeClaim) { c.Annotations[provisionerOfClaim] = "example.com/disks" }, false},
		"bound":             {func(c *corev1.PersistentVolumeClaim) { c.Spec.VolumeName = "pv" }, false},
	} {
		t.Run(name, func(t *testing.T) {
			p := &Provisioner{
				Name:   provisioner,
				Folder: t.TempDir(),
				client: fake.NewFakeClient(),
			}
			for range 2 { // the second call finds the volume
				if err := p.provision(t.Context(), claim(test.change)); err != nil {
					t.Fatal(err)
				}
			}

			var volume corev1.PersistentVolume

			err := p.client.Get(t.Context(), client.ObjectKey{Name: "pvc-1234"}, &volume)
			if !test.want {
				if !apierrors.IsNotFound(err) {
					t.Errorf("a volume was created: %v", err)
				}

				return
			}

			if err != nil {
				t.Fatal(err)
			}

			path := volume.Spec.Local.Path
			if info, err := os.Stat(path); err != nil || !info.IsDir() || filepath.Dir(path) != p.Folder {
				t.Errorf("the volume's folder %s: %v", path, err)
			}

			if volume.Spec.ClaimRef.UID != "1234" || volume.Spec.StorageClassName != "standard" || volume.Spec.Capacity.Storage().String() != "1Gi" {
				t.Errorf("%+v", volume.Spec)
			}
		})
	}
}

func TestRemove(t *testing.T) {
	for name, test := range map[string]struct {
		by      string
		phase   corev1.PersistentVolumePhase
		policy  corev1.PersistentVolumeReclaimPolicy
		removed bool
	}{
		"released":          {provisioner, corev1.VolumeReleased, corev1.PersistentVolumeReclaimDelete, true},
		"in use":            {provisioner, corev1.VolumeBound, corev1.PersistentVolumeReclaimDelete, false},
		"retained":          {provisioner, corev1.VolumeReleased, corev1.PersistentVolumeReclaimRetain, false},
		"other provisioner": {"example.com/disks", corev1.VolumeReleased, corev1.PersistentVolumeReclaimDelete, false},
	} {
		t.Run(name, func(t *testing.T) {
			volume := &corev1.PersistentVolume{
				ObjectMeta: metav1.ObjectMeta{Name: "pv", Annotations: map[string]string{provisionerOfVolume: test.by}},
				Spec:       corev1.PersistentVolumeSpec{PersistentVolumeReclaimPolicy: test.policy},
				Status:     corev1.PersistentVolumeStatus{Phase: test.phase},
			}
			p := &Provisioner{
				Name:   provisioner,
				Folder: t.TempDir(),
				client: fake.NewFakeClient(volume),
			}

			data := filepath.Join(p.Folder, volume.Name)
			if err := os.Mkdir(data, 0o700); err != nil {
				t.Fatal(err)
			}

			if err := p.remove(t.Context(), volume); err != nil {
				t.Fatal(err)
			}

			_, statErr := os.Stat(data)

			getErr := p.client.Get(t.Context(), client.ObjectKeyFromObject(volume), &corev1.PersistentVolume{})
			if gone := errors.Is(statErr, os.ErrNotExist); gone != test.removed || apierrors.IsNotFound(getErr) != test.removed {
				t.Errorf("data gone: %t, volume: %v; want removed %t", gone, getErr, test.removed)
			}
		})
	}
}
