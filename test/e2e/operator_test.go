// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/yaml"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/test/e2e/standins"
)

const crdName = "whatsappwebhooks.whatsapp.wawebhook.dev"

// install installs the operator and the stand-ins.
func (s *suite) install(t *testing.T) {
	s.clear(t)
	logStep(t, "helm install --wait")
	s.helm(t, "install", release, chart, "--create-namespace", "--wait", "--timeout=5m",
		"--set=image.tag=local", "--set=image.pullPolicy=Never", "--set=receiverImage.tag=local")
	s.apply(t, "namespaces.yaml")
	logStep(t, "the operator is ready; deploy the stand-ins for Meta and Bird")

	var err error
	if s.standins, err = standins.Deploy(t.Context(), s.Cluster, "standins"); err != nil {
		t.Fatal(err)
	}
}

// clear removes the leftovers of an earlier run or a demo.
func (s *suite) clear(t *testing.T) {
	t.Helper()
	s.helm(t, "uninstall", release, "--ignore-not-found", "--wait")
	s.kubectl(t, "delete", "crd", crdName, "--ignore-not-found")
	s.kubectl(t, "delete", "validatingwebhookconfiguration", "ingress-admission", "--ignore-not-found")
	s.kubectl(
		t,
		"delete",
		"namespace",
		systemNamespace,
		namespace,
		"standins",
		formerNamespace,
		nextNamespace,
		"flux-system",
		"--ignore-not-found",
		"--timeout=5m",
	)
}

// secretComesLater applies a resource before its Secrets, as GitOps tools may do.
func (s *suite) secretComesLater(t *testing.T) {
	s.apply(t, "webhook.yaml")
	webhook := s.conditions(t, "sales", map[string]string{
		v1alpha1.ConditionSecretsAvailable: "False/" + v1alpha1.ReasonSecretMissing,
		v1alpha1.ConditionReady:            "False/" + v1alpha1.ReasonSecretMissing,
	})

	message := s.condition(webhook, v1alpha1.ConditionSecretsAvailable)
	if !strings.Contains(message, "sales-whatsapp") || !strings.Contains(message, "sales-bird") {
		t.Errorf("the condition does not name the Secrets: %s", message)
	}

	logStep(t, "without its Secrets: %s", message)

	pods, err := s.pods(t.Context(), "sales")
	if err != nil || len(pods) != 1 {
		t.Fatalf("%d pods, %v", len(pods), err)
	}

	s.apply(t, "secrets.yaml")
	logStep(t, "the Secrets are applied; kubectl wait --for=condition=Ready")
	s.kubectl(t, "wait", "--for=condition=Ready", "waw/sales", "--timeout=5m")
	s.sameProcess(t, "sales", pods[0])

	if restarts(pods[0]) != 0 {
		t.Error("the pod restarted while it waited for its Secrets")
	}

	s.conditions(t, "sales", map[string]string{
		v1alpha1.ConditionSecretsAvailable: "True/" + v1alpha1.ReasonSecretsComplete,
		v1alpha1.ConditionAvailable:        "True/" + v1alpha1.ReasonMinimumReplicasAvailable,
		v1alpha1.ConditionReconciling:      "absent",
		v1alpha1.ConditionStalled:          "absent",
	})
	logStep(t, "ready, with the same process:\n%s", s.kubectl(t, "get", "waw,pod,pvc"))
}

