// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package image

import (
	"archive/tar"
	"bytes"
	"debug/buildinfo"
	"debug/elf"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

func TestArchive(t *testing.T) {
	file, err := archiveHello(t, MaxSize)
	if err != nil {
		t.Fatal(err)
	}

	index := readIndex(t, file)

	if err := validate.Index(index); err != nil {
		t.Errorf("index: %v", err)
	}

	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}

	var platforms []string
	for _, image := range manifest.Manifests {
		platforms = append(platforms, image.Platform.String())
	}

	if diff := cmp.Diff([]string{"linux/amd64", "linux/arm64"}, platforms); diff != "" {
		t.Errorf("platforms (-want +got):\n%s", diff)
	}

	for _, described := range manifest.Manifests {
		t.Run(described.Platform.Architecture, func(t *testing.T) {
			image, err := index.Image(described.Digest)
			if err != nil {
				t.Fatal(err)
			}

			checkConfig(t, image, described.Platform.Architecture)
			checkFiles(t, image, described.Platform.Architecture)
		})
	}

	t.Run("docker load", func(t *testing.T) {
		tag, err := name.NewTag(tagName)
		if err != nil {
			t.Fatal(err)
		}

		image, err := tarball.ImageFromPath(file, &tag)
		if err != nil {
			t.Fatal(err)
		}

		if err := validate.Image(image); err != nil {
			t.Error(err)
		}

		config, err := image.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}

		if got := config.Platform().String(); got != "linux/amd64" {
			t.Errorf("platform %s, want the first one", got)
		}
	})
}

// readIndex unpacks the archive, checks its layout, and returns the index of the image.
func readIndex(t *testing.T, file string) v1.ImageIndex {
	t.Helper()
	folder := t.TempDir()

	opened, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()

	for _, entry := range readTar(t, opened) {
		name := filepath.Join(folder, entry.header.Name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o700), os.WriteFile(name, entry.content, 0o600)); err != nil {
			t.Fatal(err)
		}
	}

	root, err := layout.ImageIndexFromPath(folder)
	if err != nil {
		t.Fatal(err)
	}

	manifest, err := root.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}

	if len(manifest.Manifests) != 1 {
		t.Fatalf("the layout has %d images, want one", len(manifest.Manifests))
	}

	described := manifest.Manifests[0]

	want := map[string]string{"io.containerd.image.name": tagName, "org.opencontainers.image.ref.name": "v1.2.3-test"}
	if diff := cmp.Diff(want, described.Annotations); diff != "" {
		t.Errorf("annotations (-want +got):\n%s", diff)
	}

	index, err := root.ImageIndex(described.Digest)
	if err != nil {
		t.Fatal(err)
	}

	return index
}

func checkConfig(t *testing.T, image v1.Image, architecture string) {
	t.Helper()

	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}

	want := v1.Config{
		User:       "65532:65532",
		Entrypoint: []string{"/hello"},
		WorkingDir: "/",
		Env:        []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
		Labels: map[string]string{
			"org.opencontainers.image.source":   "https://github.com/wawebhook/whatsapp-webhook-operator",
			"org.opencontainers.image.licenses": "Apache-2.0",
			"org.opencontainers.image.version":  "v1.2.3-test",
		},
	}
	if diff := cmp.Diff(want, config.Config); diff != "" {
		t.Errorf("config (-want +got):\n%s", diff)
	}

	if config.OS != "linux" || config.Architecture != architecture {
		t.Errorf("platform %s, want linux/%s", config.Platform(), architecture)
	}

	if want := time.Unix(1_700_000_000, 0); !config.Created.Equal(want) {
		t.Errorf("created %s, want %s", config.Created, want)
	}

	manifest, err := image.Manifest()
	if err != nil {
		t.Fatal(err)
	}

	kinds := []types.MediaType{manifest.MediaType, manifest.Config.MediaType}
	for _, layer := range manifest.Layers {
		kinds = append(kinds, layer.MediaType)
	}

	if diff := cmp.Diff([]types.MediaType{types.OCIManifestSchema1, types.OCIConfigJSON, types.OCILayer, types.OCILayer}, kinds); diff != "" {
		t.Errorf("media types (-want +got):\n%s", diff)
	}
}

func checkFiles(t *testing.T, image v1.Image, architecture string) {
	t.Helper()

	flat := mutate.Extract(image)
	defer flat.Close()

	modes := map[string]fs.FileMode{}
	for _, entry := range readTar(t, flat) {
		modes[entry.header.Name] = entry.header.FileInfo().Mode()
		if entry.header.Uid != 0 || entry.header.Gid != 0 || !entry.header.ModTime.Equal(time.Unix(0, 0)) {
			t.Errorf("%s: owner %d:%d and time %s, want root and 1970", entry.header.Name, entry.header.Uid, entry.header.Gid, entry.header.ModTime)
		}

		if entry.header.Name == "hello" {
			checkProgram(t, entry.content, architecture)
		}
	}

	want := map[string]fs.FileMode{
		"etc":                               fs.ModeDir | 0o755,
		"etc/group":                         0o644,
		"etc/passwd":                        0o644,
		"etc/ssl":                           fs.ModeDir | 0o755,
		"etc/ssl/certs":                     fs.ModeDir | 0o755,
		"etc/ssl/certs/ca-certificates.crt": 0o644,
		"hello":                             0o755,
	}
	if diff := cmp.Diff(want, modes); diff != "" {
		t.Errorf("files and modes (-want +got):\n%s", diff)
	}
}

func checkProgram(t *testing.T, content []byte, architecture string) {
	t.Helper()

	file, err := elf.NewFile(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}

	if want := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}[architecture]; file.Machine != want {
		t.Errorf("the program is for %s, want %s", file.Machine, want)
	}

	for _, segment := range file.Progs {
		if segment.Type == elf.PT_INTERP {
			t.Error("the program is linked dynamically")
		}
	}

	info, err := buildinfo.Read(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}

	settings := map[string]string{}
	for _, setting := range info.Settings {
		settings[setting.Key] = setting.Value
	}

	if settings["-trimpath"] != "true" || settings["CGO_ENABLED"] != "0" {
		t.Errorf("built with %v, want -trimpath and no cgo", settings)
	}

	if !bytes.Contains(content, []byte("v1.2.3-test")) {
		t.Error("the program lacks its version")
	}
}

type tarEntry struct {
	header  *tar.Header
	content []byte
}

func readTar(t *testing.T, r io.Reader) []tarEntry {
	t.Helper()

	var entries []tarEntry
	for tr := tar.NewReader(r); ; {
		header, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return entries
		}

		if err != nil {
			t.Fatal(err)
		}

		content, err := io.ReadAll(tr)
		if err != nil {
			t.Fatal(err)
		}

		entries = append(entries, tarEntry{header, content})
	}
}
