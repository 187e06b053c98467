// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package distribution tests the ways to install the operator: the kustomizations, the chart, and the examples for Argo CD
// and Flux. It uses the real Helm, kustomize and API server.
package distribution

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/apiserver"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/checkout"
)

const (
	root    = "../.."
	chart   = root + "/charts/whatsapp-webhook-operator"
	release = "whatsapp-webhook-operator"

	// oldestKubernetes is that of the chart's kubeVersion.
	oldestKubernetes = "1.30"
)

// testCluster is an API server without the CRD: installing it is part of the test.
var testCluster struct {
	*apiserver.Server

	kubeconfig string // file of an administrator
}

func TestMain(m *testing.M) {
	os.Exit(apiserver.Run(&envtest.Environment{}, func(server *apiserver.Server) (int, error) {
		folder, err := os.MkdirTemp("", "distribution")
		if err != nil {
			return 1, err
		}
		defer os.RemoveAll(folder)

		testCluster.Server = server
		testCluster.kubeconfig = filepath.Join(folder, "kubeconfig")

		if err := os.WriteFile(testCluster.kubeconfig, server.Environment.KubeConfig, 0o600); err != nil {
			return 1, err
		}

		return m.Run(), nil
	}))
}

// Programs pinned under hack/tools. The first build of each takes a minute or two.
var (
	helm4     = tool("helm", "helm")
	helm3     = tool("helm3", "helm")
	kustomize = tool("kubernetes", "kustomize")
)

// program is a program with access to the test's cluster only.
type program struct {
	path func() (string, error)
}

// tool returns a program of a module under hack/tools.
func tool(module, name string) program {
	return program{sync.OnceValues(func() (string, error) {
		build := exec.Command("go", "tool", "-modfile="+root+"/hack/tools/"+module+"/go.mod", "-n", name)
		build.Stderr = os.Stderr
		path, err := build.Output()

		return strings.TrimSpace(string(path)), err
	})}
}

// run runs the program and returns its output. It ends the test after an error.
func (p program) run(t *testing.T, args ...string) string {
	t.Helper()

	printed, err := p.try(t, args...)
	if err != nil {
		t.Fatalf("%s: %v", strings.Join(args, " "), err)
	}

	return printed
}

// try runs the program and returns its output. It also works in a cleanup, after the test's context has ended.
func (p program) try(t *testing.T, args ...string) (string, error) {
	t.Helper()
	checkout.DependOn(t)

	path, err := p.path()
	if err != nil {
		t.Fatalf("build a program of hack/tools: %v", err)
	}

	home := t.TempDir()

	var stdout, stderr strings.Builder

	command := exec.CommandContext(context.WithoutCancel(t.Context()), path, args...)

	command.Env = append(os.Environ(),
		"KUBECONFIG="+testCluster.kubeconfig,
		"HELM_CACHE_HOME="+home,
		"HELM_CONFIG_HOME="+home,
		"HELM_DATA_HOME="+home,
	)
	command.Stdout = &stdout
	command.Stderr = &stderr

	if err := command.Run(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, stderr.String())
	}

	return stdout.String(), nil
}
