// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/apiserver"
)

// TestPauseEnds removes the number 0 from the spec, which leaves the number to others. One pod starts, as at the creation.
func TestPauseEnds(t *testing.T) {
	t.Parallel()

	for name, resume := range map[string]func(*v1alpha1.WhatsAppWebhook){
		"without a number": func(w *v1alpha1.WhatsAppWebhook) { w.Spec.Receiver.Replicas = nil },
		"with an autoscaler": func(w *v1alpha1.WhatsAppWebhook) {
			w.Spec.Receiver.Replicas = nil
			w.Spec.Receiver.Autoscaling.MaxReplicas = 10
		},
		"with another store": func(w *v1alpha1.WhatsAppWebhook) {
			w.Spec.Receiver.Replicas = nil
			w.Spec.Store = v1alpha1.StoreSpec{}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			webhook := newWebhook(testCluster.NewNamespace(t), "sales")
			usePostgreSQL(&webhook.Spec)
			webhook.Spec.Receiver.Replicas = new(int32(3))
			testCluster.MustCreate(t, webhook)
			waitUntilSettled(t, webhook)

			wantReplicas := func(wanted int32) {
				t.Helper()
				apiserver.Eventually(t, func() error {
					deployment := apiserver.MustGet(t, testCluster.Server, &appsv1.Deployment{ObjectMeta: named(webhook, "sales")})

					return want(*deployment.Spec.Replicas, wanted)
				})
			}

			change(t, webhook, func(w *v1alpha1.WhatsAppWebhook) { w.Spec.Receiver.Replicas = new(int32(0)) })
			wantReplicas(0)
			change(t, webhook, resume)
			wantReplicas(1)
		})
	}
}
