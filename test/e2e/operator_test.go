// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
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

// install puts the operator and the stand-ins into the cluster.
func (s *suite) install(t *testing.T) {
	s.clear(t)
	say(t, "helm install --wait")
	s.helm(t, "install", release, chart, "--create-namespace", "--wait", "--timeout=3m", "--set=image.tag=local", "--set=image.pullPolicy=Never", "--set=receiverImage.tag=local")
	s.apply(t, "namespaces.yaml")
	say(t, "the operator is ready; the stand-ins for Meta and Bird are deployed")

	var err error
	if s.standins, err = standins.Deploy(t.Context(), s.Cluster, "standins"); err != nil {
		t.Fatal(err)
	}
}

// clear removes what an earlier run, or a demo, has left.
func (s *suite) clear(t *testing.T) {
	t.Helper()
	s.helm(t, "uninstall", release, "--ignore-not-found", "--wait")
	s.kubectl(t, "delete", "crd", crdName, "--ignore-not-found")
	s.kubectl(t, "delete", "namespace", systemNamespace, namespace, "standins", "--ignore-not-found", "--timeout=3m")
}

// secretComesLater applies a resource before its Secrets, as GitOps tools do.
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

	say(t, "without its Secrets: %s", message)

	pods, err := s.pods(t.Context(), "sales")
	if err != nil || len(pods) != 1 {
		t.Fatalf("%d pods, %v", len(pods), err)
	}

	s.apply(t, "secrets.yaml")
	say(t, "the Secrets are there; kubectl wait --for=condition=Ready")
	s.kubectl(t, "wait", "--for=condition=Ready", "waw/sales", "--timeout=4m")
	s.sameProcess(t, "sales", pods[0])

	if restarts(pods[0]) != 0 {
		t.Errorf("the pod was restarted while it waited for its Secrets")
	}

	s.conditions(t, "sales", map[string]string{
		v1alpha1.ConditionSecretsAvailable: "True/" + v1alpha1.ReasonSecretsComplete,
		v1alpha1.ConditionAvailable:        "True/" + v1alpha1.ReasonMinimumReplicasAvailable,
		v1alpha1.ConditionReconciling:      "absent",
		v1alpha1.ConditionStalled:          "absent",
	})
	say(t, "ready, by the same process:\n%s", s.kubectl(t, "get", "waw,pod,pvc"))
}

// operatorUpgraded ends the operator without notice, upgrades it, and lets the new one make something; none of it is any
// concern of the receivers.
func (s *suite) operatorUpgraded(t *testing.T) {
	before := s.pod(t, "sales")
	load := s.underLoad(t, "sales", func() {
		say(t, "the operator's pod is deleted by force")
		s.kubectl(t, "--namespace="+systemNamespace, "delete", "pod", "--selector=app.kubernetes.io/component=manager", "--force", "--grace-period=0")
		say(t, "helm upgrade to another tag and values")
		s.helm(t, "upgrade", release, chart, "--reuse-values", "--wait", "--timeout=3m", "--set=image.tag=local-next", "--set=logLevel=debug")

		var manager appsv1.Deployment
		if err := s.Get(t.Context(), types.NamespacedName{Namespace: systemNamespace, Name: release + "-manager"}, &manager); err != nil {
			t.Fatal(err)
		}

		if image := manager.Spec.Template.Spec.Containers[0].Image; !strings.HasSuffix(image, ":local-next") {
			t.Errorf("the operator is %s", image)
		}

		s.policies(t)
	})
	s.sameProcess(t, "sales", before)
	refusedNothing(t, load, "while the operator was away")
}

// policies asks for a NetworkPolicy and a PodDisruptionBudget. The node's network plugin does not enforce the former:
// here it is only seen to be accepted.
func (s *suite) policies(t *testing.T) {
	t.Helper()
	s.kubectl(t, "patch", "waw/sales", "--type=merge",
		`--patch={"spec":{"networkPolicy":{"state":"Enabled"},"receiver":{"podDisruptionBudget":{"maxUnavailable":1}}}}`)
	s.eventually(t, func(ctx context.Context) error {
		found, err := s.leftover(ctx)
		if all := strings.Join(found, " "); err == nil && (!strings.Contains(all, "NetworkPolicy/sales") || !strings.Contains(all, "PodDisruptionBudget/sales")) {
			err = fmt.Errorf("there is %s", all)
		}

		return err
	})
	s.conditions(t, "sales", map[string]string{v1alpha1.ConditionReady: "True/" + v1alpha1.ReasonReady})
	say(t, "it makes a NetworkPolicy, which is not enforced here, and a PodDisruptionBudget:\n%s", s.kubectl(t, "get", "networkpolicy,pdb"))
}

// uninstall takes the operator away, and then what it left.
func (s *suite) uninstall(t *testing.T) {
	manifest := s.helm(t, "get", "manifest", release)
	before := s.pod(t, "sales")
	load := s.underLoad(t, "sales", func() {
		say(t, "helm uninstall")
		s.helm(t, "uninstall", release, "--wait")

		for _, o := range parse(t, manifest) {
			s.eventually(t, func(ctx context.Context) error {
				left := &unstructured.Unstructured{}
				left.SetGroupVersionKind(o.GroupVersionKind())
				err := s.Get(ctx, types.NamespacedName{Namespace: o.GetNamespace(), Name: o.GetName()}, left)

				kept := o.GetName() == crdName
				switch {
				case kept:
					return err
				case err == nil:
					return fmt.Errorf("%s %s is left", o.GetKind(), o.GetName())
				case apierrors.IsNotFound(err):
					return nil
				}

				return err
			})
		}
	})
	s.sameProcess(t, "sales", before)
	refusedNothing(t, load, "without the operator")
	say(t, "the definition stays, and receivers go on:\n%s", s.kubectl(t, "get", "waw,pod"))

	s.kubectl(t, "delete", "waw", "--all", "--wait")
	s.nothingLeft(t)
	say(t, "nothing is left of the WhatsAppWebhooks either")
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
