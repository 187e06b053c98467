// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/apiserver"
)

// usePostgreSQL sets the PostgreSQL store, which most features require.
func usePostgreSQL(s *v1alpha1.WhatsAppWebhookSpec) {
	s.Store.Embedded = nil
	s.Store.PostgreSQL.URLSecretRef = v1alpha1.SecretKeyReference{Name: "database", Key: "url"}
}

// named returns the metadata of an object of the resource.
func named(webhook *v1alpha1.WhatsAppWebhook, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: webhook.Namespace, Name: name}
}

// wantChildren returns a check of the kinds and names of all objects of the resource.
func wantChildren(t *testing.T, webhook *v1alpha1.WhatsAppWebhook, wanted ...string) func() error {
	t.Helper()
	slices.Sort(wanted)

	return func() error { return want(slices.Sorted(maps.Keys(children(t, webhook))), wanted) }
}

func TestEveryFeatureHasItsObject(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(testCluster.NewNamespace(t), "sales")
	usePostgreSQL(&webhook.Spec)
	webhook.Spec.Receiver.Autoscaling.MaxReplicas = 5
	webhook.Spec.Receiver.PodDisruptionBudget.MaxUnavailable = new(int32(1))
	webhook.Spec.NetworkPolicy.State = v1alpha1.Enabled
	webhook.Spec.Gateway = v1alpha1.GatewaySpec{Host: "hooks.example.com", ParentRefs: []v1alpha1.GatewayReference{{Name: "public"}}}
	webhook.Spec.Bird.Media.Transport = v1alpha1.MediaTransportURL
	webhook.Spec.MessagesAPI = v1alpha1.MessagesAPISpec{
		Keys:     []v1alpha1.MessagesAPIKey{{SecretRef: v1alpha1.SecretKeyReference{Name: "bird", Key: "messages"}}},
		Exposure: v1alpha1.ExposurePublic,
	}
	webhook.Spec.Monitoring = v1alpha1.MonitoringSpec{
		ServiceMonitor:   v1alpha1.ServiceMonitorSpec{State: v1alpha1.Enabled},
		PrometheusRule:   v1alpha1.PrometheusRuleSpec{State: v1alpha1.Enabled},
		GrafanaDashboard: v1alpha1.GrafanaDashboardSpec{State: v1alpha1.Enabled},
	}
	testCluster.MustCreate(t, webhook)

	always := []string{"ServiceAccount sales", "ConfigMap sales-config", "Deployment sales", "Service sales", "Service sales-admin"}
	apiserver.Eventually(t, wantChildren(t, webhook, append(slices.Clone(always),
		"HorizontalPodAutoscaler sales", "PodDisruptionBudget sales", "NetworkPolicy sales", "HTTPRoute sales", "Service sales-messages",
		"ServiceMonitor sales", "PrometheusRule sales", "ConfigMap sales-dashboard")...))
	apiserver.Eventually(t, wantConditions(t, webhook, map[string]string{
		"Ready":               "False Progressing",
		"Reconciling":         "True Progressing",
		"Available":           "False Progressing",
		"Exposed":             "False RoutePending",
		"ExtensionsAvailable": "True ExtensionsServed",
	}))

	route := apiserver.MustGet(t, testCluster.Server, &gatewayv1.HTTPRoute{ObjectMeta: named(webhook, "sales")})
	if err := want(len(route.Spec.Rules), 3); err != nil {
		t.Errorf("rules of the webhook, of media and of the messages API: %v", err)
	}

	route.Status.Parents = []gatewayv1.RouteParentStatus{{
		ParentRef: gatewayv1.ParentReference{Name: "public"}, ControllerName: "example.com/gateway",
		Conditions: []metav1.Condition{
			{
				Type:               "Accepted",
				Status:             metav1.ConditionTrue,
				Reason:             "Accepted",
				ObservedGeneration: route.Generation,
				LastTransitionTime: metav1.Now(),
			},
			{
				Type:               "ResolvedRefs",
				Status:             metav1.ConditionTrue,
				Reason:             "ResolvedRefs",
				ObservedGeneration: route.Generation,
				LastTransitionTime: metav1.Now(),
			},
		},
	}}
	if err := testCluster.Status().Update(t.Context(), route); err != nil {
		t.Fatal(err)
	}

	apiserver.Eventually(t, func() error {
		return wantConditions(t, webhook, map[string]string{
			"Ready":               "False Progressing",
			"Reconciling":         "True Progressing",
			"Available":           "False Progressing",
			"Exposed":             "True RouteAccepted",
			"ExtensionsAvailable": "True ExtensionsServed",
		})()
	})
	waitUntilSettled(t, webhook)

	change(t, webhook, func(w *v1alpha1.WhatsAppWebhook) {
		w.Spec = newWebhook("", "").Spec
		usePostgreSQL(&w.Spec)
	})
	apiserver.Eventually(t, wantChildren(t, webhook, always...))
}

