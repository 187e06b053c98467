// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/apiserver"
)

const (
	oldImage = "registry.example.com/receiver:1"
	newImage = "registry.example.com/receiver:2"
)

// TestUpgrade upgrades an operator with ten receivers. The test plays the Deployment controller.
func TestUpgrade(t *testing.T) {
	c := startCluster(t)
	c.grant(t, "../../config/rbac/role.yaml")
	c.MustCreate(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "upgrade"}})

	names := make([]string, 0, 10)
	for i := range 10 {
		names = append(names, fmt.Sprintf("number-%d", i))
	}

	for _, name := range names {
		resource := webhook("upgrade")
		resource.Name = name
		c.MustCreate(t, resource)
	}

	m := c.start(t, "--receiver-image="+oldImage, "--max-concurrent-upgrades=2")
	for _, name := range names {
		c.setStatus(t, name, complete)
	}

	// One receiver is broken before the upgrade, and one resource is suspended.
	c.setStatus(t, "number-8", unavailable)
	c.edit(t, "number-9", func(s *v1alpha1.WhatsAppWebhookSpec) { s.Suspend = true })
	c.wantReadyMessage(t, "number-9", "reconciliation is suspended")

	m.stop(t)

	m = c.start(t, "--receiver-image="+newImage, "--max-concurrent-upgrades=2")
	first := c.wantUpgraded(t, 3)

	if !slices.Contains(first, "number-8") {
		t.Errorf("upgraded: %v; want the broken receiver among them, since it has nothing to lose", first)
	}

	first = slices.DeleteFunc(first, func(name string) bool { return name == "number-8" })

	for _, name := range names[:8] {
		if !slices.Contains(first, name) {
			c.wantReadyMessage(t, name, "the receiver accepts deliveries; its upgrade to this version of the operator waits for those of other receivers")
		}
	}

	// A restart of the operator forgets nothing.
	m.stop(t)

	m = c.start(t, "--receiver-image="+newImage, "--max-concurrent-upgrades=2")

	// A changed resource does not wait, and takes no slot from others.
	edited := slices.DeleteFunc(slices.Clone(names[:8]), func(name string) bool { return slices.Contains(first, name) })[0]
	c.edit(t, edited, func(s *v1alpha1.WhatsAppWebhookSpec) { s.Processing.Concurrency = 7 })
	c.wantUpgraded(t, 4)
	c.setStatus(t, edited, complete)

	// A ready receiver makes room for another.
	c.setStatus(t, first[0], complete)
	second := c.wantUpgraded(t, 5)

	// A receiver that does not become ready halts the upgrade, even when others become ready.
	c.setStatus(t, first[1], exceeded)
	c.wantEvent(t, first[1], "upgrades of other receivers wait for it")
	c.wantReadyMessage(t, first[1], "upgrades of other receivers wait until this one is ready, suspended or scaled to 0")

	for _, name := range second {
		if name != first[1] && name != "number-8" {
			c.setStatus(t, name, complete)
		}
	}

	for _, name := range names[:8] {
		if !slices.Contains(second, name) {
			c.wantReadyMessage(t, name, "another receiver did not become ready after its upgrade")
		}
	}

	c.wantUpgraded(t, 5)
	m.wantLog(t, "a receiver did not become ready after an upgrade of the operator")

	waiting := slices.DeleteFunc(slices.Clone(names[:8]), func(name string) bool { return slices.Contains(second, name) })[0]
	c.wantRestored(t, waiting)
	c.wantUpgraded(t, 5)

	// Suspending it lets the others continue.
	c.edit(t, first[1], func(s *v1alpha1.WhatsAppWebhookSpec) { s.Suspend = true })
	third := c.wantUpgraded(t, 7)

	for _, name := range third {
		if name != first[1] {
			c.setStatus(t, name, complete)
		}
	}

	last := c.wantUpgraded(t, 9)
	for _, name := range last {
		if name != first[1] {
			c.setStatus(t, name, complete)
		}
	}

	c.edit(t, "number-9", func(s *v1alpha1.WhatsAppWebhookSpec) { s.Suspend = false })
	c.wantUpgraded(t, 10)
	m.stop(t)
}

