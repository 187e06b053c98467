// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/apiserver"
)

// server is an API server with the CRD. Each test uses its own namespace.
var server *apiserver.Server

func TestMain(m *testing.M) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}

	environment := &envtest.Environment{
		Scheme:            scheme,
		CRDDirectoryPaths: []string{"../../../config/crd/bases"},
	}

	os.Exit(apiserver.Run(environment, func(started *apiserver.Server) (int, error) {
		server = started
		return m.Run(), nil
	}))
}

// newWebhook creates a resource.
func newWebhook(t *testing.T, namespace, name string) {
	t.Helper()

	secret := v1alpha1.SecretKeyReference{
		Name: "meta",
		Key:  "key",
	}

	server.MustCreate(t, &v1alpha1.WhatsAppWebhook{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace,
			Name:      name,
		},
		Spec: v1alpha1.WhatsAppWebhookSpec{
			CloudAPI: v1alpha1.CloudAPISpec{
				VerifyTokenSecretRef: secret,
				AppSecretSecretRefs:  []v1alpha1.SecretKeyReference{secret},
				AccessTokenSecretRef: secret,
			},
			Bird: v1alpha1.BirdSpec{
				BaseURL:            "https://bird.example.com",
				AccessKeySecretRef: secret,
			},
		},
	})
}

// asUser returns the cluster as a user sees it who may do nothing but what rules allow in the namespace.
func asUser(t *testing.T, namespace, user string, rules ...rbacv1.PolicyRule) *Cluster {
	t.Helper()

	role := &rbacv1.Role{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace,
			Name:      user,
		},
		Rules: rules,
	}
	server.MustCreate(t, role)
	server.MustCreate(t, &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace,
			Name:      user,
		},
		Subjects: []rbacv1.Subject{{
			Kind:     rbacv1.UserKind,
			APIGroup: rbacv1.GroupName,
			Name:     user,
		}},
		RoleRef: rbacv1.RoleRef{
			APIGroup: rbacv1.GroupName,
			Kind:     "Role",
			Name:     user,
		},
	})

	config := rest.CopyConfig(server.Admin)
	config.Impersonate = rest.ImpersonationConfig{UserName: user}

	return newCluster(t, config, namespace)
}

func newCluster(t *testing.T, config *rest.Config, namespace string) *Cluster {
	t.Helper()

	c, err := New(config, namespace)
	if err != nil {
		t.Fatal(err)
	}

	return c
}

// wantError checks the exit code of an error, and that the error and its fix contain texts.
func wantError(t *testing.T, err error, code int, texts ...string) {
	t.Helper()

	if output.ExitCode(err) != code {
		t.Errorf("error %v has the exit code %d, want %d", err, output.ExitCode(err), code)
	}

	var printed strings.Builder

	output.New(output.Settings{Err: &printed}).Fail(err)

	for _, text := range texts {
		if !strings.Contains(printed.String(), text) {
			t.Errorf("the error is\n%swant %q in it", printed.String(), text)
		}
	}
}

func TestWebhookIsFoundByName(t *testing.T) {
	namespace := server.NewNamespace(t)
	newWebhook(t, namespace, "sales")

	c := newCluster(t, server.Admin, namespace)

	webhook, err := c.Webhook(t.Context(), "sales")
	if err != nil || webhook.Name != "sales" {
		t.Errorf("Webhook = %v, %v", webhook, err)
	}

	if all, err := c.Webhooks(t.Context(), ""); err != nil || len(all) == 0 {
		t.Errorf("Webhooks of all namespaces = %d, %v", len(all), err)
	}
}

func TestErrorsOfTheClusterSayHowToFixThem(t *testing.T) {
	namespace := server.NewNamespace(t)
	empty := server.NewNamespace(t)

	newWebhook(t, namespace, "sales")
	newWebhook(t, namespace, "support")

	_, err := newCluster(t, server.Admin, namespace).Webhook(t.Context(), "sale")
	wantError(t, err, output.CodeFailed, "no WhatsAppWebhook sale in the namespace "+namespace, "sales, support")

	_, err = newCluster(t, server.Admin, empty).Webhook(t.Context(), "sales")
	wantError(t, err, output.CodeFailed, "The namespace has none")

	_, err = asUser(t, namespace, "no-rights").Webhook(t.Context(), "sales")
	wantError(t, err, output.CodeUnreachable,
		"You lack the right to get whatsappwebhooks.whatsapp.wawebhook.dev in the namespace "+namespace,
		"kubectl auth can-i get whatsappwebhooks.whatsapp.wawebhook.dev -n "+namespace)

	_, err = asUser(t, namespace, "no-list").Webhooks(t.Context(), "")
	wantError(t, err, output.CodeUnreachable, "list whatsappwebhooks.whatsapp.wawebhook.dev in all namespaces", "-A")

	away := rest.CopyConfig(server.Admin)
	away.Host = "https://127.0.0.1:1"
	_, err = newCluster(t, away, namespace).Webhook(t.Context(), "sales")
	wantError(t, err, output.CodeUnreachable, "https://127.0.0.1:1 cannot be reached", "kubectl get namespaces")

	stranger := rest.AnonymousClientConfig(server.Admin)
	stranger.BearerToken = "wrong"
	_, err = newCluster(t, stranger, namespace).Webhook(t.Context(), "sales")
	wantError(t, err, output.CodeUnreachable, "does not accept your credentials", "Sign in again")
}

