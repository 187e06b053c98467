// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/cluster"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/apiserver"
)

// TestBundleOfACluster makes a bundle with the rights of a user who may not read everything. Secrets and personal data are in
// all places in which people put them.
func TestBundleOfACluster(t *testing.T) {
	server := startServer(t)
	namespace := server.NewNamespace(t)
	createObjects(t, server, namespace)

	for name, test := range map[string]struct {
		rules   []rbacv1.PolicyRule
		has     []string
		missing []string
	}{
		"all rights": {
			rules: []rbacv1.PolicyRule{{APIGroups: []string{"*"}, Resources: []string{"*"}, Verbs: []string{"*"}}},
			has: []string{
				"cluster/version.json", "cluster/WhatsAppWebhook.json", "cluster/ConfigMap.json", "cluster/Deployment.json",
				"cluster/Pod.json", "cluster/events.json",
			},
			missing: []string{"cluster/HTTPRoute.json", "logs/sales-1.log", "operator/Pod.json, and the operator's log"},
		},
		"few rights": {
			rules: []rbacv1.PolicyRule{
				{APIGroups: []string{v1alpha1.SchemeGroupVersion.Group}, Resources: []string{"*"}, Verbs: []string{"get"}},
				{APIGroups: []string{"apps"}, Resources: []string{"deployments"}, Verbs: []string{"list"}},
			},
			has:     []string{"cluster/WhatsAppWebhook.json", "cluster/Deployment.json"},
			missing: []string{"cluster/Pod.json", "cluster/events.json", "the logs of the receivers", "operator/Pod.json, and the operator's log"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer

			bundle := New(&out, "sales", "test")
			bundle.Cluster(t.Context(), asUser(t, server, namespace, strings.ReplaceAll(name, " ", "-"), test.rules), "sales", 100)

			index, err := bundle.Close()
			if err != nil {
				t.Fatal(err)
			}

			files := unpack(t, out.Bytes())
			for _, file := range test.has {
				if files[file] == "" {
					t.Errorf("%s is missing: %v", file, index.Missing)
				}
			}

			for _, what := range test.missing {
				if !slices.ContainsFunc(index.Missing, func(m Missing) bool { return m.What == what && m.Why != "" }) {
					t.Errorf("%s is not among what is missing: %v", what, index.Missing)
				}
			}

			for file, text := range files {
				if strings.Contains(text, "SECRETWORD") || strings.Contains(text, person) {
					t.Errorf("%s has what is secret or personal: %s", file, text)
				}
			}

			if events := files["cluster/events.json"]; events != "" && (!strings.Contains(events, "Failed to pull") || strings.Contains(events, "others")) {
				t.Errorf("events %s", events)
			}
		})
	}
}

func startServer(t *testing.T) *apiserver.Server {
	t.Helper()

	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}

	return apiserver.Start(t, &envtest.Environment{
		Scheme:                scheme,
		CRDDirectoryPaths:     []string{"../../../config/crd/bases"},
		ErrorIfCRDPathMissing: true,
	})
}

// createObjects creates a resource with objects as the operator and people make them.
func createObjects(t *testing.T, server *apiserver.Server, namespace string) {
	t.Helper()

	named := func(name string) metav1.ObjectMeta {
		return metav1.ObjectMeta{
			Namespace:   namespace,
			Name:        name,
			Labels:      resources.SelectorLabels("sales"),
			Annotations: map[string]string{"example.com/password": "SECRETWORD"},
		}
	}
	secret := v1alpha1.SecretKeyReference{Name: "meta", Key: "key"}
	container := corev1.Container{
		Name:  resources.ContainerName,
		Image: "registry.example.com/receiver:v1",
		Env:   []corev1.EnvVar{{Name: "TOKEN", Value: "SECRETWORD"}},
	}

	webhook := &v1alpha1.WhatsAppWebhook{ObjectMeta: named("sales")}
	webhook.Spec.CloudAPI = v1alpha1.CloudAPISpec{
		VerifyTokenSecretRef: secret,
		AppSecretSecretRefs:  []v1alpha1.SecretKeyReference{secret},
		AccessTokenSecretRef: secret,
	}
	webhook.Spec.Bird = v1alpha1.BirdSpec{
		Protocol:           v1alpha1.BirdProtocolFlow,
		BaseURL:            "https://flow.example.com/sales?key=SECRETWORD",
		AccessKeySecretRef: secret,
	}
	webhook.Spec.CommonMetadata.Labels = map[string]string{"owner": "SECRETWORD"}

	pod := &corev1.Pod{ObjectMeta: named("sales-1"), Spec: corev1.PodSpec{NodeName: "none", Containers: []corev1.Container{container}}}

	deployment := &appsv1.Deployment{ObjectMeta: named("sales")}
	deployment.Spec.Selector = &metav1.LabelSelector{MatchLabels: resources.SelectorLabels("sales")}
	deployment.Spec.Template.Labels = resources.SelectorLabels("sales")
	deployment.Spec.Template.Spec.Containers = []corev1.Container{container}

	event := func(name, object, message string) *corev1.Event {
		return &corev1.Event{
			ObjectMeta:     metav1.ObjectMeta{Namespace: namespace, Name: name},
			InvolvedObject: corev1.ObjectReference{Kind: "Pod", Namespace: namespace, Name: object},
			Type:           corev1.EventTypeWarning,
			Reason:         "Failed",
			Message:        message,
			LastTimestamp:  metav1.NewTime(time.Now()),
		}
	}

	server.MustCreate(t, webhook)
	server.MustCreate(t, pod)
	server.MustCreate(t, deployment)
	server.MustCreate(t, &corev1.ConfigMap{ObjectMeta: named("sales-config"), Data: map[string]string{"receiver.yaml": "SECRETWORD"}})
	server.MustCreate(t, &corev1.Secret{ObjectMeta: named("meta"), StringData: map[string]string{"key": "SECRETWORD"}})
	server.MustCreate(t, event("pull", "sales-1", "Failed to pull https://user:SECRETWORD@registry.example.com for "+person))
	server.MustCreate(t, event("ask", "sales-1", `Get "https://flow.example.com/sales?code=SECRETWORD&next=SECRETWORD": EOF`))
	server.MustCreate(t, event("other", "others-1", "of the pod others-1"))
}

// asUser returns the cluster as a user sees it who has the rules in the namespace.
func asUser(t *testing.T, server *apiserver.Server, namespace, user string, rules []rbacv1.PolicyRule) *cluster.Cluster {
	t.Helper()

	meta := metav1.ObjectMeta{Namespace: namespace, Name: user}
	server.MustCreate(t, &rbacv1.Role{ObjectMeta: meta, Rules: rules})
	server.MustCreate(t, &rbacv1.RoleBinding{
		ObjectMeta: meta,
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.UserKind, APIGroup: rbacv1.GroupName, Name: user}},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: user},
	})

	config := rest.CopyConfig(server.Admin)
	config.Impersonate = rest.ImpersonationConfig{UserName: user}

	c, err := cluster.New(config, namespace)
	if err != nil {
		t.Fatal(err)
	}

	return c
}
