// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/wawebhook/whatsapp-webhook-operator/hack/release/repository"
)

// keep takes the place of gh: it copies the files that it is given, as a release on GitHub holds them, without folders.
const keep = `#!/bin/sh
for word; do
  if [ "$word" != CHANGELOG.md ] && [ -f "$word" ]; then cp "$word" "$UPLOADED"; fi
done
`

// TestUploadIsVerified verifies what 'make release-upload' uploads of a release.
func TestUploadIsVerified(t *testing.T) {
	if err := repository.Enter(); err != nil {
		t.Fatal(err)
	}

	r := makeRelease(t, registry.WithReferrersSupport(true))

	uploaded, programs := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(programs, "gh"), []byte(keep), 0o700); err != nil {
		t.Fatal(err)
	}

	upload := exec.CommandContext(t.Context(), "make", "release-upload", "VERSION="+r.version, "DIST="+filepath.Dir(r.out))

	upload.Env = append(os.Environ(), "UPLOADED="+uploaded, "PATH="+programs+":"+os.Getenv("PATH"))
	if out, err := upload.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}

	published, err := fileNames(r.out)
	if err != nil {
		t.Fatal(err)
	}

	received, err := fileNames(uploaded)
	if err != nil {
		t.Fatal(err)
	}

	if strings.Join(received, " ") != strings.Join(published, " ") {
		t.Errorf("uploaded %v of %v", received, published)
	}

	r.out = uploaded
	if err := r.verify(t); err != nil {
		t.Errorf("the release as downloaded: %v", err)
	}
}