// TestSwitchingStoreAndExposure switches both ways, since the API server rejects fields that one kind of store or exposure
// leaves behind in another.
func TestSwitchingStoreAndExposure(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(testCluster.NewNamespace(t), "sales")
	testCluster.MustCreate(t, webhook)
	waitUntilSettled(t, webhook)
	deployment := &appsv1.Deployment{ObjectMeta: named(webhook, "sales")}

	base := []string{"ServiceAccount sales", "ConfigMap sales-config", "Deployment sales", "Service sales", "Service sales-admin", "PersistentVolumeClaim sales-store"}
	for range 2 {
		change(t, webhook, func(w *v1alpha1.WhatsAppWebhook) {
			usePostgreSQL(&w.Spec)
			w.Spec.Ingress = v1alpha1.IngressSpec{Host: "hooks.example.com"}
			w.Spec.Gateway = v1alpha1.GatewaySpec{}
		})
		// The claim stays: it holds the deliveries acknowledged to Meta.
		apiserver.Eventually(t, wantChildren(t, webhook, append(slices.Clone(base), "Ingress sales")...))
		apiserver.Eventually(t, func() error {
			strategy := apiserver.MustGet(t, testCluster.Server, deployment).Spec.Strategy.Type

			return errors.Join(
				want(strategy, appsv1.RollingUpdateDeploymentStrategyType),
				want(mounts(deployment, "sales-store"), false),
			)
		})
		waitUntilSettled(t, webhook)

		change(t, webhook, func(w *v1alpha1.WhatsAppWebhook) {
			w.Spec.Store = v1alpha1.StoreSpec{}
			w.Spec.Ingress = v1alpha1.IngressSpec{}
			w.Spec.Gateway = v1alpha1.GatewaySpec{Host: "hooks.example.com", ParentRefs: []v1alpha1.GatewayReference{{Name: "public"}}}
		})
		apiserver.Eventually(t, wantChildren(t, webhook, append(slices.Clone(base), "HTTPRoute sales")...))
		apiserver.Eventually(t, func() error {
			strategy := apiserver.MustGet(t, testCluster.Server, deployment).Spec.Strategy.Type

			return errors.Join(
				want(strategy, appsv1.RecreateDeploymentStrategyType),
				want(mounts(deployment, "sales-store"), true),
			)
		})
		waitUntilSettled(t, webhook)
	}
}

func mounts(deployment *appsv1.Deployment, claim string) bool {
	return slices.ContainsFunc(deployment.Spec.Template.Spec.Volumes, func(v corev1.Volume) bool {
		return v.PersistentVolumeClaim != nil && v.PersistentVolumeClaim.ClaimName == claim
	})
}

