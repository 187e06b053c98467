// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"errors"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/apiserver"
)

// templateOf returns the pod template of a resource, once the operator has nothing left to write.
func templateOf(t *testing.T, webhook *v1alpha1.WhatsAppWebhook) corev1.PodTemplateSpec {
	t.Helper()
	waitUntilSettled(t, webhook)

	return apiserver.MustGet(t, testCluster.Server, &appsv1.Deployment{ObjectMeta: named(webhook, webhook.Name)}).Spec.Template
}

// TestSecurityContextsOfTheCluster gives the choice of the users to the cluster, as OpenShift demands it, and takes it back.
func TestSecurityContextsOfTheCluster(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(testCluster.NewNamespace(t), "sales")
	testCluster.MustCreate(t, webhook)
	before := templateOf(t, webhook)

	change(t, webhook, func(w *v1alpha1.WhatsAppWebhook) {
		w.Spec.Receiver.PodSecurityContext = &corev1.PodSecurityContext{}
		w.Spec.Receiver.SecurityContext = &corev1.SecurityContext{AllowPrivilegeEscalation: new(false)}
	})

	open := templateOf(t, webhook)
	if err := errors.Join(
		want(open.Spec.SecurityContext, &corev1.PodSecurityContext{}),
		want(open.Spec.Containers[0].SecurityContext, &corev1.SecurityContext{AllowPrivilegeEscalation: new(false)}),
	); err != nil {
		t.Error(err)
	}

	if err := createPod(t, webhook.Namespace, open); err != nil {
		t.Errorf("the pod is rejected: %v", err)
	}

	change(t, webhook, func(w *v1alpha1.WhatsAppWebhook) {
		w.Spec.Receiver.PodSecurityContext = nil
		w.Spec.Receiver.SecurityContext = nil
	})

	if err := want(templateOf(t, webhook), before); err != nil {
		t.Errorf("the template after the contexts were removed: %v", err)
	}
}

// TestEnvironmentOfReceivers refers to a Secret that the operator may not read.
func TestEnvironmentOfReceivers(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(testCluster.NewNamespace(t), "sales")
	webhook.Spec.Receiver.Proxy = v1alpha1.ProxySpec{HTTPSURL: "http://proxy.example.com:3128", NoProxy: []string{"example.org"}}
	webhook.Spec.Receiver.Env = []corev1.EnvVar{
		{Name: "EMPTY"},
		{Name: "KEY", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
			LocalObjectReference: corev1.LocalObjectReference{Name: "collector"},
			Key:                  "key",
		}}},
	}
	testCluster.MustCreate(t, webhook)

	template := templateOf(t, webhook)

	var names []string
	for _, variable := range template.Spec.Containers[0].Env {
		names = append(names, variable.Name+"="+variable.Value)
	}

	if err := want(names, []string{
		"GOMEMLIMIT=241591905",
		"HTTPS_PROXY=http://proxy.example.com:3128",
		"NO_PROXY=localhost,127.0.0.1,::1,.svc,.cluster.local,example.org",
		"EMPTY=",
		"KEY=",
	}); err != nil {
		t.Error(err)
	}

	if err := createPod(t, webhook.Namespace, template); err != nil {
		t.Errorf("the pod is rejected: %v", err)
	}

	change(t, webhook, func(w *v1alpha1.WhatsAppWebhook) {
		w.Spec.Receiver.Env = nil
		w.Spec.Receiver.Proxy = v1alpha1.ProxySpec{}
	})

	if got := templateOf(t, webhook).Spec.Containers[0].Env; len(got) != 1 {
		t.Errorf("variables %v; want GOMEMLIMIT only", got)
	}
}

