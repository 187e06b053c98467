// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
)

// children returns the objects that the resource controls, by kind and name.
func children(t *testing.T, owner *v1alpha1.WhatsAppWebhook) map[string]client.Object {
	t.Helper()
	found := map[string]client.Object{}
	for _, list := range []client.ObjectList{
		&corev1.ServiceAccountList{}, &corev1.ConfigMapList{}, &corev1.PersistentVolumeClaimList{},
		&appsv1.DeploymentList{}, &corev1.ServiceList{}, &networkingv1.IngressList{}, &networkingv1.NetworkPolicyList{},
		&autoscalingv2.HorizontalPodAutoscalerList{}, &policyv1.PodDisruptionBudgetList{}, &gatewayv1.HTTPRouteList{},
		listOf(resources.ServiceMonitorKind), listOf(resources.PrometheusRuleKind),
	} {
		if err := testCluster.List(t.Context(), list, client.InNamespace(owner.Namespace)); err != nil {
			t.Fatal(err)
		}
		for _, object := range items(t, list) {
			if metav1.IsControlledBy(object, owner) {
				found[kindOf(t, object)+" "+object.GetName()] = object
			}
		}
	}
	return found
}

func listOf(kind schema.GroupVersionKind) client.ObjectList {
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(kind.GroupVersion().WithKind(kind.Kind + "List"))
	return list
}

func kindOf(t *testing.T, object client.Object) string {
	t.Helper()
	gvk, err := testCluster.GroupVersionKindFor(object)
	if err != nil {
		t.Fatal(err)
	}
	return gvk.Kind
}

func TestObjectsAreMade(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(newNamespace(t), "sales")
	webhook.Spec.Ingress.Host = "hooks.example.com"
	create(t, webhook)

	want := []string{
		"ConfigMap sales-config", "Deployment sales", "Ingress sales", "PersistentVolumeClaim sales-store",
		"Service sales", "Service sales-admin", "ServiceAccount sales",
	}
	eventually(t, func() error {
		got := slices.Sorted(maps.Keys(children(t, webhook)))
		if diff := cmp.Diff(want, got); diff != "" {
			return fmt.Errorf("objects (-want +got):\n%s", diff)
		}
		return nil
	})
	for name, child := range children(t, webhook) {
		if reference := metav1.GetControllerOf(child); reference.BlockOwnerDeletion == nil || !*reference.BlockOwnerDeletion {
			t.Errorf("%s does not block the deletion of its owner", name)
		}
		if len(child.GetFinalizers()) > 0 && !strings.HasPrefix(name, "PersistentVolumeClaim") {
			t.Errorf("%s has finalizers %v", name, child.GetFinalizers())
		}
	}
	deployment := get(t, &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: webhook.Namespace, Name: "sales"}})
	if got := deployment.Spec.Template.Spec.Containers[0].Image; got != testImage {
		t.Errorf("image %q; want %q", got, testImage)
	}
	eventually(t, wantConditions(t, webhook, map[string]string{
		"Ready":       "False Progressing",
		"Reconciling": "True Progressing",
		"Available":   "False Progressing",
		"Exposed":     "False AddressPending",
	}))
	if got, want := webhook.Status.URL, "https://hooks.example.com/webhooks/whatsapp"; got != want {
		t.Errorf("status.url %q; want %q", got, want)
	}
	if len(webhook.Finalizers) > 0 {
		t.Errorf("the resource has finalizers %v", webhook.Finalizers)
	}
}

