// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
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
