// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	networkingv1ac "k8s.io/client-go/applyconfigurations/networking/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
)

// TestObjectsAreIdentifiable checks the names and labels that pruning and the cache rely on.
func TestObjectsAreIdentifiable(t *testing.T) {
	forEachCase(t, func(t *testing.T, _ string, webhook *v1alpha1.WhatsAppWebhook) {
		for _, name := range []string{webhook.Name, "a-name-of-" + longest} {
			webhook.Name = name

			seen := map[string]bool{}
			for _, object := range render(t, webhook) {
				meta := metadata(t, object)

				id := fmt.Sprintf("%s %s %s", *object.GetAPIVersion(), *object.GetKind(), meta.Name)
				if seen[id] {
					t.Errorf("%s is rendered twice", id)
				}

				seen[id] = true
				if faults := validation.IsDNS1035Label(meta.Name); len(faults) > 0 {
					t.Errorf("%s: %v", id, faults)
				}

				if meta.Namespace != webhook.Namespace {
					t.Errorf("%s is in namespace %q", id, meta.Namespace)
				}

				if !resources.Managed().Matches(labels.Set(meta.Labels)) {
					t.Errorf("%s is not selected by %s", id, resources.Managed())
				}
			}
		}
	})
}

const longest = "two-hundred-characters-and-more-which-is-what-the-api-server-takes-for-the-name-of-an-object.of-any-kind-" +
	"but-is-too-much-for-the-name-of-a-service.which-has-to-be-a-label-of-dns-and-so-has-sixty-three-at-most"

func metadata(t *testing.T, object resources.Object) metav1.ObjectMeta {
	t.Helper()

	data, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}

	var partial metav1.PartialObjectMetadata
	if err := json.Unmarshal(data, &partial); err != nil {
		t.Fatal(err)
	}

	return partial.ObjectMeta
}

// TestPodTemplateStaysTheSame checks that changes unrelated to receivers do not restart them.
func TestPodTemplateStaysTheSame(t *testing.T) {
	type spec = v1alpha1.WhatsAppWebhookSpec

	tests := map[string]func(*spec){
		"replicas": func(s *spec) { s.Receiver.Replicas = new(int32(5)) },
		"autoscaling by pending work": func(s *spec) {
			s.Receiver.Replicas = nil
			s.Receiver.Autoscaling = v1alpha1.AutoscalingSpec{MaxReplicas: 9, PendingWork: v1alpha1.PendingWorkTarget{TargetPerReplica: 10}}
		},
		"disruption budget": func(s *spec) { s.Receiver.PodDisruptionBudget.MaxUnavailable = new(int32(0)) },
		"ingress host":      func(s *spec) { s.Ingress.Host = "other.example.com" },
		"ingress annotations": func(s *spec) {
			s.Ingress.Annotations = map[string]string{"a": "b"}
			s.Ingress.ClassName = "traefik"
			s.Ingress.MaxBodySize = new(resource.MustParse("8Mi"))
			s.Ingress.HealthCheckPath = "/live"
		},
		"service": func(s *spec) {
			s.Service = v1alpha1.ServiceSpec{Type: corev1.ServiceTypeLoadBalancer, Annotations: map[string]string{"a": "b"}}
		},
		"gateway": func(s *spec) {
			s.Ingress = v1alpha1.IngressSpec{}
			s.Gateway = v1alpha1.GatewaySpec{Host: "hooks.example.com", ParentRefs: []v1alpha1.GatewayReference{{Name: "public"}}}
		},
		"monitoring": func(s *spec) {
			s.Monitoring.ServiceMonitor.State = v1alpha1.Enabled
			s.Monitoring.PrometheusRule.State = v1alpha1.Enabled
			s.Monitoring.GrafanaDashboard.State = v1alpha1.Enabled
		},
		"network policy": func(s *spec) { s.NetworkPolicy.State = v1alpha1.Enabled },
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			webhook := read(t, filepath.Join("testdata", "postgresql"))
			before := podTemplate(t, webhook)
			change(&webhook.Spec)

			if diff := cmp.Diff(before, podTemplate(t, webhook)); diff != "" {
				t.Errorf("the pod template changes (-before +after):\n%s", diff)
			}
		})
	}
}

