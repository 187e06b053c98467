// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/apiserver"
)

// TestManagerOfSingleNamespaces runs the program as a user that has Roles in two namespaces and no rights on objects in
// any other.
func TestManagerOfSingleNamespaces(t *testing.T) {
	c := startCluster(t)
	for _, namespace := range []string{"home", "one", "two", "foreign"} {
		c.MustCreate(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}})
	}

	c.grant(t, "../../config/rbac/role.yaml", "one", "two")
	c.grant(t, "../../config/rbac/leader_election.yaml", "home")
	c.grant(t, "../../config/rbac/metrics.yaml")

	certificates := t.TempDir()
	writeCertificate(t, certificates, "first")
	m := c.start(t, "--namespaces=one,two", "--leader-elect", "--metrics-cert-dir="+certificates)

	for _, namespace := range []string{"one", "two", "foreign"} {
		c.MustCreate(t, webhook(namespace))
	}

	for _, namespace := range []string{"one", "two"} {
		apiserver.Eventually(t, func() error {
			return c.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "sales"}, &appsv1.Deployment{})
		})
	}

	deployments := &appsv1.DeploymentList{}
	if err := c.List(t.Context(), deployments, client.InNamespace("foreign")); err != nil || len(deployments.Items) != 0 {
		t.Errorf("%d Deployments in a namespace the manager does not watch: %v", len(deployments.Items), err)
	}

	t.Run("health", func(t *testing.T) {
		for _, path := range []string{"/healthz", "/readyz"} {
			if got := m.get(t, "http://"+m.probes+path, ""); got.code != http.StatusOK {
				t.Errorf("GET %s = %d, want 200", path, got.code)
			}
		}
	})
	t.Run("metrics require the right to read them", func(t *testing.T) {
		url := "https://" + m.metrics + "/metrics"
		if got := m.get(t, url, ""); got.code != http.StatusUnauthorized {
			t.Errorf("without a token: %d, want 401", got.code)
		}

		if got := m.get(t, url, c.token(t, "stranger", nil)); got.code != http.StatusForbidden {
			t.Errorf("with the token of a stranger: %d, want 403", got.code)
		}

		reader := []rbacv1.PolicyRule{{NonResourceURLs: []string{"/metrics"}, Verbs: []string{"get"}}}
		apiserver.Eventually(t, func() error {
			got := m.get(t, url, c.token(t, "reader", reader))
			if got.code != http.StatusOK || !strings.Contains(got.body, `controller_runtime_reconcile_total{controller="whatsappwebhook"`) {
				return fmt.Errorf("with the token of a reader: %d, want 200 and the reconciler's metrics", got.code)
			}

			return nil
		})
	})
	t.Run("a renewed certificate is used", func(t *testing.T) {
		if got := m.get(t, "https://"+m.metrics, "").certificate; got != "first" {
			t.Fatalf("the certificate is %q, want first", got)
		}

		writeCertificate(t, certificates, "second")
		apiserver.Eventually(t, func() error {
			if got := m.get(t, "https://"+m.metrics, "").certificate; got != "second" {
				return fmt.Errorf("the certificate is %q, want second", got)
			}

			return nil
		})
	})
	t.Run("a manager without the lease is ready", func(t *testing.T) {
		follower := c.start(t, "--namespaces=one,two", "--leader-elect")
		follower.wantReady(t, http.StatusOK, "ok")

		if strings.Contains(follower.log.String(), "Starting Controller") {
			t.Error("the follower has the lease")
		}
	})
	t.Run("a manager with another lease reconciles its own namespaces", func(t *testing.T) {
		const id = "blue.example.com"

		c.MustCreate(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "three"}})
		c.grant(t, "../../config/rbac/role.yaml", "three")
		c.grantRules(t, "home", "blue", []rbacv1.PolicyRule{{
			APIGroups:     []string{coordinationv1.GroupName},
			Resources:     []string{"leases"},
			ResourceNames: []string{id},
			Verbs:         []string{"get", "update"},
		}})
		c.MustCreate(t, webhook("three"))
		c.start(t, "--namespaces=three", "--leader-elect", "--leader-election-id="+id)
		c.wantDeployment(t, "three")
	})
	t.Run("the log is JSON", func(t *testing.T) {
		for line := range strings.Lines(m.log.String()) {
			if !json.Valid([]byte(line)) {
				t.Errorf("not JSON: %s", line)
			}
		}
	})

	if err := m.end(); err != nil {
		t.Errorf("the manager exited with %v after SIGTERM\n%s", err, m.log.String())
	}

	lease := &coordinationv1.Lease{}
	if err := c.Get(t.Context(), client.ObjectKey{Namespace: "home", Name: defaultLeaderElectionID}, lease); err != nil {
		t.Fatal(err)
	}

	if holder := lease.Spec.HolderIdentity; holder != nil && *holder != "" {
		t.Errorf("the lease is still held by %q, so a successor would have to wait", *holder)
	}
}