func TestReplicasAreHandedOver(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(testCluster.NewNamespace(t), "sales")
	usePostgreSQL(&webhook.Spec)
	webhook.Spec.Receiver.Replicas = new(int32(3))
	// The default request differs with autoscaling by CPU.
	webhook.Spec.Receiver.Resources = &corev1.ResourceRequirements{
		Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1")},
	}
	testCluster.MustCreate(t, webhook)
	waitUntilSettled(t, webhook)
	deployment := apiserver.MustGet(t, testCluster.Server, &appsv1.Deployment{ObjectMeta: named(webhook, "sales")})
	generation := deployment.Generation

	// replicas checks the number once the operator has nothing left to write.
	replicas := func(wanted int32) {
		t.Helper()
		waitUntilSettled(t, webhook)

		if got := *apiserver.MustGet(t, testCluster.Server, deployment).Spec.Replicas; got != wanted {
			t.Fatalf("%d replicas; want %d", got, wanted)
		}
	}
	scale := func(to int32) {
		t.Helper()

		wanted := &autoscalingv1.Scale{Spec: autoscalingv1.ScaleSpec{Replicas: to}}
		if err := testCluster.SubResource("scale").Update(t.Context(), deployment, client.WithSubResourceBody(wanted), client.FieldOwner("kube-controller-manager")); err != nil {
			t.Fatal(err)
		}
	}

	replicas(3)

	autoscale := func(w *v1alpha1.WhatsAppWebhook) {
		w.Spec.Receiver.Replicas = nil
		w.Spec.Receiver.Autoscaling.MaxReplicas = 10
	}
	change(t, webhook, autoscale)
	apiserver.Eventually(t, func() error {
		return want(slices.Contains(slices.Collect(maps.Keys(children(t, webhook))), "HorizontalPodAutoscaler sales"), true)
	})
	replicas(3)

	if got := apiserver.MustGet(t, testCluster.Server, deployment).Generation; got != generation {
		t.Errorf("the Deployment's spec changed %d times during the handover", got-generation)
	}

	scale(7)
	replicas(7)
	change(t, webhook, func(w *v1alpha1.WhatsAppWebhook) { w.Spec.Receiver.LogLevel = v1alpha1.LogLevelDebug })
	replicas(7)

	change(t, webhook, func(w *v1alpha1.WhatsAppWebhook) { w.Spec.Receiver.Autoscaling = v1alpha1.AutoscalingSpec{} })
	apiserver.Eventually(t, func() error {
		return want(slices.Contains(slices.Collect(maps.Keys(children(t, webhook))), "HorizontalPodAutoscaler sales"), false)
	})
	replicas(7) // the spec names no number
	change(t, webhook, func(w *v1alpha1.WhatsAppWebhook) { w.Spec.Receiver.Replicas = new(int32(2)) })
	apiserver.Eventually(t, func() error { return want(*apiserver.MustGet(t, testCluster.Server, deployment).Spec.Replicas, 2) })
	scale(4)
	apiserver.Eventually(t, func() error { return want(*apiserver.MustGet(t, testCluster.Server, deployment).Spec.Replicas, 2) })

	change(t, webhook, autoscale)
	replicas(2)
	scale(6)
	replicas(6)

	// The number also stays if the field is given up without an autoscaler.
	change(t, webhook, func(w *v1alpha1.WhatsAppWebhook) { w.Spec.Receiver = v1alpha1.ReceiverSpec{Replicas: new(int32(5))} })
	apiserver.Eventually(t, func() error { return want(*apiserver.MustGet(t, testCluster.Server, deployment).Spec.Replicas, 5) })
	change(t, webhook, func(w *v1alpha1.WhatsAppWebhook) { w.Spec.Receiver = v1alpha1.ReceiverSpec{} })
	replicas(5)
}