func podTemplate(t *testing.T, webhook *v1alpha1.WhatsAppWebhook) *corev1ac.PodTemplateSpecApplyConfiguration {
	t.Helper()

	for _, object := range render(t, webhook) {
		if deployment, ok := object.(*appsv1ac.DeploymentApplyConfiguration); ok {
			return deployment.Spec.Template
		}
	}

	t.Fatal("no Deployment is rendered")

	return nil
}

func TestURL(t *testing.T) {
	tests := map[string]string{
		"minimal":               "https://hooks.example.com/webhooks/whatsapp",
		"full":                  "https://hooks.example.com/meta",
		"gateway":               "https://hooks.example.com/meta",
		"no-ingress":            "",
		"subscription-callback": "https://edge.example.com/meta/sales",
	}
	for name, want := range tests {
		if got := resources.URL(read(t, filepath.Join("testdata", name))); got != want {
			t.Errorf("URL of %s = %q; want %q", name, got, want)
		}
	}
}

// TestNodesOfPods checks that receivers come only to nodes that can run their image, unless the resource says otherwise.
func TestNodesOfPods(t *testing.T) {
	for name, test := range map[string]struct{ selector, want map[string]string }{
		"none":         {nil, map[string]string{"kubernetes.io/os": "linux"}},
		"another key":  {map[string]string{"disk": "ssd"}, map[string]string{"kubernetes.io/os": "linux", "disk": "ssd"}},
		"the same key": {map[string]string{"kubernetes.io/os": "other"}, map[string]string{"kubernetes.io/os": "other"}},
	} {
		webhook := read(t, filepath.Join("testdata", "minimal"))
		webhook.Spec.Receiver.Scheduling.NodeSelector = test.selector

		if diff := cmp.Diff(test.want, podTemplate(t, webhook).Spec.NodeSelector); diff != "" {
			t.Errorf("%s: nodeSelector (-want +got):\n%s", name, diff)
		}
	}
}

// TestInvalidConfigurationIsNotRendered uses a resource that the schema accepts and the receiver rejects: the host and the
// path are valid, but together longer than Meta allows.
func TestInvalidConfigurationIsNotRendered(t *testing.T) {
	webhook := read(t, filepath.Join("testdata", "subscription"))

	webhook.Spec.Ingress.Host = longest + ".example.com"
	if _, err := resources.NewParams(webhook, environment); err == nil {
		t.Error("an invalid configuration is rendered")
	}
}

func TestAdminPortIsClosedWithoutPeers(t *testing.T) {
	webhook := read(t, filepath.Join("testdata", "network-policy"))

	params, err := resources.NewParams(webhook, resources.Environment{ReceiverImage: operatorImage})
	if err != nil {
		t.Fatal(err)
	}

	for _, object := range resources.Render(params) {
		policy, ok := object.(*networkingv1ac.NetworkPolicyApplyConfiguration)
		if !ok {
			continue
		}

		var ports []int32
		for _, rule := range policy.Spec.Ingress {
			for _, port := range rule.Ports {
				ports = append(ports, port.Port.IntVal)
			}
		}

		if diff := cmp.Diff([]int32{8080}, ports); diff != "" {
			t.Errorf("open ports (-want +got):\n%s", diff)
		}

		return
	}

	t.Fatal("no NetworkPolicy is rendered")
}

func TestSamplesAreRendered(t *testing.T) {
	samples, err := filepath.Glob(filepath.Join("..", "..", "config", "samples", "whatsappwebhook*.yaml"))
	if err != nil || len(samples) < 10 {
		t.Fatalf("%d samples, %v; want one for each feature", len(samples), err)
	}

	names := map[string]string{}
	for _, sample := range samples {
		webhook := readFile(t, sample)
		if other, taken := names[webhook.Name]; taken {
			t.Errorf("%s and %s have the same name", sample, other)
		}

		names[webhook.Name] = sample
		if _, err := resources.NewParams(webhook, environment); err != nil {
			t.Errorf("%s: %v", sample, err)
		}
	}
}
