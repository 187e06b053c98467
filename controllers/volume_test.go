// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jonboulle/clockwork"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/apply"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/apiserver"
)

// labelWhenDeleted is the label by which people find the claims that stayed.
const labelWhenDeleted = "whatsapp.wawebhook.dev/when-deleted"

// wantClaim returns a check of who owns the claim of the resource: it, or none if the claim is retained.
func wantClaim(t *testing.T, webhook *v1alpha1.WhatsAppWebhook, claim *corev1.PersistentVolumeClaim, retained bool) func() error {
	t.Helper()

	return func() error {
		if err := testCluster.Get(t.Context(), client.ObjectKeyFromObject(claim), claim); err != nil {
			return err
		}

		label := ""
		if retained {
			label = "Retain"
		}

		return errors.Join(
			want(metav1.IsControlledBy(claim, webhook), !retained),
			want(len(claim.OwnerReferences) == 0, retained),
			want(claim.Labels[labelWhenDeleted], label),
			want(claim.Labels["app.kubernetes.io/instance"], webhook.Name),
		)
	}
}

// TestRetainedVolume deletes a resource whose volume is retained, and creates it again.
func TestRetainedVolume(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(testCluster.NewNamespace(t), "sales")
	retain(v1alpha1.WhenDeletedRetain)(webhook)
	testCluster.MustCreate(t, webhook)

	claim := claim(webhook.Namespace, "sales-store", "10Gi")
	apiserver.Eventually(t, wantClaim(t, webhook, claim, true))
	waitUntilSettled(t, webhook)

	before := claim.UID

	deleteWithObjects(t, webhook)

	again := newWebhook(webhook.Namespace, "sales")
	retain(v1alpha1.WhenDeletedRetain)(again)
	testCluster.MustCreate(t, again)
	apiserver.Eventually(t, wantMounted(t, again, "sales-store"))
	apiserver.Eventually(t, wantConditions(t, again, progressing(nil)))
	apiserver.Eventually(t, wantClaim(t, again, claim, true))

	if claim.UID != before {
		t.Error("the claim was replaced")
	}

	// Its events reach the resource, although it has no owner.
	waitUntilSettled(t, again)
	change(t, claim, func(c *corev1.PersistentVolumeClaim) { delete(c.Labels, "app.kubernetes.io/instance") })
	apiserver.Eventually(t, wantClaim(t, again, claim, true))
}

func retain(wanted v1alpha1.WhenDeleted) func(*v1alpha1.WhatsAppWebhook) {
	return func(w *v1alpha1.WhatsAppWebhook) {
		w.Spec.Store.Embedded = &v1alpha1.EmbeddedStore{WhenDeleted: wanted}
	}
}

// TestWhenDeletedChanges applies a claim with the rights of an administrator: this API server lets only those who may delete
// an object change its owner.
func TestWhenDeletedChanges(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(testCluster.NewNamespace(t), "sales") // never stored, so the manager does not reconcile it
	webhook.UID = "b7a4f1a0-4f2c-4f57-9d1e-5f0f7b1a9a11"

	stored := claim(webhook.Namespace, "sales-store", "10Gi")
	for _, wanted := range []v1alpha1.WhenDeleted{"", "Retain", "Delete", "Retain", ""} {
		retain(wanted)(webhook)

		// An applier without a memory is that of an operator that has just started.
		applier := apply.New(testCluster.Client, testCluster.Client, clockwork.NewRealClock(), typedKinds()...)
		if _, err := applyWith(t, applier, webhook, rendered(t, webhook, "PersistentVolumeClaim", "sales-store")); err != nil {
			t.Fatal(err)
		}

		before := stored.UID
		if err := wantClaim(t, webhook, stored, wanted == v1alpha1.WhenDeletedRetain)(); err != nil {
			t.Fatalf("whenDeleted %q: %v", wanted, err)
		}

		if before != "" && stored.UID != before {
			t.Fatal("the claim was replaced")
		}
	}
}

// deleteWithObjects deletes the resource and all objects that it owns: garbage collection does not run here.
func deleteWithObjects(t *testing.T, webhook *v1alpha1.WhatsAppWebhook) {
	t.Helper()

	owned := children(t, webhook)

	if err := testCluster.Delete(t.Context(), webhook); err != nil {
		t.Fatal(err)
	}

	waitUntilForgotten(t, webhook)

	for _, object := range owned {
		if err := testCluster.Delete(t.Context(), object); err != nil {
			t.Fatal(err)
		}

		release(t, object)
	}
}