func TestDriftIsPutBack(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(newNamespace(t), "sales")
	create(t, webhook)
	settle(t, webhook)
	named := func(name string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Namespace: webhook.Namespace, Name: name}
	}

	t.Run("a value", func(t *testing.T) {
		service := &corev1.Service{ObjectMeta: named("sales")}
		change(t, service, func(s *corev1.Service) { s.Spec.Ports[0].TargetPort = intstr.FromInt32(1) })
		eventually(t, func() error {
			return want(get(t, service).Spec.Ports[0].TargetPort.String(), "http")
		})
	})
	t.Run("a value, twice", func(t *testing.T) {
		for _, image := range []string{"a", "b"} {
			deployment := &appsv1.Deployment{ObjectMeta: named("sales")}
			change(t, deployment, func(d *appsv1.Deployment) { d.Spec.Template.Spec.Containers[0].Image = image })
			eventually(t, func() error {
				return want(get(t, deployment).Spec.Template.Spec.Containers[0].Image, testImage)
			})
		}
	})
	t.Run("content taken away", func(t *testing.T) {
		config := &corev1.ConfigMap{ObjectMeta: named("sales-config")}
		change(t, config, func(c *corev1.ConfigMap) { c.Data = nil })
		eventually(t, func() error {
			return want(len(get(t, config).Data), 1)
		})
	})
	t.Run("the label that the cache goes by", func(t *testing.T) {
		service := &corev1.Service{ObjectMeta: named("sales-admin")}
		change(t, service, func(s *corev1.Service) { s.Labels = nil })
		eventually(t, func() error {
			return want(get(t, service).Labels["app.kubernetes.io/managed-by"], "whatsapp-webhook-operator")
		})
	})
	t.Run("an object deleted", func(t *testing.T) {
		service := get(t, &corev1.Service{ObjectMeta: named("sales")})
		gone := service.UID
		if err := testCluster.Delete(t.Context(), service); err != nil {
			t.Fatal(err)
		}
		eventually(t, func() error {
			again := &corev1.Service{}
			if err := testCluster.Get(t.Context(), client.ObjectKeyFromObject(service), again); err != nil {
				return err
			}
			return want(again.UID != gone, true)
		})
	})
}

func TestWhatOthersAddIsKept(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(newNamespace(t), "sales")
	webhook.Spec.Ingress = v1alpha1.IngressSpec{Host: "a.example.com", Annotations: map[string]string{"ours": "yes"}}
	create(t, webhook)
	settle(t, webhook)
	for _, child := range children(t, webhook) {
		change(t, child, func(object client.Object) {
			labels, annotations := object.GetLabels(), object.GetAnnotations()
			if annotations == nil {
				annotations = map[string]string{}
			}
			labels["example.com/team"], annotations["example.com/note"] = "sales", "kept"
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
	eventually(t, func() error { return want(get(t, ingress).Spec.Rules[0].Host, "b.example.com") })
	if diff := cmp.Diff(map[string]string{"changed": "yes", "example.com/note": "kept"}, ingress.Annotations); diff != "" {
		t.Errorf("annotations of the Ingress (-want +got):\n%s", diff)
	}
	settle(t, webhook)
	for name, child := range children(t, webhook) {
		if child.GetLabels()["example.com/team"] != "sales" || child.GetAnnotations()["example.com/note"] != "kept" {
			t.Errorf("%s lost what another had added: %v %v", name, child.GetLabels(), child.GetAnnotations())
		}
	}
}

func TestWhatIsNotWantedIsPruned(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(newNamespace(t), "sales")
	webhook.Spec.Ingress.Host = "hooks.example.com"
	create(t, webhook)
	settle(t, webhook)
	bystander := &networkingv1.Ingress{
		ObjectMeta: metav1.ObjectMeta{Namespace: webhook.Namespace, Name: "other", Labels: children(t, webhook)["Ingress sales"].GetLabels()},
		Spec:       networkingv1.IngressSpec{DefaultBackend: &networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{Name: "other", Port: networkingv1.ServiceBackendPort{Number: 80}}}},
	}
	create(t, bystander)

	change(t, webhook, func(w *v1alpha1.WhatsAppWebhook) { w.Spec.Ingress = v1alpha1.IngressSpec{} })
	eventually(t, func() error {
		return want(slices.Contains(slices.Collect(maps.Keys(children(t, webhook))), "Ingress sales"), false)
	})
	eventually(t, wantConditions(t, webhook, map[string]string{
		"Ready":       "False Progressing",
		"Reconciling": "True Progressing",
		"Available":   "False Progressing",
	}))
	if webhook.Status.URL != "" {
		t.Errorf("status.url is still %q", webhook.Status.URL)
	}
	get(t, bystander)
}

func TestUnchangedResourceCausesNoWrites(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(newNamespace(t), "sales")
	webhook.Spec.Ingress.Host = "hooks.example.com"
	create(t, webhook)
	settle(t, webhook)

	versions := func() map[string]string {
		seen := map[string]string{"WhatsAppWebhook": get(t, webhook).ResourceVersion}
		for name, child := range children(t, webhook) {
			seen[name] = child.GetResourceVersion()
		}
		return seen
	}
	before, writes := versions(), testCluster.writes.in(webhook.Namespace)
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

	// A status that another controller writes wakes the operator, which has nothing to write but its own status.
	deployment := get(t, &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: webhook.Namespace, Name: "sales"}})
	deployment.Status = appsv1.DeploymentStatus{ObservedGeneration: deployment.Generation, Replicas: 1, UpdatedReplicas: 1}
	if err := testCluster.Status().Update(t.Context(), deployment); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		if get(t, webhook).Status.Replicas == nil {
			return errors.New("no replicas in the status")
		}
		return want(*webhook.Status.Replicas, 1)
	})
	settle(t, webhook)
	got := testCluster.writes.in(webhook.Namespace)[len(writes):]
	wanted := []string{"PATCH /apis/whatsapp.wawebhook.dev/v1alpha1/namespaces/" + webhook.Namespace + "/whatsappwebhooks/sales/status"}
	if diff := cmp.Diff(wanted, got); diff != "" {
		t.Errorf("requests that are not reads (-want +got):\n%s", diff)
	}
}

