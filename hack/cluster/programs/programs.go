// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package programs builds the programs of a node from the Go modules pinned under hack/. It caches them for the next node.
package programs

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// set is a group of programs of one Go module, all linked statically.
type set struct {
	name     string
	folder   string // in the repository
	packages []string
	flags    func(ctx context.Context, folder string) (string, error) // for the linker; may be nil
	script   string                                                   // in hack/controlplane; prints the folder instead
}

var sets = []set{
	{
		name:   "kubernetes",
		script: "module.sh",
		packages: []string{
			"k8s.io/kubernetes/cmd/kube-controller-manager",
			"k8s.io/kubernetes/cmd/kube-scheduler",
			"k8s.io/kubernetes/cmd/kubelet",
			"k8s.io/kubernetes/cmd/kube-proxy",
			"k8s.io/kubernetes/cmd/kubectl",
		},
		flags: kubernetesVersion,
	},
	{
		name:   "containerd",
		folder: "hack/cluster/modules/containerd",
		packages: []string{
			"github.com/containerd/containerd/v2/cmd/containerd",
			"github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2",
			"github.com/containerd/containerd/v2/cmd/ctr",
		},
	},
	{
		name:   "cni",
		folder: "hack/cluster/modules/cni",
		packages: []string{
			"github.com/containernetworking/plugins/plugins/main/ptp",
			"github.com/containernetworking/plugins/plugins/main/loopback",
			"github.com/containernetworking/plugins/plugins/ipam/host-local",
			"github.com/containernetworking/plugins/plugins/meta/portmap",
		},
	},
	{
		name:     "coredns",
		folder:   "hack/cluster/modules/coredns",
		packages: []string{"github.com/wawebhook/whatsapp-webhook-operator/hack/cluster/modules/coredns"},
	},
	{
		name:     "pause",
		folder:   "hack/cluster/pause",
		packages: []string{"github.com/wawebhook/whatsapp-webhook-operator/hack/cluster/pause"},
	},
}

// Programs maps the name of each set to the folder of its executables.
type Programs map[string]string

// Ensure builds the programs that the cache lacks. root is the folder of the repository; progress receives a line for each
// program.
func Ensure(ctx context.Context, root, cache string, progress io.Writer) (Programs, error) {
	p := Programs{}

	var err error
	if p["controlplane"], err = controlPlane(ctx, root, progress); err != nil {
		return nil, err
	}

	for _, s := range sets {
		if p[s.name], err = s.ensure(ctx, root, cache, progress); err != nil {
			return nil, err
		}
	}

	return p, nil
}

// controlPlane returns the folder of kube-apiserver and etcd, which the tests use too.
func controlPlane(ctx context.Context, root string, progress io.Writer) (string, error) {
	folder, err := script(ctx, root, "assets.sh", progress)
	if err != nil {
		return "", fmt.Errorf("get kube-apiserver and etcd: %w", err)
	}

	return folder, nil
}

// script returns what a script of hack/controlplane prints.
func script(ctx context.Context, root, name string, progress io.Writer) (string, error) {
	command := exec.CommandContext(ctx, filepath.Join(root, "hack", "controlplane", name)) //nolint:gosec // a script of this repository
	command.Stderr = progress

	printed, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("run hack/controlplane/%s: %w", name, err)
	}

	return strings.TrimSpace(string(printed)), nil
}

// ensure returns the folder of the set's executables. Its name contains a fingerprint of their sources.
func (s set) ensure(ctx context.Context, root, cache string, progress io.Writer) (string, error) {
	source := filepath.Join(root, s.folder)

	if s.script != "" {
		var err error
		if source, err = script(ctx, root, s.script, progress); err != nil {
			return "", fmt.Errorf("find the module of %s: %w", s.name, err)
		}
	}

	key, err := fingerprint(source, s.packages)
	if err != nil {
		return "", fmt.Errorf("fingerprint the sources of %s: %w", s.name, err)
	}

	target := filepath.Join(cache, s.name+"-"+key)
	if _, err := os.Stat(target); err == nil {
		return target, nil
	}

	linker := "-s -w"
	if s.flags != nil {
		more, err := s.flags(ctx, source)
		if err != nil {
			return "", err
		}

		linker += " " + more
	}

	// The folder gets its final name once the set is complete.
	partial := target + ".partial"
	if err := os.MkdirAll(partial, 0o750); err != nil {
		return "", fmt.Errorf("create a folder in the cache: %w", err)
	}

	for _, pkg := range s.packages {
		if err := build(ctx, source, pkg, filepath.Join(partial, path.Base(pkg)), linker, progress); err != nil {
			return "", err
		}
	}

	if err := os.Rename(partial, target); err != nil {
		return "", fmt.Errorf("store %s in the cache: %w", s.name, err)
	}

	return target, nil
}

func build(ctx context.Context, folder, pkg, target, linker string, progress io.Writer) error {
	start := time.Now()
	//nolint:gosec // the packages are listed above
	command := exec.CommandContext(ctx, "go", "build", "-C", folder, "-trimpath", "-ldflags", linker, "-o", target, pkg)

	command.Env = append(os.Environ(), "CGO_ENABLED=0")

	var stderr bytes.Buffer

	command.Stderr = &stderr
	if err := command.Run(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", pkg, err, stderr.String())
	}

	fmt.Fprintf(progress, "  built %s in %.0f s\n", path.Base(pkg), time.Since(start).Seconds())

	return nil
}

// fingerprint returns a hash of the files of a module's folder, and of the packages.
func fingerprint(folder string, packages []string) (string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return "", err
	}

	sum := sha256.New()
	fmt.Fprintln(sum, packages)

	for _, entry := range entries {
		if entry.IsDir() {
			continue
		}

		text, err := os.ReadFile(filepath.Join(folder, entry.Name()))
		if err != nil {
			return "", err
		}

		fmt.Fprintln(sum, entry.Name(), len(text))
		sum.Write(text)
	}

	return hex.EncodeToString(sum.Sum(nil))[:12], nil
}

// kubernetesVersion returns linker flags that set the pinned version, as Kubernetes' own build does.
func kubernetesVersion(ctx context.Context, folder string) (string, error) {
	//nolint:gosec // a folder of this repository
	list := exec.CommandContext(ctx, "go", "list", "-C", folder, "-m", "-f", "{{.Version}}", "k8s.io/kubernetes")

	version, err := list.Output()
	if err != nil {
		return "", fmt.Errorf("read the pinned version of Kubernetes: %w", err)
	}

	text := strings.TrimSpace(string(version))

	parts := strings.Split(strings.TrimPrefix(text, "v"), ".")
	if len(parts) < 2 {
		return "", fmt.Errorf("the pinned version of Kubernetes, %q, is not like v1.37.2", text)
	}

	const pkg = "k8s.io/component-base/version"

	return fmt.Sprintf("-X %[1]s.gitVersion=%[2]s -X %[1]s.gitMajor=%[3]s -X %[1]s.gitMinor=%[4]s",
		pkg, text, parts[0], parts[1]), nil
}
