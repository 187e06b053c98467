// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"maps"
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/apiserver"
)

// TestNameConflict creates an object of another owner before the resource. The object, and all objects that would refer to
// it, stay unchanged until it is deleted.
func TestNameConflict(t *testing.T) {
	t.Parallel()

	all := []string{
		"ConfigMap sales-config", "Deployment sales", "Ingress sales", "PersistentVolumeClaim sales-store",
		"PodDisruptionBudget sales", "Service sales", "Service sales-admin", "Service sales-messages", "ServiceAccount sales",
		"ServiceMonitor sales",
	}

	tests := map[string]struct {
		foreign func(metav1.ObjectMeta) client.Object
		name    string
		held    []string // objects that are not created
	}{
		"service account": {
			func(m metav1.ObjectMeta) client.Object { return &corev1.ServiceAccount{ObjectMeta: m} },
			"sales",
			[]string{"ServiceAccount sales", "Deployment sales", "PodDisruptionBudget sales"},
		},
		"configuration": {
			func(m metav1.ObjectMeta) client.Object { return &corev1.ConfigMap{ObjectMeta: m} },
			"sales-config",
			[]string{"ConfigMap sales-config", "Deployment sales", "PodDisruptionBudget sales"},
		},
		"claim": {
			func(m metav1.ObjectMeta) client.Object {
				foreign := claim(m.Namespace, m.Name, "1Gi")
				foreign.ObjectMeta = m

				return foreign
			},
			"sales-store",
			[]string{"PersistentVolumeClaim sales-store", "Deployment sales", "PodDisruptionBudget sales"},
		},
		"service":                     {service, "sales", []string{"Service sales", "Ingress sales"}},
		"service of the messages API": {service, "sales-messages", []string{"Service sales-messages", "Ingress sales"}},
		"admin service":               {service, "sales-admin", []string{"Service sales-admin", "ServiceMonitor sales"}},
		"deployment": {
			func(m metav1.ObjectMeta) client.Object {
				pod := corev1.PodTemplateSpec{
					ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "shop"}},
					Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "shop", Image: "shop"}}},
				}

				return &appsv1.Deployment{ObjectMeta: m, Spec: appsv1.DeploymentSpec{
					Selector: &metav1.LabelSelector{MatchLabels: pod.Labels},
					Template: pod,
				}}
			},
			"sales",
			[]string{"Deployment sales", "PodDisruptionBudget sales"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			webhook := newWebhook(testCluster.NewNamespace(t), "sales")
			webhook.Spec.Ingress.Host = "hooks.example.com"
			webhook.Spec.Receiver.PodDisruptionBudget.MaxUnavailable = new(int32(0))
			webhook.Spec.Monitoring.ServiceMonitor.State = v1alpha1.Enabled
			webhook.Spec.MessagesAPI = v1alpha1.MessagesAPISpec{
				Exposure: v1alpha1.ExposurePublic,
				Keys: []v1alpha1.MessagesAPIKey{{
					SecretRef: v1alpha1.SecretKeyReference{Name: "whatsapp", Key: "messages-key"},
				}},
			}

			foreign := test.foreign(metav1.ObjectMeta{
				Namespace:   webhook.Namespace,
				Name:        test.name,
				Annotations: map[string]string{"meta.helm.sh/release-name": "shop"},
			})
			testCluster.MustCreate(t, foreign)
			before := foreign.GetResourceVersion()

			testCluster.MustCreate(t, webhook)

			others := map[string]string{"Exposed": "False AddressPending", "ExtensionsAvailable": "True ExtensionsServed"}
			apiserver.Eventually(t, wantConditions(t, webhook, stalled("NameConflict", others)))

			wantMessage(t, webhook, test.held[0]+" exists and belongs to the Helm release shop, so the operator does not change it; rename this resource")

			for _, held := range test.held[1:] {
				wantMessage(t, webhook, held+" refers to ")
			}

			made := slices.DeleteFunc(slices.Clone(all), func(object string) bool { return slices.Contains(test.held, object) })
			apiserver.Eventually(t, func() error { return want(slices.Sorted(maps.Keys(children(t, webhook))), made) })

			if apiserver.MustGet(t, testCluster.Server, foreign).GetResourceVersion() != before {
				t.Error("the foreign object was changed")
			}

			apiserver.Eventually(t, wantEvents(t, webhook, "Warning NameConflict"))

			if err := testCluster.Delete(t.Context(), foreign); err != nil {
				t.Fatal(err)
			}

			release(t, foreign)
			apiserver.Eventually(t, wantConditions(t, webhook, progressing(others)))
			apiserver.Eventually(t, func() error { return want(slices.Sorted(maps.Keys(children(t, webhook))), all) })
			waitUntilSettled(t, webhook)
			apiserver.Eventually(t, wantEvents(t, webhook, "Warning NameConflict"))
		})
	}
}