func useClaim(name string) func(*v1alpha1.WhatsAppWebhook) {
	return func(w *v1alpha1.WhatsAppWebhook) {
		w.Spec.Store.Embedded = &v1alpha1.EmbeddedStore{ExistingClaim: name}
	}
}

// deploymentOf returns the Deployment of the resource, and nil if there is none.
func deploymentOf(t *testing.T, webhook *v1alpha1.WhatsAppWebhook) *appsv1.Deployment {
	t.Helper()

	deployment := &appsv1.Deployment{ObjectMeta: named(webhook, webhook.Name)}

	err := testCluster.Get(t.Context(), client.ObjectKeyFromObject(deployment), deployment)
	if apierrors.IsNotFound(err) {
		return nil
	}

	if err != nil {
		t.Fatal(err)
	}

	return deployment
}

func wantMounted(t *testing.T, webhook *v1alpha1.WhatsAppWebhook, claim string) func() error {
	t.Helper()

	return func() error {
		deployment := deploymentOf(t, webhook)

		return want(deployment != nil && mounts(deployment, claim), true)
	}
}

func TestExistingClaim(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(testCluster.NewNamespace(t), "sales")
	useClaim("data")(webhook)
	testCluster.MustCreate(t, webhook)
	apiserver.Eventually(t, wantConditions(t, webhook, stalled("ClaimMissing", nil)))
	wantMessage(t, webhook, "PersistentVolumeClaim data of store.embedded.existingClaim does not exist; create it")

	if deploymentOf(t, webhook) != nil {
		t.Error("a Deployment was created")
	}

	data := claim(webhook.Namespace, "data", "1Gi")
	testCluster.MustCreate(t, data)

	before := data.DeepCopy()

	apiserver.Eventually(t, wantMounted(t, webhook, "data"))
	apiserver.Eventually(t, wantConditions(t, webhook, progressing(nil)))
	waitUntilSettled(t, webhook)

	if diff := cmp.Diff(before, apiserver.MustGet(t, testCluster.Server, data)); diff != "" {
		t.Errorf("the claim was changed (-before +after):\n%s", diff)
	}

	own := claim(webhook.Namespace, "sales-store", "1Gi")
	if err := testCluster.Get(t.Context(), client.ObjectKeyFromObject(own), own); !apierrors.IsNotFound(err) {
		t.Errorf("the operator created a claim too: %v", err)
	}
}

// TestClaimOfBackups lets a running resource name a claim for its copies that does not exist. Its Deployment stays as it is until
// the claim does.
func TestClaimOfBackups(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(testCluster.NewNamespace(t), "sales")
	testCluster.MustCreate(t, webhook)
	apiserver.Eventually(t, wantMounted(t, webhook, "sales-store"))
	waitUntilSettled(t, webhook)

	change(t, webhook, func(w *v1alpha1.WhatsAppWebhook) {
		w.Spec.Store.Embedded = &v1alpha1.EmbeddedStore{Backup: v1alpha1.StoreBackup{
			Schedule: "@daily",
			Restore:  "Newest",
			Volume:   v1alpha1.BackupVolume{ExistingClaim: "copies"},
		}}
	})
	apiserver.Eventually(t, wantConditions(t, webhook, stalled("ClaimMissing", nil)))
	wantMessage(t, webhook, "PersistentVolumeClaim copies of store.embedded.backup.volume.existingClaim does not exist; create it")

	if mounts(deploymentOf(t, webhook), "copies") {
		t.Error("the Deployment waits for the claim")
	}

	testCluster.MustCreate(t, claim(webhook.Namespace, "copies", "1Gi"))
	apiserver.Eventually(t, wantMounted(t, webhook, "copies"))
	apiserver.Eventually(t, wantConditions(t, webhook, progressing(nil)))
}

