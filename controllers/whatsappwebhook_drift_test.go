// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/apiserver"
)

func TestDriftIsReverted(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(testCluster.NewNamespace(t), "sales")
	testCluster.MustCreate(t, webhook)
	waitUntilSettled(t, webhook)

	named := func(name string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Namespace: webhook.Namespace, Name: name}
	}

	t.Run("value", func(t *testing.T) {
		service := &corev1.Service{ObjectMeta: named("sales")}
		change(t, service, func(s *corev1.Service) { s.Spec.Ports[0].TargetPort = intstr.FromInt32(1) })
		apiserver.Eventually(t, func() error {
			return want(apiserver.MustGet(t, testCluster.Server, service).Spec.Ports[0].TargetPort.String(), "http")
		})
	})
	t.Run("value, twice", func(t *testing.T) {
		for _, image := range []string{"a", "b"} {
			deployment := &appsv1.Deployment{ObjectMeta: named("sales")}
			change(t, deployment, func(d *appsv1.Deployment) { d.Spec.Template.Spec.Containers[0].Image = image })
			apiserver.Eventually(t, func() error {
				return want(apiserver.MustGet(t, testCluster.Server, deployment).Spec.Template.Spec.Containers[0].Image, testImage)
			})
		}
	})
	t.Run("content removed", func(t *testing.T) {
		config := &corev1.ConfigMap{ObjectMeta: named("sales-config")}
		change(t, config, func(c *corev1.ConfigMap) { c.Data = nil })
		apiserver.Eventually(t, func() error {
			return want(len(apiserver.MustGet(t, testCluster.Server, config).Data), 1)
		})
	})
	t.Run("label of the cache's selector", func(t *testing.T) {
		service := &corev1.Service{ObjectMeta: named("sales-admin")}
		change(t, service, func(s *corev1.Service) { s.Labels = nil })
		apiserver.Eventually(t, func() error {
			return want(apiserver.MustGet(t, testCluster.Server, service).Labels["app.kubernetes.io/managed-by"], "whatsapp-webhook-operator")
		})
	})
	t.Run("object deleted", func(t *testing.T) {
		service := apiserver.MustGet(t, testCluster.Server, &corev1.Service{ObjectMeta: named("sales")})

		gone := service.UID
		if err := testCluster.Delete(t.Context(), service); err != nil {
			t.Fatal(err)
		}

		apiserver.Eventually(t, func() error {
			again := &corev1.Service{}
			if err := testCluster.Get(t.Context(), client.ObjectKeyFromObject(service), again); err != nil {
				return err
			}

			return want(again.UID != gone, true)
		})
	})
}

func TestFieldsOfOthersStay(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(testCluster.NewNamespace(t), "sales")
	webhook.Spec.Ingress = v1alpha1.IngressSpec{
		Host:        "a.example.com",
		ClassName:   "traefik",
		Annotations: map[string]string{"ours": "yes"},
	}
	testCluster.MustCreate(t, webhook)
	waitUntilSettled(t, webhook)

	for _, child := range children(t, webhook) {
		change(t, child, func(object client.Object) {
			labels := object.GetLabels()

			annotations := object.GetAnnotations()
			if annotations == nil {
				annotations = map[string]string{}
			}

			labels["example.com/team"] = "sales"
			annotations["example.com/note"] = "kept"

			object.SetLabels(labels)
			object.SetAnnotations(annotations)
		})
	}

	change(t, webhook, func(w *v1alpha1.WhatsAppWebhook) {
		w.Spec.Ingress.Host = "b.example.com"
		w.Spec.Ingress.Annotations = map[string]string{"changed": "yes"}
		w.Spec.Processing.Concurrency = 7
	})
	ingress := &networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{Namespace: webhook.Namespace, Name: "sales"}}
	apiserver.Eventually(t, func() error {
		return want(apiserver.MustGet(t, testCluster.Server, ingress).Spec.Rules[0].Host, "b.example.com")
	})

	annotations := map[string]string{
		"changed":          "yes",
		"example.com/note": "kept",
		"nginx.ingress.kubernetes.io/proxy-body-size": "4m",
		"nginx.org/client-max-body-size":              "4m",
	}
	if diff := cmp.Diff(annotations, ingress.Annotations); diff != "" {
		t.Errorf("annotations of the Ingress (-want +got):\n%s", diff)
	}

	waitUntilSettled(t, webhook)

	for name, child := range children(t, webhook) {
		if child.GetLabels()["example.com/team"] != "sales" || child.GetAnnotations()["example.com/note"] != "kept" {
			t.Errorf("%s lost fields of another manager: %v %v", name, child.GetLabels(), child.GetAnnotations())
		}
	}
}

func TestObjectsNoLongerRenderedArePruned(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(testCluster.NewNamespace(t), "sales")
	webhook.Spec.Ingress.Host = "hooks.example.com"
	testCluster.MustCreate(t, webhook)
	waitUntilSettled(t, webhook)
	bystander := &networkingv1.Ingress{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: webhook.Namespace,
			Name:      "other",
			Labels:    children(t, webhook)["Ingress sales"].GetLabels(),
		},
		Spec: networkingv1.IngressSpec{
			DefaultBackend: &networkingv1.IngressBackend{
				Service: &networkingv1.IngressServiceBackend{Name: "other", Port: networkingv1.ServiceBackendPort{Number: 80}},
			},
		},
	}
	testCluster.MustCreate(t, bystander)

	change(t, webhook, func(w *v1alpha1.WhatsAppWebhook) { w.Spec.Ingress = v1alpha1.IngressSpec{} })
	apiserver.Eventually(t, func() error {
		return want(slices.Contains(slices.Collect(maps.Keys(children(t, webhook))), "Ingress sales"), false)
	})
	apiserver.Eventually(t, wantConditions(t, webhook, map[string]string{
		"Ready":       "False Progressing",
		"Reconciling": "True Progressing",
		"Available":   "False Progressing",
	}))

	if webhook.Status.URL != "" {
		t.Errorf("status.url is still %q", webhook.Status.URL)
	}

	apiserver.MustGet(t, testCluster.Server, bystander)
}