func TestNameConflict(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(newNamespace(t), "sales")
	foreign := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: webhook.Namespace, Name: "sales"},
		Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 1234}}},
	}
	create(t, foreign)
	create(t, webhook)

	eventually(t, wantConditions(t, webhook, map[string]string{
		"Ready":     "False NameConflict",
		"Stalled":   "True NameConflict",
		"Available": "False Progressing",
	}))
	if message := readyMessage(webhook); !strings.Contains(message, "Service sales exists and does not belong to this resource") {
		t.Errorf("the message does not name the object: %s", message)
	}
	eventually(t, func() error { return want(len(children(t, webhook)), 5) }) // all others
	before := foreign.ResourceVersion
	if get(t, foreign).ResourceVersion != before {
		t.Error("the object of another was written to")
	}
	eventually(t, wantEvents(t, webhook, "Warning NameConflict"))

	if err := testCluster.Delete(t.Context(), foreign); err != nil {
		t.Fatal(err)
	}
	eventually(t, wantConditions(t, webhook, map[string]string{
		"Ready":       "False Progressing",
		"Reconciling": "True Progressing",
		"Available":   "False Progressing",
	}))
	if metav1.GetControllerOf(get(t, foreign)) == nil {
		t.Error("the Service has no owner now")
	}
	settle(t, webhook)
	eventually(t, wantEvents(t, webhook, "Warning NameConflict"))
}

func TestRefusedObjectIsReported(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		edit func(*spec)
		want string
	}{
		"pod label": {
			func(s *spec) { s.Receiver.PodMetadata.Labels = map[string]string{"team": "sales & marketing"} },
			"Deployment sales is refused by the API server: spec.template.labels",
		},
		"toleration": {
			func(s *spec) { s.Receiver.Scheduling.Tolerations = []corev1.Toleration{{Operator: "Sometimes"}} },
			"spec.template.spec.tolerations[0].operator",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			webhook := newWebhook(newNamespace(t), "sales")
			test.edit(&webhook.Spec)
			create(t, webhook)
			eventually(t, wantConditions(t, webhook, map[string]string{
				"Ready":     "False Refused",
				"Stalled":   "True Refused",
				"Available": "False Progressing",
			}))
			if message := readyMessage(webhook); !strings.Contains(message, test.want) {
				t.Errorf("the message lacks %q: %s", test.want, message)
			}
			eventually(t, func() error { return want(len(children(t, webhook)), 5) }) // all but the Deployment
			eventually(t, wantEvents(t, webhook, "Warning Refused"))

			change(t, webhook, func(w *v1alpha1.WhatsAppWebhook) { w.Spec.Receiver = v1alpha1.ReceiverSpec{} })
			eventually(t, wantConditions(t, webhook, map[string]string{
				"Ready":       "False Progressing",
				"Reconciling": "True Progressing",
				"Available":   "False Progressing",
			}))
		})
	}
}

