// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/apiserver"
)

// TestDeletedCRDLeavesRetainedVolumes deletes the CustomResourceDefinition, and with it every resource. A real garbage
// collector deletes what the resources own. The claim of the one with whenDeleted Retain stays, and a new resource of that name
// goes on with it.
func TestDeletedCRDLeavesRetainedVolumes(t *testing.T) {
	const (
		namespace = "volumes"
		team      = "volumes-team"
	)

	testCluster.StartControllerManager(t)
	testCluster.StartNode(t)

	for _, name := range []string{namespace, team} {
		testCluster.MustCreate(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})
	}

	retained := sample(t, team)
	retained.SetName("retained")

	if err := unstructured.SetNestedField(retained.Object, "Retain", "spec", "store", "embedded", "whenDeleted"); err != nil {
		t.Fatal(err)
	}

	owned := sample(t, team)
	owned.SetName("owned")

	helm4.run(t, "install", release, chart, "--namespace="+namespace)
	t.Cleanup(func() { removeCRD(t) })
	t.Cleanup(func() { helm4.run(t, "uninstall", release, "--namespace="+namespace) })

	first := sample(t, team)
	first.SetName("first")

	for _, webhook := range []*object{retained, owned, first} {
		apiserver.Eventually(t, func() error { return testCluster.Create(t.Context(), webhook.DeepCopy()) })
	}

	startManager(t, client.ObjectKey{Namespace: namespace, Name: release + "-manager"})
	apiserver.Eventually(t, func() error { return areBound(t, team, "retained-store", "owned-store", "first-store") })

	// The garbage collector discovers a new kind within half a minute. It cannot look up an owner of a kind that is gone.
	if err := testCluster.Delete(t.Context(), first); err != nil {
		t.Fatal(err)
	}

	apiserver.Eventually(t, func() error { return areGone(t, team, "first") })

	before := get(t, "v1", "PersistentVolumeClaim", team, "retained-store").GetUID()

	removeCRD(t)
	apiserver.Eventually(t, func() error { return areGone(t, team, "retained", "owned") })
	apiserver.Eventually(t, func() error {
		if find(t, "v1", "PersistentVolumeClaim", team, "owned-store") != nil {
			return errors.New("the claim owned-store still exists")
		}

		return nil
	})

	claim := get(t, "v1", "PersistentVolumeClaim", team, "retained-store")
	if claim.GetUID() != before || claim.GetDeletionTimestamp() != nil {
		t.Fatalf("the retained claim is %s, deleted at %s; want %s", claim.GetUID(), claim.GetDeletionTimestamp(), before)
	}

	helm4.run(t, "upgrade", release, chart, "--namespace="+namespace)
	apiserver.Eventually(t, func() error { return testCluster.Create(t.Context(), retained.DeepCopy()) })
	apiserver.Eventually(t, func() error {
		if find(t, "apps/v1", "Deployment", team, "retained") == nil {
			return errors.New("the Deployment does not exist")
		}

		return nil
	})

	if after := get(t, "v1", "PersistentVolumeClaim", team, "retained-store").GetUID(); after != before {
		t.Errorf("the claim is %s, want %s", after, before)
	}
}

// areGone returns an error while the Deployment of a resource exists.
func areGone(t *testing.T, namespace string, names ...string) error {
	t.Helper()

	for _, name := range names {
		if find(t, "apps/v1", "Deployment", namespace, name) != nil {
			return fmt.Errorf("the Deployment %s still exists", name)
		}
	}

	return nil
}

// areBound returns an error unless each claim is bound to a volume.
func areBound(t *testing.T, namespace string, names ...string) error {
	t.Helper()

	var unbound []string

	for _, name := range names {
		claim := find(t, "v1", "PersistentVolumeClaim", namespace, name)
		if claim == nil {
			unbound = append(unbound, name)

			continue
		}

		if phase, _, _ := unstructured.NestedString(claim.Object, "status", "phase"); phase != string(corev1.ClaimBound) {
			unbound = append(unbound, name)
		}
	}

	if len(unbound) > 0 {
		return fmt.Errorf("%s are not bound", strings.Join(unbound, ", "))
	}

	return nil
}