func service(m metav1.ObjectMeta) client.Object {
	return &corev1.Service{ObjectMeta: m, Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 1234}}}}
}

// release removes the finalizers of a deleted claim: the controller that does so does not run here.
func release(t *testing.T, deleted client.Object) {
	t.Helper()

	claim, ok := deleted.(*corev1.PersistentVolumeClaim)
	if !ok {
		return
	}

	apiserver.Eventually(t, func() error {
		if err := testCluster.Get(t.Context(), client.ObjectKeyFromObject(claim), claim); err != nil {
			return client.IgnoreNotFound(err)
		}

		claim.Finalizers = nil

		return client.IgnoreNotFound(testCluster.Update(t.Context(), claim))
	})
}

// TestHeldBackObjectsStayUnchanged replaces an object that a running receiver depends on by one of another owner.
func TestHeldBackObjectsStayUnchanged(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(testCluster.NewNamespace(t), "sales")
	testCluster.MustCreate(t, webhook)
	waitUntilSettled(t, webhook)

	account := &corev1.ServiceAccount{ObjectMeta: named(webhook, "sales")}
	change(t, account, func(s *corev1.ServiceAccount) {
		s.OwnerReferences = []metav1.OwnerReference{{
			APIVersion: "v1",
			Kind:       "ConfigMap",
			Name:       "shop",
			UID:        "b7a4f1a0-4f2c-4f57-9d1e-5f0f7b1a9a11",
			Controller: new(true),
		}}
	})

	change(t, webhook, func(w *v1alpha1.WhatsAppWebhook) { w.Spec.Receiver.Image = "registry.example.com/receiver:new" })
	apiserver.Eventually(t, wantConditions(t, webhook, stalled("NameConflict", nil)))
	wantMessage(t, webhook, "ServiceAccount sales exists and belongs to ConfigMap shop", "Deployment sales refers to ServiceAccount sales")

	deployment := apiserver.MustGet(t, testCluster.Server, &appsv1.Deployment{ObjectMeta: named(webhook, "sales")})
	if got := deployment.Spec.Template.Spec.Containers[0].Image; got != testImage {
		t.Errorf("the Deployment got the image %s", got)
	}
}

// TestOrphansAreAdopted takes the owner off all objects, as 'kubectl delete --cascade=orphan' and a restore do. This API
// server lets only those who may delete a claim change its owner, so that of the claim is a person's job.
func TestOrphansAreAdopted(t *testing.T) {
	t.Parallel()

	orphan := func(t *testing.T, objects map[string]client.Object) {
		t.Helper()

		for _, object := range objects {
			change(t, object, func(object client.Object) { object.SetOwnerReferences(nil) })
		}
	}
	wantAdopted := func(t *testing.T, webhook *v1alpha1.WhatsAppWebhook, before map[string]client.Object) {
		t.Helper()

		claim := apiserver.MustGet(t, testCluster.Server, claim(webhook.Namespace, "sales-store", "10Gi"))

		apiserver.Eventually(t, func() error {
			wanted := slices.Sorted(maps.Keys(before))

			return want(slices.Sorted(maps.Keys(children(t, webhook))), slices.DeleteFunc(wanted, func(name string) bool {
				return name == "PersistentVolumeClaim sales-store"
			}))
		})

		for name, child := range children(t, webhook) {
			if child.GetUID() != before[name].GetUID() {
				t.Errorf("%s was replaced", name)
			}
		}

		apiserver.Eventually(t, wantConditions(t, webhook, map[string]string{
			"Ready":       "False ApplyFailed",
			"Reconciling": "True ApplyFailed",
			"Available":   "False Progressing",
		}))
		wantMessage(t, webhook, "PersistentVolumeClaim sales-store: this cluster lets only users who may delete an object change its owner")

		change(t, claim, func(c *corev1.PersistentVolumeClaim) {
			c.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(webhook, v1alpha1.SchemeGroupVersion.WithKind(v1alpha1.Kind))}
		})
		apiserver.Eventually(t, wantConditions(t, webhook, progressing(nil)))
	}

	t.Run("of the resource", func(t *testing.T) {
		t.Parallel()
		webhook := newWebhook(testCluster.NewNamespace(t), "sales")
		testCluster.MustCreate(t, webhook)
		waitUntilSettled(t, webhook)

		before := children(t, webhook)
		orphan(t, children(t, webhook))
		wantAdopted(t, webhook, before)
	})
	t.Run("of a former resource", func(t *testing.T) {
		t.Parallel()
		webhook := newWebhook(testCluster.NewNamespace(t), "sales")
		testCluster.MustCreate(t, webhook)
		waitUntilSettled(t, webhook)

		before := children(t, webhook)

		if err := testCluster.Delete(t.Context(), webhook); err != nil {
			t.Fatal(err)
		}

		// A reconciliation that began before the deletion may set the owner once more, and there is no garbage collection here.
		waitUntilForgotten(t, webhook)
		orphan(t, before)

		again := newWebhook(webhook.Namespace, "sales")
		testCluster.MustCreate(t, again)
		wantAdopted(t, again, before)
	})
}