// TestClaimHasOneUser lets a second resource refer to the claim of a first one, whose pods mount it.
func TestClaimHasOneUser(t *testing.T) {
	t.Parallel()

	inUse := func(t *testing.T, webhook *v1alpha1.WhatsAppWebhook, claim, user string) {
		t.Helper()
		apiserver.Eventually(t, wantConditions(t, webhook, stalled("ClaimInUse", nil)))
		wantMessage(t, webhook, "PersistentVolumeClaim "+claim+" is used by WhatsAppWebhook "+user+", and a volume has one writer")
	}

	t.Run("new resource", func(t *testing.T) {
		t.Parallel()
		first := newWebhook(testCluster.NewNamespace(t), "first")
		testCluster.MustCreate(t, first)
		apiserver.Eventually(t, wantMounted(t, first, "first-store"))

		second := newWebhook(first.Namespace, "second")
		useClaim("first-store")(second)
		testCluster.MustCreate(t, second)
		inUse(t, second, "first-store", "first")
		wantMessage(t, second, "or delete that resource, with store.embedded.whenDeleted set to Retain before: otherwise the claim is deleted with it")

		if deploymentOf(t, second) != nil {
			t.Error("a Deployment was created")
		}

		change(t, first, func(w *v1alpha1.WhatsAppWebhook) { usePostgreSQL(&w.Spec) })
		apiserver.Eventually(t, wantMounted(t, second, "first-store"))
		apiserver.Eventually(t, wantConditions(t, second, progressing(nil)))
	})
	t.Run("older resource changes its claim", func(t *testing.T) {
		t.Parallel()
		older := newWebhook(testCluster.NewNamespace(t), "a-older")
		testCluster.MustCreate(t, older)
		apiserver.Eventually(t, wantMounted(t, older, "a-older-store"))

		testCluster.MustCreate(t, claim(older.Namespace, "data", "1Gi"))

		younger := newWebhook(older.Namespace, "b-younger")
		useClaim("data")(younger)
		testCluster.MustCreate(t, younger)
		apiserver.Eventually(t, wantMounted(t, younger, "data"))

		change(t, older, useClaim("data"))
		inUse(t, older, "data", "b-younger")

		if message := readyMessage(older); strings.Contains(message, "whenDeleted") {
			t.Errorf("a claim that no resource deletes: %s", message)
		}

		apiserver.Eventually(t, wantMounted(t, older, "a-older-store")) // its pods keep running
		waitUntilSettled(t, younger)
		apiserver.Eventually(t, wantConditions(t, younger, progressing(nil)))
	})
	t.Run("both at once", func(t *testing.T) {
		t.Parallel()
		older := newWebhook(testCluster.NewNamespace(t), "a-older")
		younger := newWebhook(older.Namespace, "b-younger")

		useClaim("data")(older)
		useClaim("data")(younger)
		testCluster.MustCreate(t, older)
		testCluster.MustCreate(t, younger)
		testCluster.MustCreate(t, claim(older.Namespace, "data", "1Gi"))
		apiserver.Eventually(t, wantMounted(t, older, "data"))
		inUse(t, younger, "data", "a-older")

		if deploymentOf(t, younger) != nil {
			t.Error("two resources have pods that mount the claim")
		}
	})
}

// TestDataSource creates a claim with a data source, which later changes cannot alter and must not be refused for.
func TestDataSource(t *testing.T) {
	t.Parallel()

	snapshot := v1alpha1.StoreDataSource{
		APIGroup: "snapshot.storage.k8s.io",
		Kind:     v1alpha1.StoreDataSourceVolumeSnapshot,
		Name:     "yesterday",
	}
	clone := v1alpha1.StoreDataSource{Kind: v1alpha1.StoreDataSourcePersistentVolumeClaim, Name: "other"}

	for name, sources := range map[string][]v1alpha1.StoreDataSource{
		"snapshot": {snapshot, {}, clone},
		"clone":    {clone, {}, snapshot},
		"none":     {{}, clone, snapshot},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			webhook := newWebhook(testCluster.NewNamespace(t), "sales")
			webhook.Spec.Store.Embedded = &v1alpha1.EmbeddedStore{DataSource: sources[0]}
			testCluster.MustCreate(t, webhook)
			waitUntilSettled(t, webhook)

			created := apiserver.MustGet(t, testCluster.Server, claim(webhook.Namespace, "sales-store", "10Gi"))

			got := ""
			if source := created.Spec.DataSource; source != nil {
				got = source.Kind + " " + source.Name
			}

			wanted := ""
			if sources[0].Name != "" {
				wanted = string(sources[0].Kind) + " " + sources[0].Name
			}

			if got != wanted {
				t.Fatalf("data source %q; want %q", got, wanted)
			}

			for _, source := range sources[1:] {
				change(t, webhook, func(w *v1alpha1.WhatsAppWebhook) { w.Spec.Store.Embedded.DataSource = source })
				apiserver.Eventually(t, wantConditions(t, webhook, progressing(nil)))
			}

			spec := apiserver.MustGet(t, testCluster.Server, created.DeepCopy()).Spec
			if diff := cmp.Diff(created.Spec, spec); diff != "" {
				t.Errorf("the claim was changed (-before +after):\n%s", diff)
			}
		})
	}
}
