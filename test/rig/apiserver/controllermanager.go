// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/process"
)

// StartControllerManager runs a real kube-controller-manager until the test ends: garbage collection, Deployments, quota,
// volume claims and namespaces work as in a cluster. No pod runs; see [Server.StartNode].
func (s *Server) StartControllerManager(t *testing.T) {
	t.Helper()

	_, file, _, _ := runtime.Caller(0)

	script := filepath.Join(filepath.Dir(file), "..", "..", "..", "hack", "controlplane", "controller-manager.sh")
	build := exec.CommandContext(t.Context(), script) //nolint:gosec // a script of this repository
	build.Stderr = os.Stderr

	program, err := build.Output()
	if err != nil {
		t.Fatalf("build kube-controller-manager: %v", err)
	}

	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(kubeconfig, s.Environment.KubeConfig, 0o600); err != nil {
		t.Fatal(err)
	}

	//nolint:gosec,noctx // the script's program; Start ends it
	process.Start(t, exec.Command(strings.TrimSpace(string(program)),
		"--kubeconfig="+kubeconfig,
		"--leader-elect=false",
		"--secure-port=0",
	))
}
