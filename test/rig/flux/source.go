// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package flux

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// artifacts serves archives of sources by their digests.
type artifacts struct {
	url string

	mu       sync.Mutex
	archives map[string][]byte
}

func serveArtifacts(t *testing.T) *artifacts {
	t.Helper()

	a := &artifacts{archives: map[string][]byte{}}
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)

	a.url = server.URL

	return a
}

func (a *artifacts) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	archive, found := a.archives[r.URL.Path]
	a.mu.Unlock()

	if !found {
		http.NotFound(w, r)
		return
	}

	_, _ = w.Write(archive)
}

// Push makes the files the newest revision of a source, as source-controller does after a push to its repository, and
// returns the revision.
func (f *Flux) Push(t *testing.T, source *unstructured.Unstructured, files fs.FS) string {
	t.Helper()

	archive, err := pack(files)
	if err != nil {
		t.Fatalf("pack the files of %s: %v", source.GetName(), err)
	}

	sum := sha256.Sum256(archive)
	digest := hex.EncodeToString(sum[:])
	path := "/" + digest + ".tar.gz"

	f.artifacts.mu.Lock()
	f.artifacts.archives[path] = archive
	f.artifacts.mu.Unlock()

	live := &unstructured.Unstructured{}
	live.SetGroupVersionKind(source.GroupVersionKind())

	if err := f.cluster.Get(t.Context(), client.ObjectKeyFromObject(source), live); err != nil {
		t.Fatalf("get %s %s: %v", source.GetKind(), source.GetName(), err)
	}

	revision := "main@sha1:" + digest[:40]
	now := time.Now().UTC().Format(time.RFC3339)
	live.Object["status"] = map[string]any{
		"observedGeneration": live.GetGeneration(),
		"artifact": map[string]any{
			"digest":         "sha256:" + digest,
			"lastUpdateTime": now,
			"path":           path,
			"revision":       revision,
			"url":            f.artifacts.url + path,
		},
		"conditions": []any{map[string]any{
			"type":               "Ready",
			"status":             "True",
			"reason":             "Succeeded",
			"message":            "stored artifact",
			"lastTransitionTime": now,
		}},
	}

	if err := f.cluster.Status().Update(t.Context(), live); err != nil {
		t.Fatalf("push to %s %s: %v", source.GetKind(), source.GetName(), err)
	}

	return revision
}

// pack returns a compressed archive of the files. The same files always give the same archive.
func pack(files fs.FS) ([]byte, error) {
	var archive bytes.Buffer

	compressed := gzip.NewWriter(&archive)
	packed := tar.NewWriter(compressed)

	err := fs.WalkDir(files, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}

		content, err := fs.ReadFile(files, path)
		if err != nil {
			return err
		}

		if err := packed.WriteHeader(&tar.Header{
			Name: path,
			Mode: 0o644,
			Size: int64(len(content)),
		}); err != nil {
			return err
		}

		_, err = packed.Write(content)

		return err
	})
	if err != nil {
		return nil, err
	}

	if err := packed.Close(); err != nil {
		return nil, err
	}

	if err := compressed.Close(); err != nil {
		return nil, err
	}

	return archive.Bytes(), nil
}
