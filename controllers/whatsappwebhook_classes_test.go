// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"errors"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/apiserver"
)

// TestClassesStay takes the classes of the volume and of the Ingress out of the spec. The API server chooses the default class
// only at the creation of an object, so without the former class the claim would be refused and the Ingress have none.
func TestClassesStay(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(testCluster.NewNamespace(t), "sales")
	webhook.Spec.Ingress = v1alpha1.IngressSpec{Host: "hooks.example.com", ClassName: "public"}
	class := fixedClass(t)
	webhook.Spec.Store.Embedded = &v1alpha1.EmbeddedStore{StorageClassName: &class}
	testCluster.MustCreate(t, webhook)
	waitUntilSettled(t, webhook)

	ingress := &networkingv1.Ingress{ObjectMeta: named(webhook, "sales")}
	claim := &corev1.PersistentVolumeClaim{ObjectMeta: named(webhook, "sales-store")}
	value := func(class *string) string {
		if class == nil {
			return "none"
		}

		return *class
	}
	wantClasses := func(ofIngress, ofClaim string) {
		t.Helper()
		apiserver.Eventually(t, wantConditions(t, webhook, progressing(map[string]string{"Exposed": "False AddressPending"})))
		apiserver.Eventually(t, func() error {
			return errors.Join(
				want(value(apiserver.MustGet(t, testCluster.Server, ingress).Spec.IngressClassName), ofIngress),
				want(value(apiserver.MustGet(t, testCluster.Server, claim).Spec.StorageClassName), ofClaim),
			)
		})
	}
	wantClasses("public", class)

	change(t, webhook, func(w *v1alpha1.WhatsAppWebhook) {
		w.Spec.Ingress.ClassName = ""
		w.Spec.Store.Embedded = nil
	})
	wantClasses("public", class)
	waitUntilSettled(t, webhook)
	wantClasses("public", class)

	change(t, webhook, func(w *v1alpha1.WhatsAppWebhook) { w.Spec.Ingress.ClassName = "internal" })
	wantClasses("internal", class)

	// A class in the annotation takes the place of the field.
	change(t, webhook, func(w *v1alpha1.WhatsAppWebhook) {
		w.Spec.Ingress.ClassName = ""
		w.Spec.Ingress.Annotations = map[string]string{"kubernetes.io/ingress.class": "gce"}
	})
	wantClasses("none", class)
}
