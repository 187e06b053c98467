// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"errors"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/apiserver"
)

// TestTypeOfTheServiceChanges changes the type in every direction. The API server allocates ports and sets defaults for one
// type that it refuses for another, and the operator owns neither.
func TestTypeOfTheServiceChanges(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(testCluster.NewNamespace(t), "sales")
	testCluster.MustCreate(t, webhook)
	waitUntilSettled(t, webhook)
	service := &corev1.Service{ObjectMeta: named(webhook, "sales")}

	clusterIP := v1alpha1.ServiceSpec{}
	nodePort := v1alpha1.ServiceSpec{Type: corev1.ServiceTypeNodePort}
	balanced := v1alpha1.ServiceSpec{
		Type:                     corev1.ServiceTypeLoadBalancer,
		LoadBalancerClass:        "example.com/internal",
		LoadBalancerSourceRanges: []string{"10.0.0.0/8"},
		ExternalTrafficPolicy:    corev1.ServiceExternalTrafficPolicyLocal,
		Annotations:              map[string]string{"example.com/scheme": "internal"},
		Labels:                   map[string]string{"exposed": "true"},
	}
	explicit := v1alpha1.ServiceSpec{Type: corev1.ServiceTypeClusterIP}

	for _, wanted := range []v1alpha1.ServiceSpec{nodePort, clusterIP, balanced, clusterIP, balanced, nodePort, balanced, explicit, balanced, clusterIP} {
		change(t, webhook, func(w *v1alpha1.WhatsAppWebhook) { w.Spec.Service = wanted })

		kind := wanted.Type
		if kind == "" {
			kind = corev1.ServiceTypeClusterIP
		}

		apiserver.Eventually(t, func() error {
			got := apiserver.MustGet(t, testCluster.Server, service)

			class := ""
			if got.Spec.LoadBalancerClass != nil {
				class = *got.Spec.LoadBalancerClass
			}

			return errors.Join(
				want(got.Spec.Type, kind),
				want(class, wanted.LoadBalancerClass),
				want(got.Spec.LoadBalancerSourceRanges, wanted.LoadBalancerSourceRanges),
				want(got.Spec.Ports[0].NodePort != 0, kind != corev1.ServiceTypeClusterIP),
				want(got.Spec.ExternalTrafficPolicy == "", kind == corev1.ServiceTypeClusterIP),
				want(got.Spec.HealthCheckNodePort != 0, wanted.ExternalTrafficPolicy == corev1.ServiceExternalTrafficPolicyLocal),
				want(got.Annotations, wanted.Annotations),
				want(got.Labels["exposed"], wanted.Labels["exposed"]),
			)
		})
		waitUntilSettled(t, webhook)
	}
}

// TestLoadBalancerOfTheService has a load balancer assign an address to the Service of a resource that is ready otherwise.
func TestLoadBalancerOfTheService(t *testing.T) {
	t.Parallel()

	webhook := newWebhook(testCluster.NewNamespace(t), "sales")
	webhook.Spec.Service.Type = corev1.ServiceTypeLoadBalancer
	testCluster.MustCreate(t, webhook)
	waitUntilSettled(t, webhook)
	setDeployed(t, webhook, 1)

	apiserver.Eventually(t, wantConditions(t, webhook, map[string]string{
		"Ready":       "False LoadBalancerPending",
		"Reconciling": "True LoadBalancerPending",
		"Available":   "True MinimumReplicasAvailable",
		"Exposed":     "False LoadBalancerPending",
	}))

	changeStatus(t, &corev1.Service{ObjectMeta: named(webhook, "sales")}, func(service *corev1.Service) {
		service.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{Hostname: "nlb.example.com"}}
	})
	apiserver.Eventually(t, wantConditions(t, webhook, map[string]string{
		"Ready":     "True Ready",
		"Available": "True MinimumReplicasAvailable",
		"Exposed":   "True AddressAssigned",
	}))
}
