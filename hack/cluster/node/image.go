// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// imageFile is a file of an image or of its archive.
type imageFile struct {
	name    string
	mode    int64
	content []byte
}

// writeImage writes the archive of an image with a single static program, which runs as an unprivileged user. The format is that
// of `docker save` (https://github.com/moby/docker-image-spec/blob/v1.3.1/spec.md).
func writeImage(archive, image, program string) error {
	content, err := os.ReadFile(program)
	if err != nil {
		return err
	}

	base := filepath.Base(program)

	layer, err := packImage(imageFile{
		name:    base,
		mode:    0o755,
		content: content,
	})
	if err != nil {
		return fmt.Errorf("pack the program: %w", err)
	}

	config, err := imageConfig("/"+base, layer)
	if err != nil {
		return err
	}

	manifest, err := json.Marshal([]map[string]any{{
		"Config":   sum(config) + ".json",
		"RepoTags": []string{image},
		"Layers":   []string{sum(layer) + ".tar"},
	}})
	if err != nil {
		return err
	}

	packed, err := packImage(
		imageFile{
			name:    sum(config) + ".json",
			mode:    0o644,
			content: config,
		},
		imageFile{
			name:    sum(layer) + ".tar",
			mode:    0o644,
			content: layer,
		},
		imageFile{
			name:    "manifest.json",
			mode:    0o644,
			content: manifest,
		},
	)
	if err != nil {
		return fmt.Errorf("pack the image: %w", err)
	}

	return os.WriteFile(archive, packed, 0o600)
}

// imageConfig returns the configuration of an image. containerd skips one without a platform.
func imageConfig(entrypoint string, layer []byte) ([]byte, error) {
	return json.Marshal(map[string]any{
		"os":           "linux",
		"architecture": runtime.GOARCH,
		"config": map[string]any{
			"User":       "65532:65532",
			"Entrypoint": []string{entrypoint},
		},
		"rootfs": map[string]any{
			"type":     "layers",
			"diff_ids": []string{"sha256:" + sum(layer)},
		},
	})
}

// packImage returns a tar archive of the files.
func packImage(files ...imageFile) ([]byte, error) {
	var packed bytes.Buffer

	tw := tar.NewWriter(&packed)
	for _, file := range files {
		if err := tw.WriteHeader(&tar.Header{
			Typeflag: tar.TypeReg,
			Name:     file.name,
			Mode:     file.mode,
			Size:     int64(len(file.content)),
		}); err != nil {
			return nil, err
		}

		if _, err := tw.Write(file.content); err != nil {
			return nil, err
		}
	}

	if err := tw.Close(); err != nil {
		return nil, err
	}

	return packed.Bytes(), nil
}

func sum(content []byte) string {
	digest := sha256.Sum256(content)

	return hex.EncodeToString(digest[:])
}
