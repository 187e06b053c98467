// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/apiserver"
)

// TestLimitsOfTenants checks what a manager with limits writes for resources that exceed them.
func TestLimitsOfTenants(t *testing.T) {
	c := startCluster(t)
	c.grant(t, "../../config/rbac/role.yaml")

	for _, name := range []string{"host", "alias", "image", "kind"} {
		c.MustCreate(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})
	}

	c.start(t,
		"--allowed-hosts=*.example.com",
		"--allowed-receiver-images=registry.example.com/*",
		"--disabled-kinds=ServiceMonitor,HTTPRoute",
	)

	host := webhook("host")
	host.Spec.Ingress.Host = "hooks.example.net"
	c.MustCreate(t, host)
	c.wantMessage(t, "host", v1alpha1.ConditionReady, `spec.ingress.host: the operator does not allow "hooks.example.net", only *.example.com`)

	alias := webhook("alias")
	alias.Spec.CommonMetadata.Annotations = map[string]string{"nginx.ingress.kubernetes.io/server-alias": "hooks.example.net"}
	c.MustCreate(t, alias)
	c.wantMessage(t, "alias", v1alpha1.ConditionReady,
		"spec.commonMetadata.annotations: the operator does not allow nginx.ingress.kubernetes.io/server-alias")

	image := webhook("image")
	image.Spec.Receiver.Image = "elsewhere.example.com/receiver"
	c.MustCreate(t, image)
	c.wantMessage(t, "image", v1alpha1.ConditionReady, `the operator does not allow "elsewhere.example.com/receiver"`)

	kind := webhook("kind")
	kind.Spec.Monitoring.ServiceMonitor.State = v1alpha1.Enabled
	c.MustCreate(t, kind)
	c.wantMessage(t, "kind", v1alpha1.ConditionExtensionsAvailable, "the operator does not use ServiceMonitor; remove it from --disabled-kinds")
	c.wantDeployment(t, "kind")

	monitors := &metav1.PartialObjectMetadataList{}
	monitors.SetGroupVersionKind(resources.ServiceMonitorKind)

	if err := c.List(t.Context(), monitors, client.InNamespace("kind")); err != nil || len(monitors.Items) > 0 {
		t.Errorf("%d ServiceMonitors were created, although the kind is disabled: %v", len(monitors.Items), err)
	}

	// An allowed host gets everything.
	apiserver.Change(t, c.Server, host, func(changed *v1alpha1.WhatsAppWebhook) {
		changed.Spec.Ingress.Host = "hooks.example.com"
	})

	c.wantDeployment(t, "host")
}
