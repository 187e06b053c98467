// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/apiserver"
)

// TestClaimOfAnotherOperator lets a resource name the claim of a resource that another operator reconciles.
func TestClaimOfAnotherOperator(t *testing.T) {
	c := startCluster(t)
	c.grant(t, "../../config/rbac/role.yaml")
	c.MustCreate(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shared"}})

	first := webhook("shared")
	first.Labels = map[string]string{"operator": "blue"}
	c.MustCreate(t, first)
	c.start(t, "--watch-label-selector=operator=blue")
	c.wantDeployment(t, "shared")

	second := webhook("shared")
	second.Name = "support"
	second.Labels = map[string]string{"operator": "green"}
	second.Spec.Store.Embedded = &v1alpha1.EmbeddedStore{ExistingClaim: "sales-store"}
	c.MustCreate(t, second)

	m := c.start(t, "--watch-label-selector=operator=green")
	m.wantReady(t, 200)
	apiserver.Eventually(t, func() error {
		ready := meta.FindStatusCondition(apiserver.MustGet(t, c.Server, second).Status.Conditions, v1alpha1.ConditionReady)
		if ready == nil || ready.Reason != v1alpha1.ReasonClaimInUse {
			return fmt.Errorf("Ready is %+v; want the reason %s", ready, v1alpha1.ReasonClaimInUse)
		}

		return nil
	})

	deployment := &appsv1.Deployment{}
	if err := c.Get(t.Context(), client.ObjectKey{Namespace: "shared", Name: "support"}, deployment); !apierrors.IsNotFound(err) {
		t.Errorf("a Deployment mounts the claim of the other resource: %v", err)
	}
}