// TestOtherOrphansAreNotAdopted creates objects that lack one of the signs that they are of the resource.
func TestOtherOrphansAreNotAdopted(t *testing.T) {
	t.Parallel()

	ours := map[string]string{
		"app.kubernetes.io/managed-by": "whatsapp-webhook-operator",
		"app.kubernetes.io/instance":   "sales",
	}
	others := maps.Clone(ours)
	others["app.kubernetes.io/instance"] = "support"

	tests := map[string]struct {
		labels  map[string]string
		manager string
		apply   bool
	}{
		"labels only":               {ours, "kubectl", true},
		"field manager only":        {nil, "whatsapp-webhook-operator", true},
		"another resource":          {others, "whatsapp-webhook-operator", true},
		"updated and never applied": {ours, "whatsapp-webhook-operator", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			webhook := newWebhook(testCluster.NewNamespace(t), "sales")

			account := &corev1.ServiceAccount{
				TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "ServiceAccount"},
				ObjectMeta: named(webhook, "sales"),
			}
			account.Labels = test.labels
			account.Annotations = map[string]string{"example.com/note": "applied"}

			if test.apply {
				configuration := client.ApplyConfigurationFromUnstructured(unstructuredOf(t, account))
				if err := testCluster.Apply(t.Context(), configuration, client.FieldOwner(test.manager)); err != nil {
					t.Fatal(err)
				}
			} else if err := testCluster.Create(t.Context(), account, client.FieldOwner(test.manager)); err != nil {
				t.Fatal(err)
			}

			testCluster.MustCreate(t, webhook)
			apiserver.Eventually(t, wantConditions(t, webhook, stalled("NameConflict", nil)))
			wantMessage(t, webhook, "ServiceAccount sales exists and belongs to the field manager "+test.manager)

			if metav1.GetControllerOf(apiserver.MustGet(t, testCluster.Server, account)) != nil {
				t.Error("the object was adopted")
			}
		})
	}
}

// TestFormerResourceOfTheName creates a resource again before garbage collection has deleted the objects of the former one.
func TestFormerResourceOfTheName(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(testCluster.NewNamespace(t), "sales")
	testCluster.MustCreate(t, webhook)
	waitUntilSettled(t, webhook)

	before := children(t, webhook)

	if err := testCluster.Delete(t.Context(), webhook); err != nil {
		t.Fatal(err)
	}

	again := newWebhook(webhook.Namespace, "sales")
	testCluster.MustCreate(t, again)
	apiserver.Eventually(t, wantConditions(t, again, progressing(nil)))
	wantMessage(t, again, "PersistentVolumeClaim sales-store of a former resource is still being deleted")

	for _, child := range before {
		if err := testCluster.Delete(t.Context(), child); err != nil {
			t.Fatal(err)
		}

		release(t, child)
	}

	apiserver.Eventually(t, func() error {
		return want(slices.Sorted(maps.Keys(children(t, again))), slices.Sorted(maps.Keys(before)))
	})
}
