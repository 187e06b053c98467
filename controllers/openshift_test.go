// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/apiserver"
)

// TestIngressFollowsOpenShift installs the group of OpenShift's routes while the operator runs, and removes it. It is not
// parallel, because each change concerns the Ingresses of all resources.
func TestIngressFollowsOpenShift(t *testing.T) {
	webhook := newWebhook(testCluster.NewNamespace(t), "sales")
	webhook.Spec.Ingress.Host = "hooks.example.com"
	testCluster.MustCreate(t, webhook)

	pathType := func(wanted networkingv1.PathType) func() error {
		return func() error {
			ingress := &networkingv1.Ingress{ObjectMeta: named(webhook, "sales")}
			if err := testCluster.Get(t.Context(), client.ObjectKeyFromObject(ingress), ingress); err != nil {
				return err
			}

			return want(*ingress.Spec.Rules[0].HTTP.Paths[0].PathType, wanted)
		}
	}
	apiserver.Eventually(t, pathType(networkingv1.PathTypeExact))

	for range 2 {
		routes := envtest.CRDInstallOptions{
			Paths:   []string{"testdata/crds/route.openshift.io_routes.yaml"},
			MaxTime: apiserver.Timeout,
		}

		crds, err := envtest.InstallCRDs(testCluster.Admin, routes)
		if err != nil {
			t.Fatal(err)
		}

		apiserver.Eventually(t, pathType(networkingv1.PathTypePrefix))

		if err := envtest.UninstallCRDs(testCluster.Admin, envtest.CRDInstallOptions{CRDs: crds}); err != nil {
			t.Fatal(err)
		}

		apiserver.Eventually(t, pathType(networkingv1.PathTypeExact))
	}

	waitUntilSettled(t, webhook)
}