// TestOnlySettingsOfTheStartRollPods checks that other changes leave the Deployment's generation, and so its pods, as they are.
func TestOnlySettingsOfTheStartRollPods(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(testCluster.NewNamespace(t), "sales")
	testCluster.MustCreate(t, webhook)
	waitUntilSettled(t, webhook)

	deployment := apiserver.MustGet(t, testCluster.Server, &appsv1.Deployment{ObjectMeta: named(webhook, "sales")})
	for name, test := range map[string]struct {
		edit  func(*v1alpha1.WhatsAppWebhookSpec)
		rolls bool
	}{
		"network policy": {func(s *v1alpha1.WhatsAppWebhookSpec) { s.NetworkPolicy.State = v1alpha1.Enabled }, false},
		"monitoring":     {func(s *v1alpha1.WhatsAppWebhookSpec) { s.Monitoring.ServiceMonitor.State = v1alpha1.Enabled }, false},
		"ingress":        {func(s *v1alpha1.WhatsAppWebhookSpec) { s.Ingress.Host = "hooks.example.com" }, false},
		"disruptions":    {func(s *v1alpha1.WhatsAppWebhookSpec) { s.Receiver.PodDisruptionBudget.MaxUnavailable = new(int32(0)) }, false},
		"processing":     {func(s *v1alpha1.WhatsAppWebhookSpec) { s.Processing.FallbackText = "Later." }, false},
		"service":        {func(s *v1alpha1.WhatsAppWebhookSpec) { s.Service.Type = corev1.ServiceTypeNodePort }, false},
		"start settings": {func(s *v1alpha1.WhatsAppWebhookSpec) { s.Receiver.LogLevel = v1alpha1.LogLevelDebug }, true},
	} {
		before := apiserver.MustGet(t, testCluster.Server, deployment).Generation
		change(t, webhook, func(w *v1alpha1.WhatsAppWebhook) { test.edit(&w.Spec) })
		waitUntilSettled(t, webhook)

		if rolled := apiserver.MustGet(t, testCluster.Server, deployment).Generation != before; rolled != test.rolls {
			t.Errorf("%s: pods replaced: %v; want %v", name, rolled, test.rolls)
		}
	}
}

// TestGitOpsAppliesRepeatedly applies the resource by server-side apply as GitOps tools do, again and again.
func TestGitOpsAppliesRepeatedly(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(testCluster.NewNamespace(t), "sales")
	webhook.Spec.Ingress.Host = "hooks.example.com"
	inGit := webhook.DeepCopy()
	apply := func(manager string, force bool) string {
		t.Helper()
		object := toUnstructured(t, inGit)

		options := []client.ApplyOption{client.FieldOwner(manager)}
		if force {
			options = append(options, client.ForceOwnership)
		}

		if err := testCluster.Apply(t.Context(), client.ApplyConfigurationFromUnstructured(object), options...); err != nil {
			t.Fatalf("%s applies: %v", manager, err)
		}

		return object.GetResourceVersion()
	}
	apply("argocd-controller", false)
	waitUntilSettled(t, webhook)

	before := apiserver.MustGet(t, testCluster.Server, webhook).ResourceVersion
	if got := apply("argocd-controller", false); got != before {
		t.Errorf("applying the same again after a reconciliation changed the resource")
	}

	apply("flux", false) // no conflict: both apply the same

	for _, entry := range apiserver.MustGet(t, testCluster.Server, webhook).ManagedFields {
		if entry.Manager != "argocd-controller" && entry.Manager != "flux" && entry.Subresource != "status" {
			t.Errorf("%s owns fields of the resource: %s", entry.Manager, entry.FieldsV1)
		}
	}

	if len(webhook.Labels)+len(webhook.Annotations) > 0 {
		t.Errorf("the operator wrote labels or annotations: %v %v", webhook.Labels, webhook.Annotations)
	}

	inGit.Spec.Ingress.Host = "other.example.com"

	apply("argocd-controller", true)
	waitUntilSettled(t, webhook)

	if want := fmt.Sprintf("https://%s/webhooks/whatsapp", inGit.Spec.Ingress.Host); webhook.Status.URL != want {
		t.Errorf("status.url %q; want %q", webhook.Status.URL, want)
	}
}
