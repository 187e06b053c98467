// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package flux runs Flux's real kustomize-controller for tests, and plays source-controller for it.
package flux

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/apiserver"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/process"
)

// requestedAt is the annotation by which Flux is asked to reconcile now.
const requestedAt = "reconcile.fluxcd.io/requestedAt"

// Flux is a kustomize-controller that works in a cluster.
type Flux struct {
	cluster   client.Client
	artifacts *artifacts
}

// Start installs Flux's kinds, and runs kustomize-controller as an administrator until the test ends.
func Start(t *testing.T, cluster client.Client, admin *rest.Config, kubeconfig string) *Flux {
	t.Helper()

	if _, err := envtest.InstallCRDs(admin, envtest.CRDInstallOptions{
		Paths: []string{
			kinds(t, "github.com/fluxcd/kustomize-controller", "github.com/fluxcd/kustomize-controller"),
			kinds(t, "github.com/fluxcd/source-controller", "github.com/fluxcd/source-controller/api"),
		},
		ErrorIfPathMissing: true,
		MaxTime:            apiserver.Timeout,
	}); err != nil {
		t.Fatalf("install Flux's CustomResourceDefinitions: %v", err)
	}

	//nolint:gosec,noctx // the program is built above; Start ends it
	controller := exec.Command(Program(t, "kustomize-controller"),
		"--watch-all-namespaces",
		"--metrics-addr=0",
		"--health-addr=0",
		"--requeue-dependency=1s",
		"--interval-jitter-percentage=0",
	)
	controller.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig, "TMPDIR="+t.TempDir())
	process.Start(t, controller)

	return &Flux{cluster: cluster, artifacts: serveArtifacts(t)}
}

// Program builds a tool of hack/tools/flux, and returns its path. The first build takes minutes.
func Program(t *testing.T, name string) string {
	t.Helper()
	return strings.TrimSpace(string(output(t, "go", "-C", module(), "tool", "-n", name)))
}

// kinds returns the folder of the CustomResourceDefinitions of a module, in the version that hack/tools/flux pins for
// another one.
func kinds(t *testing.T, path, versionOf string) string {
	t.Helper()

	version := strings.TrimSpace(string(output(t, "go", "-C", module(), "list", "-m", "-f", "{{.Version}}", versionOf)))

	var downloaded struct{ Dir string }
	if err := json.Unmarshal(output(t, "go", "mod", "download", "-json", path+"@"+version), &downloaded); err != nil {
		t.Fatal(err)
	}

	return filepath.Join(downloaded.Dir, "config", "crd", "bases")
}

// module returns the folder of the module that pins Flux.
func module() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..", "..", "hack", "tools", "flux")
}

func output(t *testing.T, program string, args ...string) []byte {
	t.Helper()

	command := exec.CommandContext(t.Context(), program, args...) //nolint:gosec // the go command

	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	command.Stderr = os.Stderr

	out, err := command.Output()
	if err != nil {
		t.Fatalf("%s: %v", command, err)
	}

	return out
}

// Reconcile asks the Kustomization to reconcile now and returns when it has, as 'flux reconcile kustomization' does. The
// result may be a failure.
func (f *Flux) Reconcile(t *testing.T, key client.ObjectKey) {
	t.Helper()

	request := time.Now().Format(time.RFC3339Nano)
	kustomization := f.Kustomization(t, key)
	patch := client.MergeFrom(kustomization.DeepCopy())
	annotations := kustomization.GetAnnotations()

	if annotations == nil {
		annotations = map[string]string{}
	}

	annotations[requestedAt] = request
	kustomization.SetAnnotations(annotations)

	if err := f.cluster.Patch(t.Context(), kustomization, patch); err != nil {
		t.Fatalf("request a reconciliation of %s: %v", key, err)
	}

	apiserver.Eventually(t, func() error {
		handled, _, err := unstructured.NestedString(f.Kustomization(t, key).Object, "status", "lastHandledReconcileAt")
		if err != nil || handled != request {
			return fmt.Errorf("%s has not handled the request %s: %s, %w", key, request, handled, err)
		}

		return nil
	})
}

// Kustomization returns the Kustomization as it is in the cluster.
func (f *Flux) Kustomization(t *testing.T, key client.ObjectKey) *unstructured.Unstructured {
	t.Helper()

	kustomization := &unstructured.Unstructured{}
	kustomization.SetGroupVersionKind(schema.GroupVersionKind{
		Group:   "kustomize.toolkit.fluxcd.io",
		Version: "v1",
		Kind:    "Kustomization",
	})

	if err := f.cluster.Get(t.Context(), key, kustomization); err != nil {
		t.Fatalf("get Kustomization %s: %v", key, err)
	}

	return kustomization
}