// operatorUpgraded kills the operator, upgrades it, and has the new version create objects. The receivers are not
// affected.
func (s *suite) operatorUpgraded(t *testing.T) {
	before := s.pod(t, "sales")
	load := s.underLoad(t, "sales", func() {
		logStep(t, "delete the operator's pod by force")
		s.kubectl(t, "--namespace="+systemNamespace, "delete", "pod",
			"--selector=app.kubernetes.io/component=manager", "--force", "--grace-period=0")
		logStep(t, "helm upgrade to another tag and values")
		s.helm(t, "upgrade", release, chart, "--reuse-values", "--wait", "--timeout=5m",
			"--set=image.tag=local-next", "--set=logLevel=debug")

		var manager appsv1.Deployment

		key := types.NamespacedName{Namespace: systemNamespace, Name: release + "-manager"}
		if err := s.Get(t.Context(), key, &manager); err != nil {
			t.Fatal(err)
		}

		if image := manager.Spec.Template.Spec.Containers[0].Image; !strings.HasSuffix(image, ":local-next") {
			t.Errorf("the operator's image is %s", image)
		}

		s.policies(t)
	})
	s.sameProcess(t, "sales", before)
	refusedNothing(t, load, "while the operator was down")
}

// policies enables a NetworkPolicy and a PodDisruptionBudget. The node's network plugin does not enforce a NetworkPolicy,
// so the test verifies only that it is created.
func (s *suite) policies(t *testing.T) {
	t.Helper()
	s.patch(t, "waw/sales", `{"spec":{
		"networkPolicy":{"state":"Enabled"},
		"receiver":{"podDisruptionBudget":{"maxUnavailable":1}}
	}}`)
	s.eventually(t, func(ctx context.Context) error {
		found, err := s.leftover(ctx)
		if err != nil {
			return err
		}

		for _, want := range []string{"NetworkPolicy/sales", "PodDisruptionBudget/sales"} {
			if !slices.Contains(found, want) {
				return fmt.Errorf("%s is missing in %s", want, strings.Join(found, " "))
			}
		}

		return nil
	})
	s.conditions(t, "sales", map[string]string{v1alpha1.ConditionReady: "True/" + v1alpha1.ReasonReady})
	logStep(
		t,
		"the operator creates a NetworkPolicy, which is not enforced here, and a PodDisruptionBudget:\n%s",
		s.kubectl(t, "get", "networkpolicy,pdb"),
	)
}

// uninstall uninstalls the operator while receivers run, and then removes its resources.
func (s *suite) uninstall(t *testing.T) {
	manifest := s.helm(t, "get", "manifest", release)
	before := s.pod(t, "sales")
	load := s.underLoad(t, "sales", func() {
		logStep(t, "helm uninstall")
		s.helm(t, "uninstall", release, "--wait")

		for _, o := range parse(t, manifest) {
			s.eventually(t, func(ctx context.Context) error {
				found := &unstructured.Unstructured{}
				found.SetGroupVersionKind(o.GroupVersionKind())
				err := s.Get(ctx, types.NamespacedName{Namespace: o.GetNamespace(), Name: o.GetName()}, found)

				switch {
				case o.GetName() == crdName: // helm uninstall keeps the definition
					return err
				case err == nil:
					return fmt.Errorf("%s %s still exists", o.GetKind(), o.GetName())
				case apierrors.IsNotFound(err):
					return nil
				}

				return err
			})
		}
	})
	s.sameProcess(t, "sales", before)
	refusedNothing(t, load, "without the operator")
	logStep(t, "the definition and the receivers remain:\n%s", s.kubectl(t, "get", "waw,pod"))

	s.kubectl(t, "delete", "waw", "--all", "--wait")
	s.nothingLeft(t)
	logStep(t, "all objects of the WhatsAppWebhooks are deleted")
	s.clear(t)
}

// parse returns the objects of a manifest.
func parse(t *testing.T, manifest string) []*unstructured.Unstructured {
	t.Helper()

	var objects []*unstructured.Unstructured

	decoder := yaml.NewYAMLOrJSONDecoder(strings.NewReader(manifest), 4096)
	for {
		o := &unstructured.Unstructured{}

		err := decoder.Decode(o)
		if errors.Is(err, io.EOF) {
			return objects
		}

		if err != nil {
			t.Fatal(err)
		}

		if len(o.Object) > 0 {
			objects = append(objects, o)
		}
	}
}
