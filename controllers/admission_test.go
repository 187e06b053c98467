// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/yaml"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/apiserver"
)

// newRestrictedNamespace creates a namespace that enforces the restricted Pod Security Standard.
func newRestrictedNamespace(t *testing.T) string {
	t.Helper()

	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		GenerateName: "restricted-", Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"},
	}}
	testCluster.MustCreate(t, namespace)

	return namespace.Name
}

// createPod creates a pod of the template, as a ReplicaSet would.
func createPod(t *testing.T, namespace string, template corev1.PodTemplateSpec) error {
	t.Helper()

	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: template.Spec.ServiceAccountName}}
	_ = testCluster.Create(t.Context(), account) // it exists for a receiver

	return testCluster.Create(t.Context(), &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:    namespace,
			GenerateName: "pod-",
			Labels:       template.Labels,
			Annotations:  template.Annotations,
		},
		Spec: template.Spec,
	})
}

func TestReceiverPodsMeetTheRestrictedStandard(t *testing.T) {
	t.Parallel()

	for name, edit := range map[string]func(*v1alpha1.WhatsAppWebhookSpec){
		"embedded":   func(*v1alpha1.WhatsAppWebhookSpec) {},
		"postgresql": usePostgreSQL,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			webhook := newWebhook(newRestrictedNamespace(t), "sales")
			edit(&webhook.Spec)
			testCluster.MustCreate(t, webhook)
			waitUntilSettled(t, webhook)

			deployment := apiserver.MustGet(t, testCluster.Server, &appsv1.Deployment{ObjectMeta: named(webhook, "sales")})
			if err := createPod(t, webhook.Namespace, deployment.Spec.Template); err != nil {
				t.Errorf("the pod is rejected: %v", err)
			}
			// A pod below the standard shows that the namespace enforces it.
			loose := deployment.Spec.Template.DeepCopy()
			loose.Spec.Containers[0].SecurityContext = nil

			if err := createPod(t, webhook.Namespace, *loose); err == nil {
				t.Error("a pod below the standard is accepted")
			}
		})
	}
}

func TestManagerPodMeetsTheRestrictedStandard(t *testing.T) {
	t.Parallel()

	data, err := os.ReadFile("../config/manager/manager.yaml")
	if err != nil {
		t.Fatal(err)
	}

	deployment := &appsv1.Deployment{}
	if err := yaml.Unmarshal(data, deployment); err != nil {
		t.Fatal(err)
	}

	if err := createPod(t, newRestrictedNamespace(t), deployment.Spec.Template); err != nil {
		t.Errorf("the pod is rejected: %v", err)
	}
}

// TestNoRightsOnSecrets checks every role in config: none grants access to Secrets, not even by a wildcard.
func TestNoRightsOnSecrets(t *testing.T) {
	t.Parallel()

	files, err := filepath.Glob("../config/rbac/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no roles: %v", err)
	}

	roles := 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}

		documents := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(data), 4096)
		for {
			role := &rbacv1.ClusterRole{} // a Role has the same rules
			if err := documents.Decode(role); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", file, err)
			}

			if len(role.Rules) > 0 {
				roles++
			}

			for _, rule := range role.Rules {
				wildcard := slices.Contains(slices.Concat(rule.Resources, rule.APIGroups, rule.Verbs), "*")
				if wildcard || slices.Contains(rule.Resources, "secrets") {
					t.Errorf("%s: role %s has the rule %v", file, role.Name, rule)
				}
			}
		}
	}

	if roles < 4 {
		t.Errorf("found %d roles, want at least 4", roles)
	}
}