// TestUpgradeOfAll checks that the limit can be switched off.
func TestUpgradeOfAll(t *testing.T) {
	c := startCluster(t)
	c.grant(t, "../../config/rbac/role.yaml")
	c.MustCreate(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "upgrade"}})

	for i := range 5 {
		resource := webhook("upgrade")
		resource.Name = fmt.Sprintf("number-%d", i)
		c.MustCreate(t, resource)
	}

	m := c.start(t, "--receiver-image="+oldImage)
	for i := range 5 {
		c.setStatus(t, fmt.Sprintf("number-%d", i), complete)
	}

	m.stop(t)
	c.start(t, "--receiver-image="+newImage, "--max-concurrent-upgrades=0")
	c.wantUpgraded(t, 5)
}

// TestUpgradeBesideAnInvalidResource makes the spec of the resource invalid that is the next to be upgraded. The one after it
// has its turn then.
func TestUpgradeBesideAnInvalidResource(t *testing.T) {
	c := startCluster(t)
	c.grant(t, "../../config/rbac/role.yaml")
	c.MustCreate(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "upgrade"}})

	const last = "number-2"

	for _, name := range []string{"number-0", "number-1", last} {
		resource := webhook("upgrade")
		resource.Name = name
		resource.Labels = map[string]string{"later": strconv.FormatBool(name == last)}
		c.MustCreate(t, resource)
	}

	m := c.start(t, "--receiver-image="+oldImage)
	for _, name := range []string{"number-0", "number-1", last} {
		c.setStatus(t, name, complete)
	}

	m.stop(t)
	c.start(t, "--receiver-image="+newImage, "--max-concurrent-upgrades=1", "--allowed-hosts=*.example.com",
		"--watch-label-selector=later=false")

	first := c.wantUpgraded(t, 1)[0]
	next := map[string]string{"number-0": "number-1", "number-1": "number-0"}[first]
	c.wantReadyMessage(t, next, "waits for those of other receivers")

	// A label does not change the generation, so the resource waits too, behind the others.
	labeled := webhook("upgrade")
	labeled.Name = last

	if err := c.Patch(t.Context(), labeled, client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"labels":{"later":"false"}}}`))); err != nil {
		t.Fatal(err)
	}

	c.wantReadyMessage(t, last, "waits for those of other receivers")

	c.edit(t, next, func(s *v1alpha1.WhatsAppWebhookSpec) { s.Ingress.Host = "hooks.example.net" })
	c.wantReadyMessage(t, next, "the operator does not allow")

	c.setStatus(t, first, complete)

	if upgraded := c.wantUpgraded(t, 2); !slices.Contains(upgraded, last) {
		t.Errorf("upgraded: %v; want %s among them", upgraded, last)
	}

	// Once it is corrected it does not wait, since its spec has changed.
	c.edit(t, next, func(s *v1alpha1.WhatsAppWebhookSpec) { s.Ingress.Host = "hooks.example.com" })
	c.wantUpgraded(t, 3)
}

func (m *manager) stop(t *testing.T) {
	t.Helper()

	if err := m.end(); err != nil {
		t.Fatalf("the manager exited with %v after SIGTERM", err)
	}
}

// wantUpgraded waits until exactly so many receivers have the new image, and the configuration belongs to it. It returns
// their names.
func (c *cluster) wantUpgraded(t *testing.T, count int) []string {
	t.Helper()

	var upgraded []string

	apiserver.Eventually(t, func() error {
		list := &appsv1.DeploymentList{}
		if err := c.List(t.Context(), list, client.InNamespace("upgrade")); err != nil {
			return err
		}

		upgraded = nil
		for _, deployment := range list.Items {
			if deployment.Spec.Template.Spec.Containers[0].Image == newImage {
				upgraded = append(upgraded, deployment.Name)
			}
		}

		if len(upgraded) > count {
			t.Fatalf("upgraded: %v; want only %d", upgraded, count)
		}

		if len(upgraded) < count {
			return fmt.Errorf("upgraded: %v; want %d", upgraded, count)
		}

		return nil
	})

	return upgraded
}

// wantRestored deletes the Service and the configuration of a receiver, and waits until both are there again.
func (c *cluster) wantRestored(t *testing.T, name string) {
	t.Helper()

	for _, object := range []client.Object{
		&corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "upgrade", Name: name}},
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "upgrade", Name: name + "-config"}},
	} {
		if err := c.Delete(t.Context(), object); err != nil {
			t.Fatal(err)
		}

		apiserver.Eventually(t, func() error { return c.Get(t.Context(), client.ObjectKeyFromObject(object), object) })
	}
}

// setStatus waits for the Deployment and sets its status.
func (c *cluster) setStatus(t *testing.T, name string, status func(*appsv1.Deployment)) {
	t.Helper()
	apiserver.Eventually(t, func() error {
		deployment := &appsv1.Deployment{}
		if err := c.Get(t.Context(), client.ObjectKey{Namespace: "upgrade", Name: name}, deployment); err != nil {
			return err
		}

		deployment.Status = appsv1.DeploymentStatus{ObservedGeneration: deployment.Generation}
		status(deployment)

		return c.Status().Update(t.Context(), deployment)
	})
}

func complete(d *appsv1.Deployment) {
	d.Status.Replicas = 1
	d.Status.UpdatedReplicas = 1
	d.Status.ReadyReplicas = 1
	d.Status.AvailableReplicas = 1
	d.Status.Conditions = progressing(corev1.ConditionTrue, "NewReplicaSetAvailable")
}

func unavailable(d *appsv1.Deployment) {
	d.Status.Replicas = 1
	d.Status.UpdatedReplicas = 1
	d.Status.UnavailableReplicas = 1
	d.Status.Conditions = progressing(corev1.ConditionTrue, "NewReplicaSetAvailable")
}

func exceeded(d *appsv1.Deployment) {
	unavailable(d)

	d.Status.Conditions = progressing(corev1.ConditionFalse, "ProgressDeadlineExceeded")
}

func progressing(status corev1.ConditionStatus, reason string) []appsv1.DeploymentCondition {
	return []appsv1.DeploymentCondition{{
		Type:   appsv1.DeploymentProgressing,
		Status: status,
		Reason: reason,
	}}
}

func (c *cluster) edit(t *testing.T, name string, edit func(*v1alpha1.WhatsAppWebhookSpec)) {
	t.Helper()

	resource := webhook("upgrade")
	resource.Name = name

	apiserver.Change(t, c.Server, resource, func(w *v1alpha1.WhatsAppWebhook) { edit(&w.Spec) })
}

func (c *cluster) wantReadyMessage(t *testing.T, name, part string) {
	t.Helper()
	apiserver.Eventually(t, func() error {
		resource := &v1alpha1.WhatsAppWebhook{}
		if err := c.Get(t.Context(), client.ObjectKey{Namespace: "upgrade", Name: name}, resource); err != nil {
			return err
		}

		for _, condition := range resource.Status.Conditions {
			if condition.Type == v1alpha1.ConditionReady && strings.Contains(condition.Message, part) {
				return nil
			}
		}

		return errors.New(cmp.Diff(part, fmt.Sprint(resource.Status.Conditions)))
	})
}

func (c *cluster) wantEvent(t *testing.T, name, part string) {
	t.Helper()
	apiserver.Eventually(t, func() error {
		list := &eventsv1.EventList{}
		if err := c.List(t.Context(), list, client.InNamespace("upgrade")); err != nil {
			return err
		}

		for _, event := range list.Items {
			if event.Regarding.Name == name && strings.Contains(event.Note, part) {
				return nil
			}
		}

		return fmt.Errorf("no event of %s with %q", name, part)
	})
}
