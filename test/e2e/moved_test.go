// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
)

// The namespaces between which a number moves.
const (
	formerNamespace = "branch-former"
	nextNamespace   = "branch-next"
)

// numberMoved moves a number to another namespace. The ingress controller's webhook denies the new Ingress while the former one
// has the host. After the former resource is deleted, the new one becomes ready by itself.
func (s *suite) numberMoved(t *testing.T) {
	s.kubectl(t, "delete", "namespace", formerNamespace, nextNamespace, "--ignore-not-found", "--timeout=5m")
	s.applyTo(t, "", "branches.yaml")
	s.denyDuplicates(t)

	for _, file := range []string{"secrets.yaml", "branch.yaml"} {
		s.applyTo(t, formerNamespace, file)
	}

	s.isReady(t, formerNamespace, "branch")
	logStep(t, "the number is ready in one namespace; apply it in another")

	for _, file := range []string{"secrets.yaml", "branch.yaml"} {
		s.applyTo(t, nextNamespace, file)
	}

	s.eventually(t, func(ctx context.Context) error {
		message, err := s.readyIs(ctx, nextNamespace, "branch", "False/"+v1alpha1.ReasonAdmissionDenied)
		if err == nil && !strings.Contains(message, "is already defined in ingress "+formerNamespace+"/branch") {
			t.Fatalf("the condition does not have the words of the webhook: %s", message)
		}

		return err
	})
	logStep(t, "the ingress controller denies the second Ingress: %s",
		s.kubectl(t, "--namespace="+nextNamespace, "get", "waw"))

	s.kubectl(t, "--namespace="+formerNamespace, "delete", "waw/branch", "--wait")
	logStep(t, "the former resource is deleted")
	s.isReady(t, nextNamespace, "branch")

	var ingress networkingv1.Ingress
	if err := s.Get(t.Context(), types.NamespacedName{Namespace: nextNamespace, Name: "branch"}, &ingress); err != nil {
		t.Fatal(err)
	}

	logStep(t, "the next one became ready by itself:\n%s", s.kubectl(t, "--namespace="+nextNamespace, "get", "waw,ingress"))
	s.kubectl(t, "delete", "validatingwebhookconfiguration/ingress-admission")
	s.kubectl(t, "delete", "namespace", formerNamespace, nextNamespace, "--wait=false")
}

// denyDuplicates registers the stand-in of the ingress controller's webhook and waits until the API server calls it.
func (s *suite) denyDuplicates(t *testing.T) {
	t.Helper()

	authority, err := s.Call(t.Context(), http.MethodGet, "services", "standins", "https:admission:https", "_standin/authority", nil, nil)
	if err != nil {
		t.Fatal(err)
	}

	manifest, err := testdata.ReadFile("testdata/admission.yaml")
	if err != nil {
		t.Fatal(err)
	}

	bundle := base64.StdEncoding.EncodeToString(authority)
	if err := s.Apply(t.Context(), "", strings.ReplaceAll(string(manifest), "CA_BUNDLE", bundle)); err != nil {
		t.Fatal(err)
	}

	tries := 0
	probe := func(name string) string {
		return fmt.Sprintf(`{"apiVersion":"networking.k8s.io/v1","kind":"Ingress",
			"metadata":{"name":%q,"annotations":{"try":"%d"}},
			"spec":{"rules":[{"host":"probe.example.com","http":{"paths":[{"path":"/","pathType":"Exact",
				"backend":{"service":{"name":"probe","port":{"number":80}}}}]}}]}}`, name, tries)
	}

	s.eventually(t, func(ctx context.Context) error {
		tries++ // each try changes the first one, so that the webhook sees it

		if err := s.Apply(ctx, formerNamespace, probe("first")); err != nil {
			return err
		}

		if err := s.Apply(ctx, formerNamespace, probe("second")); err != nil {
			if strings.Contains(err.Error(), "is already defined in ingress") {
				return nil
			}

			return err
		}

		_, err := s.Kubectl(ctx, "--namespace="+formerNamespace, "delete", "ingress/second")

		return errors.Join(errors.New("the API server does not call the webhook yet"), err)
	})
	s.kubectl(t, "--namespace="+formerNamespace, "delete", "ingress/first")
}

// applyTo applies a file of testdata in a namespace.
func (s *suite) applyTo(t *testing.T, namespace, file string) {
	t.Helper()

	manifest, err := testdata.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}

	if err := s.Apply(t.Context(), namespace, string(manifest)); err != nil {
		t.Fatal(err)
	}
}

// isReady waits until a resource is ready.
func (s *suite) isReady(t *testing.T, namespace, name string) {
	t.Helper()
	s.eventually(t, func(ctx context.Context) error {
		_, err := s.readyIs(ctx, namespace, name, "True/"+v1alpha1.ReasonReady)

		return err
	})
}

// readyIs returns the message of the condition Ready of the newest generation, or an error if its status and reason differ
// from the wanted ones.
func (s *suite) readyIs(ctx context.Context, namespace, name, want string) (message string, err error) {
	var webhook v1alpha1.WhatsAppWebhook
	if err := s.Get(ctx, types.NamespacedName{Namespace: namespace, Name: name}, &webhook); err != nil {
		return "", err
	}

	ready := meta.FindStatusCondition(webhook.Status.Conditions, v1alpha1.ConditionReady)
	if ready == nil || ready.ObservedGeneration != webhook.Generation {
		return "", fmt.Errorf("%s/%s: generation %d is not observed", namespace, name, webhook.Generation)
	}

	if got := string(ready.Status) + "/" + ready.Reason; got != want {
		return "", fmt.Errorf("%s/%s: Ready is %s, want %s: %s", namespace, name, got, want, ready.Message)
	}

	return ready.Message, nil
}
