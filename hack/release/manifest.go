// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Files that name the images of a release.
const (
	installFile = "install.yaml"
	bundleFile  = "bundle.tar.gz" // the archive of the bundle
)

// Files of a release beside what it consists of.
const (
	manifestFile   = "release.json"
	checksumsFile  = "checksums.txt"
	provenanceFile = "provenance.sigstore.json"
	signatureFile  = "checksums.txt.sigstore.json"
	publicKeyFile  = "cosign.pub"
)

// manifest lists the artifacts of a release in the registry.
type manifest struct {
	Version   string     `json:"version"`
	Revision  string     `json:"revision"`
	Artifacts []artifact `json:"artifacts"`
}

// artifact is an image, the chart or the bundle.
type artifact struct {
	// Tag is the full name with the tag.
	Tag    string `json:"tag"`
	Digest string `json:"digest"`
	// Platforms has the digests of the images of an index. Defaults to none.
	Platforms map[string]string `json:"platforms,omitempty"`
	// SBOM is the file of the list of packages. Defaults to none.
	SBOM string `json:"sbom,omitempty"`

	descriptors []v1.Descriptor
}

// reference returns the tag and the digest as one reference.
func (a artifact) reference() string { return a.Tag + "@" + a.Digest }

// repository returns the name without the tag.
func (a artifact) repository() (name.Repository, error) {
	tag, err := name.NewTag(a.Tag, name.StrictValidation)
	if err != nil {
		return name.Repository{}, err
	}

	return tag.Context(), nil
}

// digests returns those of the artifact and of its platforms.
func (a artifact) digests() []string {
	all := []string{a.Digest}
	for _, digest := range a.Platforms {
		all = append(all, digest)
	}

	slices.Sort(all[1:])

	return all
}

func readManifest(folder string) (*manifest, error) {
	text, err := os.ReadFile(filepath.Join(folder, manifestFile))
	if err != nil {
		return nil, err
	}

	var m manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, fmt.Errorf("%s: %w", manifestFile, err)
	}

	if len(m.Artifacts) == 0 {
		return nil, errors.New(manifestFile + " lists nothing")
	}

	return &m, nil
}

// fileNames returns the names of all files of a release, sorted. A release on GitHub has no folders, so one is an error.
func fileNames(folder string) ([]string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}

	names := make([]string, 0, len(entries))

	for _, entry := range entries {
		if entry.IsDir() {
			return nil, fmt.Errorf("%s is a folder, and a release has files only", filepath.Join(folder, entry.Name()))
		}

		names = append(names, entry.Name())
	}

	return names, nil
}

// sums returns the SHA-256 of each file of a release by its name. What signs them is left out.
func sums(folder string) (map[string]string, error) {
	names, err := fileNames(folder)
	if err != nil {
		return nil, err
	}

	found := map[string]string{}

	for _, name := range names {
		switch name {
		case checksumsFile, provenanceFile, signatureFile, publicKeyFile:
			continue
		}

		content, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			return nil, err
		}

		found[name] = sum(content)
	}

	return found, nil
}

func sum(content []byte) string {
	digest := sha256.Sum256(content)

	return hex.EncodeToString(digest[:])
}

// readChecksums parses a file of sha256sum.
func readChecksums(text string) (map[string]string, error) {
	listed := map[string]string{}

	for line := range strings.Lines(text) {
		digest, file, found := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		if !found || len(digest) != sha256.Size*2 {
			return nil, fmt.Errorf("%s: the line %q is not a line of sha256sum", checksumsFile, line)
		}

		listed[file] = digest
	}

	return listed, nil
}
