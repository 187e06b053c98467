// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package apiserver runs tests against a real kube-apiserver and etcd.
package apiserver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/port"
)

// Timeout bounds [Eventually], and the start and the end of the servers. It is a safety bound only: a busy machine may be
// many times slower than an idle one.
const Timeout = 2 * time.Minute

// Server is a running kube-apiserver. The embedded client is an administrator's and has no cache.
type Server struct {
	client.Client
	// Admin is the client configuration of an administrator.
	Admin *rest.Config
	// Environment is the environment the server was started from.
	Environment *envtest.Environment
}

// Run starts environment, calls use with the server, and stops the environment. It returns the exit code of a TestMain:
// that of use, or 1 with the error on standard error.
func Run(environment *envtest.Environment, use func(*Server) (code int, err error)) int {
	code, err := run(environment, use)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}

	return code
}

func run(environment *envtest.Environment, use func(*Server) (int, error)) (code int, err error) {
	release, err := reservePorts(environment)
	if err != nil {
		return 1, err
	}

	// Also after a failed start: etcd may be running while the API server rejected a CRD.
	defer func() { err = errors.Join(err, environment.Stop(), release()) }()

	server, err := start(environment)
	if err != nil {
		return 1, err
	}

	return use(server)
}

// Start starts environment and stops it when the test ends.
func Start(t *testing.T, environment *envtest.Environment) *Server {
	t.Helper()

	release, err := reservePorts(environment)
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() {
		if err := errors.Join(environment.Stop(), release()); err != nil {
			t.Errorf("stop kube-apiserver and etcd: %v", err)
		}
	})

	server, err := start(environment)
	if err != nil {
		t.Fatal(err)
	}

	return server
}

// reservePorts gives the servers of environment ports that other programs do not get before they listen. Release ends it.
func reservePorts(environment *envtest.Environment) (release func() error, err error) {
	store, releaseStore, err := port.Reserve()
	if err != nil {
		return nil, err
	}

	api, releaseAPI, err := port.Reserve()
	if err != nil {
		return nil, errors.Join(err, releaseStore())
	}

	environment.ControlPlane.Etcd = cmp.Or(environment.ControlPlane.Etcd, &envtest.Etcd{})
	environment.ControlPlane.Etcd.URL = &url.URL{Scheme: "http", Host: store}

	serving := &environment.ControlPlane.GetAPIServer().SecureServing
	if serving.Address, serving.Port, err = net.SplitHostPort(api); err != nil {
		return nil, errors.Join(err, releaseStore(), releaseAPI())
	}

	return func() error { return errors.Join(releaseStore(), releaseAPI()) }, nil
}

func start(environment *envtest.Environment) (*Server, error) {
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		return nil, errors.New("these tests run against a real API server: set KUBEBUILDER_ASSETS to a folder with kube-apiserver and etcd ('make test' does)")
	}

	environment.ControlPlaneStartTimeout = Timeout
	environment.ControlPlaneStopTimeout = Timeout
	environment.CRDInstallOptions.MaxTime = Timeout

	admin, err := environment.Start()
	if err != nil {
		return nil, fmt.Errorf("start kube-apiserver and etcd, and install the CRDs: %w", err)
	}

	direct, err := client.New(admin, client.Options{Scheme: environment.Scheme})
	if err != nil {
		return nil, fmt.Errorf("create a client: %w", err)
	}

	return &Server{
		Client:      direct,
		Admin:       admin,
		Environment: environment,
	}, nil
}

// NewNamespace creates a namespace for one test and returns its name.
func (s *Server) NewNamespace(t *testing.T) string {
	t.Helper()

	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}}
	s.MustCreate(t, namespace)

	return namespace.Name
}

// MustCreate creates the object, and ends the test if the API server rejects it.
func (s *Server) MustCreate(t *testing.T, object client.Object) {
	t.Helper()

	if err := s.Create(t.Context(), object); err != nil {
		t.Fatalf("create %T %s: %v", object, object.GetName(), err)
	}
}

// MustGet reads the object with the namespace and name of the one given into it, and returns it.
func MustGet[T client.Object](t *testing.T, s *Server, object T) T {
	t.Helper()

	if err := s.Get(t.Context(), client.ObjectKeyFromObject(object), object); err != nil {
		t.Fatalf("get %T %s: %v", object, object.GetName(), err)
	}

	return object
}

// Change reads the object, calls edit and writes it back, again until there is no conflict: an operator under test may write its
// status at any time.
func Change[T client.Object](t *testing.T, s *Server, object T, edit func(T)) {
	t.Helper()
	Eventually(t, func() error {
		if err := s.Get(t.Context(), client.ObjectKeyFromObject(object), object); err != nil {
			return err
		}

		edit(object)

		return s.Update(t.Context(), object)
	})
}

// Eventually calls check until it returns no error, and ends the test with the last error after [Timeout].
func Eventually(t *testing.T, check func() error) {
	t.Helper()

	var last error

	err := wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, Timeout, true, func(context.Context) (bool, error) {
		last = check()
		return last == nil, nil
	})
	if err != nil {
		t.Fatalf("still failing after %s: %v", Timeout, last)
	}
}