// TestBusyAPIServer checks that a call that the API server cannot serve now counts as a call that did not reach it: commands
// that watch continue then.
func TestBusyAPIServer(t *testing.T) {
	kind := v1alpha1.SchemeGroupVersion.WithResource("whatsappwebhooks").GroupResource()

	for name, err := range map[string]error{
		"starting":      apierrors.NewServiceUnavailable("the server is starting"),
		"no leader":     apierrors.NewInternalError(errors.New("etcdserver: leader changed")),
		"slow":          apierrors.NewServerTimeout(kind, "list", 1),
		"overloaded":    apierrors.NewTooManyRequests("too many requests", 1),
		"load balancer": apierrors.NewGenericServerResponse(http.StatusBadGateway, "list", kind, "", "<html>", 0, true),
	} {
		c := &Cluster{config: &rest.Config{Host: "https://kubernetes.example.com"}}

		got := c.explain(fmt.Errorf("wrapped: %w", err), "list the WhatsAppWebhooks", right{})
		t.Run(name, func(t *testing.T) {
			wantError(t, got, output.CodeUnreachable, "https://kubernetes.example.com does not serve the call", "kubectl get --raw /readyz")
		})
	}
}

func TestClusterWithoutTheResource(t *testing.T) {
	bare := apiserver.Start(t, &envtest.Environment{Scheme: clientgoscheme.Scheme})

	_, err := newCluster(t, bare.Admin, "default").Webhook(t.Context(), "sales")
	wantError(t, err, output.CodeUnreachable, "the CustomResourceDefinition is not installed", "Install the operator")
}

func TestActor(t *testing.T) {
	namespace := server.NewNamespace(t)

	actor, err := asUser(t, namespace, "ana").Actor(t.Context())
	if err != nil || actor != "ana" {
		t.Errorf("Actor = %q, %v, want ana", actor, err)
	}
}

func TestChoose(t *testing.T) {
	pod := func(name string, phase corev1.PodPhase, ready corev1.ConditionStatus, deleted bool) corev1.Pod {
		p := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name}}
		p.Status.Phase = phase
		p.Status.Conditions = []corev1.PodCondition{{
			Type:   corev1.PodReady,
			Status: ready,
		}}

		if deleted {
			now := metav1.Now()
			p.DeletionTimestamp = &now
		}

		return p
	}

	pending := pod("pending", corev1.PodPending, corev1.ConditionFalse, false)
	starting := pod("starting", corev1.PodRunning, corev1.ConditionFalse, false)
	ending := pod("ending", corev1.PodRunning, corev1.ConditionTrue, true)
	ready := pod("ready", corev1.PodRunning, corev1.ConditionTrue, false)

	for _, test := range []struct {
		pods []corev1.Pod
		want string
	}{
		{[]corev1.Pod{pending, starting, ending, ready}, "ready"},
		{[]corev1.Pod{pending, starting, ending}, "starting"},
		{[]corev1.Pod{pending, ending}, ""},
		{nil, ""},
	} {
		chosen, ok := choose(test.pods)
		if ok != (test.want != "") || ok && chosen.Name != test.want {
			t.Errorf("choose = %v, %t, want %q", chosen, ok, test.want)
		}
	}
}

func TestReceiversOfOneResourceOnly(t *testing.T) {
	namespace := server.NewNamespace(t)
	kubelet := server.StartKubelet(t)

	for _, name := range []string{"sales", "support"} {
		kubelet.Run(t, namespace, name+"-1", resources.SelectorLabels(name), nil, "")
	}

	pods, err := newCluster(t, server.Admin, namespace).Receivers(context.Background(), namespace, "sales")
	if err != nil || len(pods) != 1 || pods[0].Name != "sales-1" {
		t.Errorf("Receivers = %v, %v, want sales-1", pods, err)
	}
}
