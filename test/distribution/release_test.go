// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/checkout"
)

// TestFilesOfARelease checks the files of 'make dist': both ways to install have the images of the version, from the registry of choice.
func TestFilesOfARelease(t *testing.T) {
	t.Parallel()

	dist := dist(t, "v9.8.7", "registry.example.com:5000/mirror/")
	packaged := filepath.Join(dist, release+"-9.8.7.tgz")
	want := []string{
		"registry.example.com:5000/mirror/whatsapp-webhook-operator/manager:v9.8.7",
		"registry.example.com:5000/mirror/whatsapp-webhook-operator/receiver:v9.8.7",
	}

	install, err := os.ReadFile(filepath.Join(dist, "install.yaml"))
	if err != nil {
		t.Fatal(err)
	}

	for name, images := range map[string][]string{
		"install.yaml":           imagesOf(t, parse(t, string(install))),
		"the chart":              imagesOf(t, parse(t, helm4.run(t, "template", release, packaged, "--kube-version="+oldestKubernetes))),
		"the chart's annotation": annotatedImages(t, packaged),
	} {
		if diff := cmp.Diff(want, images); diff != "" {
			t.Errorf("%s: images (-want +got):\n%s", name, diff)
		}
	}

	for name, text := range map[string]string{"install.yaml": string(install), "the chart": helm4.run(t, "show", "all", packaged)} {
		if strings.Contains(text, "ghcr.io/wawebhook/whatsapp-webhook-operator/") {
			t.Errorf("%s still names an image of another registry", name)
		}
	}

	m := readMetadata(t, packaged)
	if m.Version != "9.8.7" || m.AppVersion != "v9.8.7" {
		t.Errorf("the chart's versions are %s and %s", m.Version, m.AppVersion)
	}
}

// TestReleaseNamesDigests checks the files of 'make release', which name the images by digest.
func TestReleaseNamesDigests(t *testing.T) {
	t.Parallel()

	manager := "sha256:" + strings.Repeat("a1", 32)
	receiver := "sha256:" + strings.Repeat("b2", 32)
	dist := dist(t, "v9.8.7", "registry.example.com/", "MANAGER_DIGEST="+manager, "RECEIVER_DIGEST="+receiver)
	packaged := filepath.Join(dist, release+"-9.8.7.tgz")

	install, err := os.ReadFile(filepath.Join(dist, "install.yaml"))
	if err != nil {
		t.Fatal(err)
	}

	const name = "registry.example.com/whatsapp-webhook-operator/"

	tagged := []string{name + "manager:v9.8.7@" + manager, name + "receiver:v9.8.7@" + receiver}
	if diff := cmp.Diff(tagged, imagesOf(t, parse(t, string(install)))); diff != "" {
		t.Errorf("install.yaml: images (-want +got):\n%s", diff)
	}

	if diff := cmp.Diff(tagged, annotatedImages(t, packaged)); diff != "" {
		t.Errorf("the chart's annotation: images (-want +got):\n%s", diff)
	}

	rendered := imagesOf(t, parse(t, helm4.run(t, "template", release, packaged, "--kube-version="+oldestKubernetes)))
	if diff := cmp.Diff([]string{name + "manager@" + manager, name + "receiver@" + receiver}, rendered); diff != "" {
		t.Errorf("the chart: images (-want +got):\n%s", diff)
	}
}

// dist returns the folder of 'make dist', with further variables of the environment.
func dist(t *testing.T, version, prefix string, environment ...string) string {
	t.Helper()
	checkout.DependOn(t)

	folder := t.TempDir()

	command := exec.CommandContext(t.Context(), "hack/dist.sh", version, prefix, folder)
	command.Dir = root

	command.Env = append(os.Environ(), environment...)

	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("hack/dist.sh: %v\n%s", err, out)
	}

	return folder
}

// startRegistry starts a registry, and returns its address.
func startRegistry(t *testing.T) string {
	t.Helper()

	binary := filepath.Join(t.TempDir(), "registry")

	build := exec.CommandContext(t.Context(), "go", "build", "-C", root+"/hack/release", "-o", binary, "./registry")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the registry: %v\n%s", err, out)
	}

	server := exec.CommandContext(t.Context(), binary)
	server.Stderr = t.Output()

	stdout, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}

	if err := server.Start(); err != nil {
		t.Fatal(err)
	}

	// The test's context ends the process before the cleanups.
	t.Cleanup(func() { _ = server.Wait() })

	address, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("read the registry's address: %v", err)
	}

	return strings.TrimSpace(address)
}

// TestInstallFromARegistry pushes the packaged chart to an OCI registry, and installs and upgrades a release from there.
func TestInstallFromARegistry(t *testing.T) {
	charts := "oci://" + startRegistry(t) + "/charts"
	packaged := filepath.Join(dist(t, "v9.8.7", "ghcr.io/wawebhook/"), release+"-9.8.7.tgz")

	for name, helm := range map[string]program{"oci-helm-3": helm3, "oci-helm-4": helm4} {
		t.Run(name, func(t *testing.T) {
			namespaced := "--namespace=" + name

			t.Cleanup(func() { removeCRD(t) })
			t.Cleanup(func() { helm.run(t, "uninstall", release, namespaced, "--ignore-not-found") })
			helm.run(t, "push", packaged, charts, "--plain-http")
			helm.run(t, "install", release, charts+"/"+release, "--version=9.8.7", "--plain-http", namespaced, "--create-namespace")

			installed := get(t, "apps/v1", "Deployment", name, release+"-manager")

			want := []string{
				"ghcr.io/wawebhook/whatsapp-webhook-operator/manager:v9.8.7",
				"ghcr.io/wawebhook/whatsapp-webhook-operator/receiver:v9.8.7",
			}
			if diff := cmp.Diff(want, imagesOf(t, []*object{installed})); diff != "" {
				t.Errorf("images (-want +got):\n%s", diff)
			}

			helm.run(t, "upgrade", release, charts+"/"+release, "--plain-http", namespaced, "--set=logLevel=debug")
		})
	}
}
