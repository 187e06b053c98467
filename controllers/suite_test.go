// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/yaml"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/apiserver"
)

const testImage = "registry.example.com/receiver:test"

var testEnvironment = resources.Environment{ReceiverImage: testImage, OperatorNamespace: "whatsapp-webhook-system"}

// cluster is an API server with the CRD, and one manager that has exactly the rights of config/rbac. Each test uses a
// separate namespace.
type cluster struct {
	*apiserver.Server

	manager    *rest.Config
	reconciler *WhatsAppWebhookReconciler
	writes     *writeCounter
	pods       *pods
}

var testCluster *cluster

func TestMain(m *testing.M) {
	environment, err := newEnvironment()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}

	os.Exit(apiserver.Run(environment, func(server *apiserver.Server) (int, error) { return run(m, server) }))
}

// newEnvironment returns an environment with the CRDs of the project and of those optional APIs that every test has.
func newEnvironment() (*envtest.Environment, error) {
	scheme, err := NewScheme()
	if err != nil {
		return nil, err
	}

	gatewayAPI, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/gateway-api").Output()
	if err != nil {
		return nil, fmt.Errorf("find the module of the Gateway API: %w", err)
	}

	environment := &envtest.Environment{
		Scheme: scheme,
		CRDDirectoryPaths: []string{
			"../config/crd/bases",
			filepath.Join(strings.TrimSpace(string(gatewayAPI)), "config", "crd", "standard", "gateway.networking.k8s.io_httproutes.yaml"),
			"testdata/crds/monitoring.coreos.com_prometheusrules.yaml",
			"testdata/crds/monitoring.coreos.com_servicemonitors.yaml",
		},
		ErrorIfCRDPathMissing: true,
	}
	// Some distributions require rights on finalizers before an owner may block its deletion.
	environment.ControlPlane.GetAPIServer().Configure().Append("enable-admission-plugins", "OwnerReferencesPermissionEnforcement")

	return environment, nil
}

// run starts the manager and runs the tests.
func run(m *testing.M, server *apiserver.Server) (code int, err error) {
	ctrl.SetLogger(logr.Discard())

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()

	managed, err := managerUser(ctx, server)
	if err != nil {
		return 1, fmt.Errorf("create a user with the manager's rights: %w", err)
	}

	writes := &writeCounter{}
	managed.Wrap(writes.wrap)

	watched := NewCache(server.Scheme(), nil, labels.Everything(), logr.Discard())
	managed.Wrap(watched.Wrap)

	mgr, err := ctrl.NewManager(managed, ctrl.Options{
		Scheme:  server.Scheme(),
		Cache:   watched.Options(),
		Metrics: metricsserver.Options{BindAddress: "0"},
	})
	if err != nil {
		return 1, fmt.Errorf("create the manager: %w", err)
	}

	pods := newPods()

	reconciler, err := NewWhatsAppWebhookReconciler(mgr, Options{
		Environment: testEnvironment,
		Cache:       watched,
		Transport:   pods,
	})
	if err != nil {
		return 1, err
	}

	reconciler.extensions.every = 200 * time.Millisecond

	soon := retryInterval{first: 100 * time.Millisecond, longest: 200 * time.Millisecond}
	reconciler.retries = map[retryClass]retryInterval{
		retryConflict: soon,
		retryDenied:   soon,
		retryContest:  soon,
		retryRejected: soon,
	}

	if err := reconciler.SetupWithManager(ctx, mgr); err != nil {
		return 1, err
	}

	stopped := make(chan error, 1)
	go func() { stopped <- mgr.Start(ctx) }()

	defer func() {
		cancel()

		err = errors.Join(err, <-stopped)
	}()

	testCluster = &cluster{
		Server:     server,
		manager:    managed,
		reconciler: reconciler,
		writes:     writes,
		pods:       pods,
	}

	return m.Run(), nil
}

// managerUser returns the client configuration of a user with the rights of config/rbac/role.yaml.
func managerUser(ctx context.Context, server *apiserver.Server) (*rest.Config, error) {
	data, err := os.ReadFile("../config/rbac/role.yaml")
	if err != nil {
		return nil, err
	}

	role := &rbacv1.ClusterRole{}
	if err := yaml.UnmarshalStrict(data, role); err != nil {
		return nil, err
	}

	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "manager"},
		RoleRef: rbacv1.RoleRef{
			APIGroup: rbacv1.GroupName,
			Kind:     "ClusterRole",
			Name:     role.Name,
		},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: "manager"}},
	}
	if err := errors.Join(server.Create(ctx, role), server.Create(ctx, binding)); err != nil {
		return nil, err
	}

	user, err := server.Environment.AddUser(envtest.User{Name: "manager"}, nil)
	if err != nil {
		return nil, err
	}

	return rest.CopyConfig(user.Config()), nil
}

// writeCounter records the manager's requests.
type writeCounter struct {
	mu       sync.Mutex
	requests []string // method and path
}

func (w *writeCounter) wrap(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		w.mu.Lock()
		w.requests = append(w.requests, req.Method+" "+req.URL.Path)
		w.mu.Unlock()

		return next.RoundTrip(req)
	})
}

// in returns the requests in a namespace that are not reads.
func (w *writeCounter) in(namespace string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()

	var in []string
	for _, request := range w.requests {
		if strings.Contains(request, "/namespaces/"+namespace+"/") && !strings.HasPrefix(request, http.MethodGet) {
			in = append(in, request)
		}
	}

	return in
}

// all returns all requests in a namespace, as the method and the path below the namespace.
func (w *writeCounter) all(namespace string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()

	var all []string
	for _, request := range w.requests {
		path, below, ok := strings.Cut(request, "/namespaces/"+namespace+"/")
		if ok {
			method, _, _ := strings.Cut(path, " ")
			all = append(all, method+" "+below)
		}
	}

	return all
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// newWebhook returns a resource with the required fields only.
func newWebhook(namespace, name string) *v1alpha1.WhatsAppWebhook {
	key := func(key string) v1alpha1.SecretKeyReference {
		return v1alpha1.SecretKeyReference{Name: "whatsapp", Key: key}
	}

	return &v1alpha1.WhatsAppWebhook{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: v1alpha1.WhatsAppWebhookSpec{
			CloudAPI: v1alpha1.CloudAPISpec{
				AccessTokenSecretRef: key("access-token"),
				AppSecretSecretRefs:  []v1alpha1.SecretKeyReference{key("app-secret")},
				VerifyTokenSecretRef: key("verify-token"),
			},
			Bird: v1alpha1.BirdSpec{
				BaseURL:            "https://bridge.example.com",
				AccessKeySecretRef: key("access-key"),
			},
		},
	}
}

// change reads the object, calls edit and writes it back, again until there is no conflict.
func change[T client.Object](t *testing.T, object T, edit func(T)) {
	t.Helper()
	apiserver.Change(t, testCluster.Server, object, edit)
}
