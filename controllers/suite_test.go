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
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/yaml"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
)

const (
	testImage = "registry.example.com/receiver:test"
	patience  = 20 * time.Second
)

var testEnvironment = resources.Environment{ReceiverImage: testImage, OperatorNamespace: "whatsapp-webhook-system"}

// cluster is an API server with the CRD, and one manager that has the rights of config/rbac and no more. Each test has
// a namespace of its own in it.
type cluster struct {
	client.Client // an administrator's, without a cache
	admin         *rest.Config
	manager       *rest.Config
	reconciler    *WhatsAppWebhookReconciler
	writes        *writeCounter
	pods          *pods
}

var testCluster *cluster

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)

		code = 1
	}

	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		return 1, errors.New("these tests run against a real API server: set KUBEBUILDER_ASSETS to a folder with kube-apiserver and etcd ('make test' does)")
	}

	ctrl.SetLogger(logr.Discard())

	scheme, err := NewScheme()
	if err != nil {
		return 1, err
	}

	gatewayAPI, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/gateway-api").Output()
	if err != nil {
		return 1, fmt.Errorf("find the module of the Gateway API: %w", err)
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
	// Some distributions ask for rights on finalizers before an owner may block its deletion.
	environment.ControlPlane.GetAPIServer().Configure().Append("enable-admission-plugins", "OwnerReferencesPermissionEnforcement")
	// Also when starting fails: it may be the CRD that the API server refuses.
	defer func() { err = errors.Join(err, environment.Stop()) }()

	admin, err := environment.Start()
	if err != nil {
		return 1, fmt.Errorf("start kube-apiserver and etcd, and install the CRD: %w", err)
	}

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()

	direct, err := client.New(admin, client.Options{Scheme: scheme})
	if err != nil {
		return 1, err
	}

	managed, err := managerUser(ctx, environment, direct)
	if err != nil {
		return 1, fmt.Errorf("make a user with the manager's rights: %w", err)
	}

	writes := &writeCounter{}
	managed.Wrap(writes.wrap)

	mgr, err := ctrl.NewManager(managed, ctrl.Options{
		Scheme:  scheme,
		Cache:   CacheOptions(nil),
		Metrics: metricsserver.Options{BindAddress: "0"},
	})
	if err != nil {
		return 1, fmt.Errorf("make the manager: %w", err)
	}

	pods := newPods()

	reconciler, err := NewWhatsAppWebhookReconciler(mgr, Options{Environment: testEnvironment, Transport: pods})
	if err != nil {
		return 1, err
	}

	reconciler.extensions.every = 200 * time.Millisecond

	reconciler.conflictRetry = 100 * time.Millisecond
	if err := reconciler.SetupWithManager(ctx, mgr); err != nil {
		return 1, err
	}

	stopped := make(chan error, 1)
	go func() { stopped <- mgr.Start(ctx) }()

	defer func() { cancel(); err = errors.Join(err, <-stopped) }()

	testCluster = &cluster{
		Client:     direct,
		admin:      admin,
		manager:    managed,
		reconciler: reconciler,
		writes:     writes,
		pods:       pods,
	}

	return m.Run(), nil
}

// managerUser returns the configuration of a user that config/rbac/role.yaml is bound to.
func managerUser(ctx context.Context, environment *envtest.Environment, admin client.Client) (*rest.Config, error) {
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
	if err := errors.Join(admin.Create(ctx, role), admin.Create(ctx, binding)); err != nil {
		return nil, err
	}

	user, err := environment.AddUser(envtest.User{Name: "manager"}, nil)
	if err != nil {
		return nil, err
	}

	return rest.CopyConfig(user.Config()), nil
}

// writeCounter keeps the manager's requests that are not reads.
type writeCounter struct {
	mu       sync.Mutex
	requests []string // method and path
}

func (w *writeCounter) wrap(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		if req.Method != http.MethodGet {
			w.mu.Lock()
			w.requests = append(w.requests, req.Method+" "+req.URL.Path)
			w.mu.Unlock()
		}

		return next.RoundTrip(req)
	})
}

func (w *writeCounter) in(namespace string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()

	var in []string
	for _, request := range w.requests {
		if strings.Contains(request, "/namespaces/"+namespace+"/") {
			in = append(in, request)
		}
	}

	return in
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// newNamespace returns a namespace for one test.
func newNamespace(t *testing.T) string {
	t.Helper()

	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}}
	if err := testCluster.Create(t.Context(), namespace); err != nil {
		t.Fatalf("create a namespace: %v", err)
	}

	return namespace.Name
}

// newWebhook returns a resource with only what is required.
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

func create(t *testing.T, object client.Object) {
	t.Helper()

	if err := testCluster.Create(t.Context(), object); err != nil {
		t.Fatalf("create %T %s: %v", object, object.GetName(), err)
	}
}

// change reads the object, changes it and writes it back.
func change[T client.Object](t *testing.T, object T, do func(T)) {
	t.Helper()
	eventually(t, func() error {
		if err := testCluster.Get(t.Context(), client.ObjectKeyFromObject(object), object); err != nil {
			return err
		}

		do(object)

		return testCluster.Update(t.Context(), object)
	})
}

// get fills the object, which has namespace and name set.
func get[T client.Object](t *testing.T, object T) T {
	t.Helper()

	if err := testCluster.Get(t.Context(), client.ObjectKeyFromObject(object), object); err != nil {
		t.Fatalf("get %T %s: %v", object, object.GetName(), err)
	}

	return object
}

// eventually asks until there is no error any more.
func eventually(t *testing.T, ask func() error) {
	t.Helper()

	var last error

	err := wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, patience, true, func(context.Context) (bool, error) {
		last = ask()
		return last == nil, nil
	})
	if err != nil {
		t.Fatalf("after %s still: %v", patience, last)
	}
}