func TestReadyFollowsTheDeployment(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(newNamespace(t), "sales")
	webhook.Spec.Ingress.Host = "hooks.example.com"
	create(t, webhook)
	settle(t, webhook)
	deployment := get(t, &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: webhook.Namespace, Name: "sales"}})
	ingress := get(t, &networkingv1.Ingress{ObjectMeta: deployment.ObjectMeta})

	deployment.Status = appsv1.DeploymentStatus{
		ObservedGeneration: deployment.Generation, Replicas: 1, UpdatedReplicas: 1, ReadyReplicas: 1, AvailableReplicas: 1,
		Conditions: []appsv1.DeploymentCondition{{Type: appsv1.DeploymentProgressing, Status: corev1.ConditionTrue, Reason: "NewReplicaSetAvailable"}},
	}
	if err := testCluster.Status().Update(t.Context(), deployment); err != nil {
		t.Fatal(err)
	}
	ingress.Status.LoadBalancer.Ingress = []networkingv1.IngressLoadBalancerIngress{{IP: "192.0.2.1"}}
	if err := testCluster.Status().Update(t.Context(), ingress); err != nil {
		t.Fatal(err)
	}
	eventually(t, wantConditions(t, webhook, map[string]string{
		"Ready":     "True Ready",
		"Available": "True MinimumReplicasAvailable",
		"Exposed":   "True AddressAssigned",
	}))
	eventually(t, wantEvents(t, webhook, "Normal Ready"))

	deployment.Status.ReadyReplicas, deployment.Status.AvailableReplicas, deployment.Status.UnavailableReplicas = 0, 0, 1
	if err := testCluster.Status().Update(t.Context(), deployment); err != nil {
		t.Fatal(err)
	}
	eventually(t, wantConditions(t, webhook, map[string]string{
		"Ready":     "False Unavailable",
		"Available": "False Unavailable",
		"Exposed":   "True AddressAssigned",
	}))
	eventually(t, wantEvents(t, webhook, "Normal Ready", "Warning Unavailable"))

	// What the Deployment reports is of the former generation until Kubernetes has taken up the new one.
	change(t, webhook, func(w *v1alpha1.WhatsAppWebhook) { w.Spec.Receiver.LogLevel = v1alpha1.LogLevelDebug })
	eventually(t, wantConditions(t, webhook, map[string]string{
		"Ready":       "False Progressing",
		"Reconciling": "True Progressing",
		"Available":   "False Progressing",
		"Exposed":     "True AddressAssigned",
	}))
}

func TestDeletedResourceIsLeftAlone(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(newNamespace(t), "sales")
	create(t, webhook)
	settle(t, webhook)
	if err := testCluster.Delete(t.Context(), webhook); err != nil {
		t.Fatal(err)
	}
	if err := testCluster.Get(t.Context(), client.ObjectKeyFromObject(webhook), webhook); !apierrors.IsNotFound(err) {
		t.Fatalf("the resource does not go at once: %v", err)
	}
	eventually(t, func() error {
		writes := len(testCluster.writes.in(webhook.Namespace))
		if _, err := testCluster.reconciler.Reconcile(t.Context(), request(webhook)); err != nil {
			return err
		}
		return want(len(testCluster.writes.in(webhook.Namespace)), writes)
	})
}

func request(webhook *v1alpha1.WhatsAppWebhook) ctrl.Request {
	return ctrl.Request{NamespacedName: client.ObjectKeyFromObject(webhook)}
}

// settle waits until the resource is worked and reconciling it again writes nothing.
func settle(t *testing.T, webhook *v1alpha1.WhatsAppWebhook) {
	t.Helper()
	calm := 0
	eventually(t, func() error {
		if err := testCluster.Get(t.Context(), client.ObjectKeyFromObject(webhook), webhook); err != nil {
			return err
		}
		if webhook.Status.ObservedGeneration != webhook.Generation {
			return fmt.Errorf("the status is of generation %d; want %d", webhook.Status.ObservedGeneration, webhook.Generation)
		}
		writes := len(testCluster.writes.in(webhook.Namespace))
		if _, err := testCluster.reconciler.Reconcile(t.Context(), request(webhook)); err != nil {
			return err
		}
		if got := len(testCluster.writes.in(webhook.Namespace)); got != writes {
			calm = 0
			return fmt.Errorf("the operator still writes: %d requests", got-writes)
		}
		calm++
		return want(calm >= 3, true)
	})
}
