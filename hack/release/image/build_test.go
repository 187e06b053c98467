// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package image

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

const tagName = "registry.example/hello/hello:v1.2.3-test"

// archiveHello builds the image of a small program in its own module, and returns the path of the archive.
func archiveHello(t *testing.T, maxSize int64) (string, error) {
	t.Helper()
	t.Setenv("GOPROXY", "off")
	t.Setenv("GOFLAGS", "")

	module := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":  "module example.com/hello\n\ngo 1.26\n",
		"main.go": "package main\n\nvar version = \"dev\"\n\nfunc main() { println(version) }\n",
	} {
		if err := os.WriteFile(filepath.Join(module, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	tag, err := name.NewTag(tagName)
	if err != nil {
		t.Fatal(err)
	}

	b := Builder{
		Version:   "v1.2.3-test",
		Revision:  "0123456789abcdef0123456789abcdef01234567",
		Platforms: []v1.Platform{{OS: "linux", Architecture: "amd64"}, {OS: "linux", Architecture: "arm64"}},
		Created:   time.Unix(1_700_000_000, 0).UTC(),
		MaxSize:   maxSize,
		Module:    module,
	}

	built, err := b.Build(t.Context(), Target{
		Name:    "hello",
		Package: ".",
		Tag:     tag,
	})
	if err != nil {
		return "", err
	}

	file, err := os.Create(filepath.Join(t.TempDir(), "hello.tar"))
	if err != nil {
		t.Fatal(err)
	}

	if err := errors.Join(built.WriteArchive(file), file.Close()); err != nil {
		t.Fatal(err)
	}

	return file.Name(), nil
}

func TestArchiveIsReproducible(t *testing.T) {
	var archives [2][]byte
	for i := range archives {
		file, err := archiveHello(t, MaxSize)
		if err != nil {
			t.Fatal(err)
		}

		if archives[i], err = os.ReadFile(file); err != nil {
			t.Fatal(err)
		}
	}

	if !bytes.Equal(archives[0], archives[1]) {
		t.Error("two builds of the same sources differ")
	}
}

func TestTooLargeImage(t *testing.T) {
	_, err := archiveHello(t, 1000)
	for _, platform := range []string{"linux/amd64", "linux/arm64"} {
		if err == nil || !strings.Contains(err.Error(), platform+" has ") {
			t.Errorf("error %v, want one naming %s", err, platform)
		}
	}
}
