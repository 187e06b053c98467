// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/apiserver"
)

// TestLabelOfRetainedClaimsKeepsNoObject gives every object the label by which a claim stays when its resource is deleted.
func TestLabelOfRetainedClaimsKeepsNoObject(t *testing.T) {
	t.Parallel()

	webhook := newWebhook(testCluster.NewNamespace(t), "sales")
	webhook.Spec.CommonMetadata.Labels = map[string]string{"team": "sales", labelWhenDeleted: string(v1alpha1.WhenDeletedRetain)}
	webhook.Spec.Service.Labels = map[string]string{labelWhenDeleted: string(v1alpha1.WhenDeletedRetain)}
	testCluster.MustCreate(t, webhook)

	apiserver.Eventually(t, wantChildren(t, webhook,
		"ServiceAccount sales", "ConfigMap sales-config", "Deployment sales", "Service sales", "Service sales-admin",
		"PersistentVolumeClaim sales-store"))
	waitUntilSettled(t, webhook)
}

// requireMetadata creates a policy that denies every object of the namespace without the label team and the annotation owner,
// and waits until it is in force.
func requireMetadata(t *testing.T, namespace string) {
	t.Helper()

	name := "metadata-" + namespace
	policy := &admissionv1.ValidatingAdmissionPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: admissionv1.ValidatingAdmissionPolicySpec{
			MatchConstraints: &admissionv1.MatchResources{
				NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: namespace}},
				ResourceRules: []admissionv1.NamedRuleWithOperations{{RuleWithOperations: admissionv1.RuleWithOperations{
					Operations: []admissionv1.OperationType{admissionv1.Create, admissionv1.Update},
					Rule: admissionv1.Rule{
						APIGroups:   []string{"*"},
						APIVersions: []string{"*"},
						Resources: []string{
							"serviceaccounts", "configmaps", "persistentvolumeclaims", "services", "pods", "deployments", "ingresses",
							"networkpolicies", "horizontalpodautoscalers", "poddisruptionbudgets", "httproutes", "servicemonitors",
							"prometheusrules", "scaledobjects",
						},
					},
				}}},
			},
			Validations: []admissionv1.Validation{{
				Expression: "has(object.metadata.labels) && 'team' in object.metadata.labels && " +
					"has(object.metadata.annotations) && 'owner' in object.metadata.annotations",
				Message: "the label team and the annotation owner are required",
			}},
		},
	}
	binding := &admissionv1.ValidatingAdmissionPolicyBinding{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: admissionv1.ValidatingAdmissionPolicyBindingSpec{
			PolicyName:        name,
			ValidationActions: []admissionv1.ValidationAction{admissionv1.Deny},
		},
	}

	testCluster.MustCreate(t, policy)
	testCluster.MustCreate(t, binding)
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		if err := errors.Join(testCluster.Delete(ctx, binding), testCluster.Delete(ctx, policy)); err != nil {
			t.Log(err)
		}
	})

	apiserver.Eventually(t, func() error {
		plain := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, GenerateName: "plain-"}}

		err := testCluster.Create(t.Context(), plain, client.DryRunAll)
		if !apierrors.IsInvalid(err) {
			return fmt.Errorf("the policy is not in force yet: %w", err)
		}

		return nil
	})
}

// TestCommonMetadataMeetsAPolicy creates every kind of object in a namespace whose policy requires a label and an annotation.
func TestCommonMetadataMeetsAPolicy(t *testing.T) {
	t.Parallel()

	namespace := testCluster.NewNamespace(t)
	requireMetadata(t, namespace)

	common := v1alpha1.Metadata{Labels: map[string]string{"team": "sales"}, Annotations: map[string]string{"owner": "ana"}}

	embedded := newWebhook(namespace, "embedded")
	embedded.Spec.CommonMetadata = common
	embedded.Spec.Ingress.Host = "hooks.example.com"

	shared := newWebhook(namespace, "shared")
	shared.Spec.CommonMetadata = common
	usePostgreSQL(&shared.Spec)
	shared.Spec.Receiver.Autoscaling.MaxReplicas = 5
	shared.Spec.Receiver.PodDisruptionBudget.MaxUnavailable = new(int32(1))
	shared.Spec.NetworkPolicy.State = v1alpha1.Enabled
	shared.Spec.Gateway = v1alpha1.GatewaySpec{Host: "hooks.example.com", ParentRefs: []v1alpha1.GatewayReference{{Name: "public"}}}
	shared.Spec.MessagesAPI.Keys = []v1alpha1.MessagesAPIKey{{SecretRef: v1alpha1.SecretKeyReference{Name: "bird", Key: "messages"}}}
	shared.Spec.Monitoring = v1alpha1.MonitoringSpec{
		ServiceMonitor:   v1alpha1.ServiceMonitorSpec{State: v1alpha1.Enabled},
		PrometheusRule:   v1alpha1.PrometheusRuleSpec{State: v1alpha1.Enabled},
		GrafanaDashboard: v1alpha1.GrafanaDashboardSpec{State: v1alpha1.Enabled},
	}

	of := func(name string) []string {
		return []string{
			"ServiceAccount " + name, "ConfigMap " + name + "-config", "Deployment " + name, "Service " + name, "Service " + name + "-admin",
		}
	}

	for webhook, wanted := range map[*v1alpha1.WhatsAppWebhook][]string{
		embedded: append(of("embedded"), "PersistentVolumeClaim embedded-store", "Ingress embedded"),
		shared: append(of("shared"),
			"HorizontalPodAutoscaler shared", "PodDisruptionBudget shared", "NetworkPolicy shared", "HTTPRoute shared", "Service shared-messages",
			"ServiceMonitor shared", "PrometheusRule shared", "ConfigMap shared-dashboard"),
	} {
		testCluster.MustCreate(t, webhook)
		apiserver.Eventually(t, wantChildren(t, webhook, slices.Clone(wanted)...))
		waitUntilSettled(t, webhook)

		deployment := apiserver.MustGet(t, testCluster.Server, &appsv1.Deployment{ObjectMeta: named(webhook, webhook.Name)})
		account := &corev1.ServiceAccount{ObjectMeta: named(webhook, webhook.Name)}
		apiserver.MustGet(t, testCluster.Server, account)

		if err := createPod(t, namespace, deployment.Spec.Template); err != nil {
			t.Errorf("the pod is denied: %v", err)
		}
	}

	// Another value reaches every object, also the claim.
	change(t, embedded, func(w *v1alpha1.WhatsAppWebhook) { w.Spec.CommonMetadata.Labels["team"] = "support" })
	waitUntilSettled(t, embedded)

	for object, got := range children(t, embedded) {
		if team := got.GetLabels()["team"]; team != "support" {
			t.Errorf("%s has the team %q; want support", object, team)
		}
	}
}
