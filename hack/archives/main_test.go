// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

const root = "../.."

// TestArchives builds the archive for this machine in the checkout and in a copy of it elsewhere.
func TestArchives(t *testing.T) {
	copied := t.TempDir()
	copyTree(t, copied)

	first := build(t, root)
	second := build(t, copied)

	if diff := cmp.Diff(slices.Sorted(maps.Keys(first)), slices.Sorted(maps.Keys(second))); diff != "" {
		t.Fatalf("files (-first +second):\n%s", diff)
	}

	for name, content := range first {
		if !bytes.Equal(content, second[name]) {
			t.Errorf("%s differs between two folders", name)
		}
	}

	platform := platform{runtime.GOOS, runtime.GOARCH}
	name := release{version: "v1.2.3"}.archive(platform)

	sum := sha256.Sum256(first[name])
	if want := hex.EncodeToString(sum[:]) + "  " + name + "\n"; string(first["kubectl-whatsapp_v1.2.3_checksums.txt"]) != want {
		t.Errorf("checksums %s, want %s", first["kubectl-whatsapp_v1.2.3_checksums.txt"], want)
	}

	if platform.os == "windows" {
		return
	}

	folder := t.TempDir()
	unpackTar(t, first[name], folder)

	output, err := exec.CommandContext(t.Context(), filepath.Join(folder, "kubectl-whatsapp"), "version").CombinedOutput()
	if err != nil || !strings.HasPrefix(string(output), "v1.2.3 (commit 0123456789ab, ") {
		t.Errorf("the program says %q, %v", output, err)
	}

	if license, err := os.ReadFile(filepath.Join(folder, "LICENSE")); err != nil || !bytes.Contains(license, []byte("Apache License")) {
		t.Errorf("the license: %v", err)
	}
}

// copyTree copies the files of the checkout that are tracked, or new.
func copyTree(t *testing.T, to string) {
	t.Helper()

	list := exec.CommandContext(t.Context(), "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	list.Dir = root

	output, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}

	for name := range strings.SplitSeq(strings.TrimSuffix(string(output), "\x00"), "\x00") {
		content, err := os.ReadFile(filepath.Join(root, name))
		if errors.Is(err, os.ErrNotExist) {
			continue // deleted, and not committed yet
		}

		if err != nil {
			t.Fatal(err)
		}

		copied := filepath.Join(to, name)
		if err := os.MkdirAll(filepath.Dir(copied), 0o700); err != nil {
			t.Fatal(err)
		}

		if err := os.WriteFile(copied, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// build builds the archive for this machine in a folder, and returns the files.
func build(t *testing.T, folder string) map[string][]byte {
	t.Helper()
	t.Chdir(folder)

	out := t.TempDir()

	err := run(t.Context(), []string{
		"-version", "v1.2.3", "-commit", "0123456789ab", "-url", "https://example.com/v1.2.3/", "-out", out,
		"-platforms", runtime.GOOS + "/" + runtime.GOARCH,
	}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}

	entries, err := os.ReadDir(out)
	if err != nil {
		t.Fatal(err)
	}

	files := map[string][]byte{}

	for _, file := range entries {
		if files[file.Name()], err = os.ReadFile(filepath.Join(out, file.Name())); err != nil {
			t.Fatal(err)
		}
	}

	return files
}

func unpackTar(t *testing.T, archive []byte, folder string) {
	t.Helper()

	compressed, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}

	for r := tar.NewReader(compressed); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}

		if err != nil {
			t.Fatal(err)
		}

		if !header.ModTime.Equal(modified) || header.Uid != 0 || header.Uname != "" {
			t.Errorf("%s has the time %s and the owner %d %q", header.Name, header.ModTime, header.Uid, header.Uname)
		}

		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}

		if err := os.WriteFile(filepath.Join(folder, header.Name), content, header.FileInfo().Mode()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestZip(t *testing.T) {
	windows := platform{"windows", "amd64"}
	entries := []entry{
		{"LICENSE", 0o644, []byte("words")},
		{windows.binary(), 0o755, []byte("program")},
	}

	first, err := pack(windows, entries)
	if err != nil {
		t.Fatal(err)
	}

	if second, err := pack(windows, entries); err != nil || !bytes.Equal(first, second) {
		t.Errorf("two archives of the same files differ: %v", err)
	}

	archive, err := zip.NewReader(bytes.NewReader(first), int64(len(first)))
	if err != nil {
		t.Fatal(err)
	}

	var names []string
	for _, file := range archive.File {
		names = append(names, file.Name+" "+file.Mode().String())
	}

	if diff := cmp.Diff([]string{"LICENSE -rw-r--r--", "kubectl-whatsapp.exe -rwxr-xr-x"}, names); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestKrew checks the manifest against the rules of krew's own validation.
func TestKrew(t *testing.T) {
	platforms := []platform{{"linux", "amd64"}, {"darwin", "arm64"}, {"windows", "amd64"}}

	r := release{
		version:   "v1.2.3",
		url:       "https://example.com/releases",
		platforms: platforms,
	}

	sums := map[platform]string{}
	for _, p := range platforms {
		sums[p] = strings.Repeat("0a", 32)
	}

	text, err := r.krew(sums)
	if err != nil {
		t.Fatal(err)
	}

	var got plugin
	if err := yaml.UnmarshalStrict(text, &got); err != nil {
		t.Fatal(err)
	}

	if got.APIVersion != "krew.googlecontainertools.github.com/v1alpha2" || got.Kind != "Plugin" || !regexp.MustCompile(`^[\w-]+$`).MatchString(got.Metadata.Name) {
		t.Errorf("%s %s %q", got.APIVersion, got.Kind, got.Metadata.Name)
	}

	if spec := got.Spec; spec.Version != "v1.2.3" || spec.ShortDescription == "" || strings.ContainsAny(spec.ShortDescription, "\r\n") || len(spec.Platforms) != len(platforms) {
		t.Errorf("%+v", spec)
	}

	seen := map[string]bool{}

	for _, p := range got.Spec.Platforms {
		selected := p.Selector.MatchLabels["os"] + "/" + p.Selector.MatchLabels["arch"]
		if seen[selected] || len(p.Selector.MatchLabels) != 2 {
			t.Errorf("the selector %v", p.Selector)
		}

		seen[selected] = true

		if !regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(p.SHA256) || !strings.HasPrefix(p.URI, "https://example.com/releases/kubectl-whatsapp_v1.2.3_") {
			t.Errorf("%s with the sum %s", p.URI, p.SHA256)
		}

		installed := slices.ContainsFunc(p.Files, func(f pluginFile) bool { return f.From == p.Bin && f.To == "." })
		if !installed || filepath.IsAbs(p.Bin) || strings.Contains(p.Bin, "..") || strings.HasSuffix(p.Bin, ".exe") != strings.HasPrefix(selected, "windows/") {
			t.Errorf("%s: program %q among %v", selected, p.Bin, p.Files)
		}
	}

	r.version = "1234567-dirty"
	if text, err := r.krew(sums); err != nil || !bytes.Contains(text, []byte("version: v0.0.0-dev-1234567-dirty\n")) {
		t.Errorf("the version of a commit: %v\n%s", err, text)
	}

	r.version = "a b"
	if _, err := r.krew(sums); err == nil {
		t.Error("a version with a space was accepted")
	}
}