// TestPodTemplateIsPatched applies a patch, changes it to a wrong one, and removes it.
func TestPodTemplateIsPatched(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(testCluster.NewNamespace(t), "sales")
	testCluster.MustCreate(t, webhook)
	before := templateOf(t, webhook)

	patch := func(text string) {
		t.Helper()
		change(t, webhook, func(w *v1alpha1.WhatsAppWebhook) {
			w.Spec.Receiver.PodTemplatePatch = &runtime.RawExtension{Raw: []byte(text)}
		})
	}

	patch(`{
		"metadata": {"labels": {"app.kubernetes.io/instance": null, "team": "sales"}},
		"spec": {
			"hostAliases": [{"ip": "10.0.0.9", "hostnames": ["bridge.example.com"]}],
			"dnsConfig": {"options": [{"name": "ndots", "value": "1"}]},
			"initContainers": [{"name": "wait", "image": "registry.example.com/wait:v1"}],
			"containers": [
				{"name": "receiver", "startupProbe": null, "volumeMounts": [{"name": "trust", "mountPath": "/etc/ssl/certs"}]},
				{"name": "shipper", "image": "registry.example.com/shipper:v1"}
			],
			"volumes": [{"name": "trust", "configMap": {"name": "trust"}}, {"name": "store", "$patch": "delete"}, {"name": "store", "emptyDir": {}}]
		}
	}`)

	patched := templateOf(t, webhook)
	containers := patched.Spec.Containers

	if err := errors.Join(
		want(patched.Labels["team"], "sales"),
		want(patched.Labels["app.kubernetes.io/instance"], "sales"),
		want(patched.Spec.HostAliases, []corev1.HostAlias{{IP: "10.0.0.9", Hostnames: []string{"bridge.example.com"}}}),
		want(len(patched.Spec.InitContainers), 1),
		want(len(containers), 2),
		want(containers[0].Name, "receiver"),
		want(containers[0].StartupProbe, nil),
		want(containers[0].LivenessProbe, before.Spec.Containers[0].LivenessProbe),
		want(slices.ContainsFunc(patched.Spec.Volumes, func(v corev1.Volume) bool { return v.Name == "store" && v.EmptyDir != nil }), true),
	); err != nil {
		t.Error(err)
	}

	if err := createPod(t, webhook.Namespace, patched); err != nil {
		t.Errorf("the pod is rejected: %v", err)
	}

	patch(`{"spec":{"contaners":[]}}`)
	apiserver.Eventually(t, func() error {
		webhook := apiserver.MustGet(t, testCluster.Server, webhook)
		named := strings.Contains(readyMessage(webhook), `spec.receiver.podTemplatePatch: unknown field "spec.contaners"`)

		return errors.Join(want(named, true), want(readyReason(webhook), v1alpha1.ReasonInvalidSpec))
	})

	patch(`{"spec":{"$retainKeys":[{}]}}`)
	apiserver.Eventually(t, func() error {
		webhook := apiserver.MustGet(t, testCluster.Server, webhook)
		named := strings.Contains(readyMessage(webhook), "spec.receiver.podTemplatePatch: spec.$retainKeys: must be a list of strings")

		return errors.Join(want(named, true), want(readyReason(webhook), v1alpha1.ReasonInvalidSpec))
	})

	if got := apiserver.MustGet(t, testCluster.Server, &appsv1.Deployment{ObjectMeta: named(webhook, "sales")}); len(got.Spec.Template.Spec.Containers) != 2 {
		t.Error("a wrong patch changes the pods")
	}

	change(t, webhook, func(w *v1alpha1.WhatsAppWebhook) { w.Spec.Receiver.PodTemplatePatch = nil })

	if err := want(templateOf(t, webhook), before); err != nil {
		t.Errorf("the template after the patch was removed: %v", err)
	}
}

func readyReason(webhook *v1alpha1.WhatsAppWebhook) string {
	for _, condition := range webhook.Status.Conditions {
		if condition.Type == v1alpha1.ConditionReady {
			return condition.Reason
		}
	}

	return ""
}

// TestResourcesOfSimilarNames creates resources whose objects would have the same names without a hash.
func TestResourcesOfSimilarNames(t *testing.T) {
	t.Parallel()

	namespace := testCluster.NewNamespace(t)
	for _, name := range []string{"sales", "sales-admin", "sales-config", "sales-store", "sales-messages", "sales-dashboard"} {
		webhook := newWebhook(namespace, name)
		webhook.Spec.Monitoring.GrafanaDashboard.State = v1alpha1.Enabled
		webhook.Spec.MessagesAPI.Keys = []v1alpha1.MessagesAPIKey{{SecretRef: v1alpha1.SecretKeyReference{Name: "bird", Key: "messages"}}}
		testCluster.MustCreate(t, webhook)
		waitUntilSettled(t, webhook)

		if reason := readyReason(webhook); reason != v1alpha1.ReasonProgressing {
			t.Errorf("%s is not ready for the reason %s: %s", name, reason, readyMessage(webhook))
		}
	}
}

// TestScalingByCPU checks that the API server takes the autoscaler and the default request that it measures.
func TestScalingByCPU(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(testCluster.NewNamespace(t), "sales")
	usePostgreSQL(&webhook.Spec)
	webhook.Spec.Receiver.Autoscaling.MaxReplicas = 5
	testCluster.MustCreate(t, webhook)

	request := templateOf(t, webhook).Spec.Containers[0].Resources.Requests.Cpu().String()
	autoscaler := apiserver.MustGet(t, testCluster.Server, &autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: named(webhook, "sales")})

	source := autoscaler.Spec.Metrics[0].ContainerResource
	if source == nil {
		t.Fatalf("metrics %v; want the CPU of the receiver's container", autoscaler.Spec.Metrics)
	}

	if err := errors.Join(want(request, "500m"), want(source.Container, "receiver"), want(*source.Target.AverageUtilization, 70)); err != nil {
		t.Error(err)
	}
}