func TestUnchangedResourceCausesNoWrites(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(testCluster.NewNamespace(t), "sales")
	webhook.Spec.Ingress.Host = "hooks.example.com"
	testCluster.MustCreate(t, webhook)
	waitUntilSettled(t, webhook)

	versions := func() map[string]string {
		seen := map[string]string{"WhatsAppWebhook": apiserver.MustGet(t, testCluster.Server, webhook).ResourceVersion}
		for name, child := range children(t, webhook) {
			seen[name] = child.GetResourceVersion()
		}

		return seen
	}
	before := versions()

	writes := testCluster.writes.in(webhook.Namespace)
	for range 3 {
		if _, err := testCluster.reconciler.Reconcile(t.Context(), request(webhook)); err != nil {
			t.Fatal(err)
		}
	}

	if diff := cmp.Diff(before, versions()); diff != "" {
		t.Errorf("resource versions (-before +after):\n%s", diff)
	}

	if diff := cmp.Diff(writes, testCluster.writes.in(webhook.Namespace)); diff != "" {
		t.Errorf("requests that are not reads (-before +after):\n%s", diff)
	}

	// A status written by another controller triggers the operator, which then writes its own status and nothing else.
	deployment := apiserver.MustGet(t, testCluster.Server, &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: webhook.Namespace, Name: "sales"}})

	deployment.Status = appsv1.DeploymentStatus{
		ObservedGeneration: deployment.Generation,
		Replicas:           1,
		UpdatedReplicas:    1,
	}
	if err := testCluster.Status().Update(t.Context(), deployment); err != nil {
		t.Fatal(err)
	}

	apiserver.Eventually(t, func() error {
		if apiserver.MustGet(t, testCluster.Server, webhook).Status.Replicas == nil {
			return errors.New("no replicas in the status")
		}

		return want(*webhook.Status.Replicas, 1)
	})
	waitUntilSettled(t, webhook)
	got := testCluster.writes.in(webhook.Namespace)[len(writes):]

	wanted := []string{"PATCH /apis/whatsapp.wawebhook.dev/v1alpha1/namespaces/" + webhook.Namespace + "/whatsappwebhooks/sales/status"}
	if diff := cmp.Diff(wanted, got); diff != "" {
		t.Errorf("requests that are not reads (-want +got):\n%s", diff)
	}
}

// TestObjectThatIsBeingDeleted deletes an object with a finalizer, as those of controllers for load balancers are.
func TestObjectThatIsBeingDeleted(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(testCluster.NewNamespace(t), "sales")
	webhook.Spec.Ingress.Host = "hooks.example.com"
	testCluster.MustCreate(t, webhook)
	waitUntilSettled(t, webhook)

	ingress := &networkingv1.Ingress{ObjectMeta: named(webhook, "sales")}
	change(t, ingress, func(i *networkingv1.Ingress) { i.Finalizers = []string{"example.com/load-balancer"} })

	if err := testCluster.Delete(t.Context(), ingress); err != nil {
		t.Fatal(err)
	}

	exposed := map[string]string{"Exposed": "False AddressPending"}
	apiserver.Eventually(t, func() error {
		if err := wantConditions(t, webhook, progressing(exposed))(); err != nil {
			return err
		}

		return want(readyMessage(webhook), "Ingress sales is still being deleted, and is created again once it is gone")
	})

	gone := ingress.UID
	change(t, ingress, func(i *networkingv1.Ingress) { i.Finalizers = nil })
	apiserver.Eventually(t, func() error {
		again := &networkingv1.Ingress{}
		if err := testCluster.Get(t.Context(), client.ObjectKeyFromObject(ingress), again); err != nil {
			return err
		}

		return want(again.UID != gone, true)
	})
	waitUntilSettled(t, webhook)

	if message := readyMessage(webhook); message != "waiting for Kubernetes to observe the receiver's Deployment" {
		t.Errorf("the message is still %q", message)
	}
}

// TestImmutableConfigMap makes the configuration immutable, which only its deletion ends.
func TestImmutableConfigMap(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(testCluster.NewNamespace(t), "sales")
	testCluster.MustCreate(t, webhook)
	waitUntilSettled(t, webhook)

	config := &corev1.ConfigMap{ObjectMeta: named(webhook, "sales-config")}
	change(t, config, func(c *corev1.ConfigMap) { c.Immutable = new(true) })
	change(t, webhook, func(w *v1alpha1.WhatsAppWebhook) { w.Spec.Processing.Concurrency = 7 })
	apiserver.Eventually(t, wantConditions(t, webhook, stalled("ObjectRejected", nil)))
	wantMessage(t, webhook, "ConfigMap sales-config was made immutable", "delete it, and the operator creates it again")

	if err := testCluster.Delete(t.Context(), config); err != nil {
		t.Fatal(err)
	}

	apiserver.Eventually(t, wantConditions(t, webhook, progressing(nil)))
}
