// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
)

var update = flag.Bool("update", false, "write the rendered objects to testdata/*/want.yaml")

const operatorImage = "registry.example.com/receiver:operators"

var environment = resources.Environment{ReceiverImage: operatorImage, OperatorNamespace: "whatsapp-webhook-system"}

func TestRender(t *testing.T) {
	forEachCase(t, func(t *testing.T, dir string, webhook *v1alpha1.WhatsAppWebhook) {
		env := environment
		env.OpenShift = filepath.Base(dir) == "openshift"

		got := text(t, renderIn(t, webhook, env))

		golden := filepath.Join(dir, "want.yaml")
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}

		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}

		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("the result differs from %s; if that is intended, run the test with -update (-want +got):\n%s", golden, diff)
		}
	})
}

func TestReceiverParsesItsConfiguration(t *testing.T) {
	forEachCase(t, func(t *testing.T, _ string, webhook *v1alpha1.WhatsAppWebhook) {
		for _, object := range render(t, webhook) {
			configMap, ok := object.(*corev1ac.ConfigMapApplyConfiguration)
			if !ok {
				continue
			}

			got, err := config.Parse([]byte(configMap.Data["receiver.yaml"]))
			if err != nil {
				t.Fatalf("the receiver rejects the configuration: %v\n%s", err, configMap.Data["receiver.yaml"])
			}

			if diff := cmp.Diff(resources.Config(webhook).WithDefaults(), got); diff != "" {
				t.Errorf("parsed configuration (-want +got):\n%s", diff)
			}

			return
		}

		t.Fatal("no ConfigMap is rendered")
	})
}

// TestRenderIsPure checks that rendering is stable. Otherwise each reconciliation could restart every pod.
func TestRenderIsPure(t *testing.T) {
	forEachCase(t, func(t *testing.T, _ string, webhook *v1alpha1.WhatsAppWebhook) {
		before := webhook.DeepCopy()

		first := render(t, webhook)
		for range 20 {
			if diff := cmp.Diff(first, render(t, webhook)); diff != "" {
				t.Fatalf("the next result differs (-first +next):\n%s", diff)
			}
		}

		if diff := cmp.Diff(before, webhook); diff != "" {
			t.Errorf("the resource was changed (-before +after):\n%s", diff)
		}
	})
}

func TestDefaultImage(t *testing.T) {
	webhook := read(t, filepath.Join("testdata", "minimal"))
	other := webhook.DeepCopy()

	other.Spec.Receiver.Image = "registry.example.com/receiver:own"
	for want, given := range map[string]*v1alpha1.WhatsAppWebhook{operatorImage: webhook, "registry.example.com/receiver:own": other} {
		if !strings.Contains(text(t, render(t, given)), "image: "+want+"\n") {
			t.Errorf("image %s is not rendered", want)
		}
	}
}

func TestPullSecretsOfTheOperator(t *testing.T) {
	webhook := read(t, filepath.Join("testdata", "minimal"))
	webhook.Spec.Receiver.ImagePullSecrets = []corev1.LocalObjectReference{{Name: "own"}, {Name: "both"}}

	params, err := resources.NewParams(webhook, resources.Environment{
		ReceiverImage:            operatorImage,
		ReceiverImagePullSecrets: []string{"both", "operators", "operators"},
	})
	if err != nil {
		t.Fatal(err)
	}

	const want = "imagePullSecrets:\n      - name: own\n      - name: both\n      - name: operators\n      nodeSelector:"
	if rendered := text(t, resources.Render(params)); !strings.Contains(rendered, want) {
		t.Errorf("the pull secrets are not these:\n%s\nin:\n%s", want, rendered)
	}
}

func forEachCase(t *testing.T, test func(t *testing.T, dir string, webhook *v1alpha1.WhatsAppWebhook)) {
	t.Helper()

	dirs, err := filepath.Glob(filepath.Join("testdata", "*"))
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no cases in testdata: %v", err)
	}

	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			test(t, dir, read(t, dir))
		})
	}
}

func read(t *testing.T, dir string) *v1alpha1.WhatsAppWebhook {
	t.Helper()
	return readFile(t, filepath.Join(dir, "in.yaml"))
}

func readFile(t *testing.T, name string) *v1alpha1.WhatsAppWebhook {
	t.Helper()

	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}

	webhook := &v1alpha1.WhatsAppWebhook{}
	if err := yaml.UnmarshalStrict(data, webhook); err != nil {
		t.Fatal(err)
	}

	return webhook
}

func render(t *testing.T, webhook *v1alpha1.WhatsAppWebhook) []resources.Object {
	t.Helper()
	return renderIn(t, webhook, environment)
}

// renderIn returns the objects of a resource in an environment.
func renderIn(t *testing.T, webhook *v1alpha1.WhatsAppWebhook, env resources.Environment) []resources.Object {
	t.Helper()

	params, err := resources.NewParams(webhook, env)
	if err != nil {
		t.Fatal(err)
	}

	return resources.Render(params)
}

func text(t *testing.T, objects []resources.Object) string {
	t.Helper()

	var documents strings.Builder
	for _, object := range objects {
		data, err := yaml.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}

		documents.WriteString("---\n")
		documents.Write(data)
	}

	return documents.String()
}
