// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/flux"
)

// keptByFlux has Flux's kustomize-controller keep a resource as a repository has it. Flux reports it ready once the receiver
// is, corrects edits by hand, takes a change and its revert, and prunes the resource with its volume.
func (s *suite) keptByFlux(t *testing.T) {
	s.kubectl(t, "create", "namespace", "flux-system")

	f := flux.Start(t, s.Client, s.Config(), s.Kubeconfig())
	s.applyTo(t, "flux-system", "flux.yaml")

	repository := &unstructured.Unstructured{}
	repository.SetAPIVersion("source.toolkit.fluxcd.io/v1")
	repository.SetKind("GitRepository")
	repository.SetNamespace("flux-system")
	repository.SetName("messaging")

	branch, err := testdata.ReadFile("testdata/branch.yaml")
	if err != nil {
		t.Fatal(err)
	}

	push := func(t *testing.T, files fstest.MapFS) {
		t.Helper()
		s.applied(t, f, f.Push(t, repository, files))
	}
	one := func(text string) fstest.MapFS { return fstest.MapFS{"branch.yaml": {Data: []byte(text)}} }

	push(t, one(string(branch)))
	s.isReady(t, namespace, "branch")
	logStep(t, "Flux applied a resource and reports it ready:\n%s", s.kubectl(t, "get", "waw/branch"))

	s.kubectl(t, "delete", "service/branch")
	s.patch(t, "waw/branch", `{"spec":{"bird":{"baseURL":"http://elsewhere.example.com"}}}`)
	f.Reconcile(t, fluxKustomization)
	s.eventually(t, func(ctx context.Context) error {
		webhook, err := s.webhook(ctx, "branch")
		if err != nil {
			return err
		}

		if url := webhook.Spec.Bird.BaseURL; url != "http://bird.standins.svc" {
			return fmt.Errorf("the URL of Bird is %s", url)
		}

		found, err := s.leftover(ctx)
		if err == nil && !slices.Contains(found, "Service/branch") {
			err = errors.New("the Service does not exist")
		}

		return err
	})
	logStep(t, "Flux put the resource back, and the operator its Service")

	push(t, one(strings.Replace(string(branch), "    baseURL: http://bird.standins.svc\n", "    baseURL: http://bird.standins.svc/v2\n", 1)))
	push(t, one(string(branch)))
	s.isReady(t, namespace, "branch")

	webhook, err := s.webhook(t.Context(), "branch")
	if err != nil {
		t.Fatal(err)
	}

	if url := webhook.Spec.Bird.BaseURL; url != "http://bird.standins.svc" {
		t.Errorf("after the revert the URL of Bird is %s", url)
	}

	push(t, fstest.MapFS{"kustomization.yaml": {Data: []byte("resources: []\n")}})
	s.eventually(t, func(ctx context.Context) error {
		found, err := s.leftover(ctx)
		if err != nil {
			return err
		}

		for _, name := range found {
			if strings.Contains(name, "/branch") {
				return fmt.Errorf("%s still exists", name)
			}
		}

		return nil
	})
	logStep(t, "Flux pruned the resource, and the garbage collector its objects and its volume")

	s.kubectl(t, "--namespace=flux-system", "delete", "kustomizations.kustomize.toolkit.fluxcd.io/"+fluxKustomization.Name, "--wait")
	s.kubectl(t, "delete", "namespace", "flux-system", "--timeout=5m")
}

// fluxKustomization is the Kustomization in testdata/flux.yaml.
var fluxKustomization = client.ObjectKey{Namespace: "flux-system", Name: "whatsapp-webhooks"}

// applied waits until Flux has applied the revision and its objects are healthy.
func (s *suite) applied(t *testing.T, f *flux.Flux, revision string) {
	t.Helper()
	s.eventually(t, func(context.Context) error {
		live := f.Kustomization(t, fluxKustomization)

		applied, _, err := unstructured.NestedString(live.Object, "status", "lastAppliedRevision")
		if err != nil {
			return err
		}

		if ready := flux.Condition(live, "Ready"); applied != revision || ready.Status != metav1.ConditionTrue {
			return fmt.Errorf("the Kustomization has applied %q, want %q; Ready is %s: %s", applied, revision, ready.Status, ready.Message)
		}

		return nil
	})
}
