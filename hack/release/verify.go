// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/wawebhook/whatsapp-webhook-operator/hack/release/attest"
	"github.com/wawebhook/whatsapp-webhook-operator/hack/release/bundle"
	"github.com/wawebhook/whatsapp-webhook-operator/hack/release/oci"
)

func verify(ctx context.Context, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("verify", flag.ContinueOnError)
	key := flags.String("key", "", "public key: a file such as cosign.pub, or env://NAME; not that of the release itself")

	if err := flags.Parse(args); err != nil {
		return err
	}

	if flags.NArg() != 1 || *key == "" {
		return errors.New("usage: release verify -key FILE FOLDER")
	}

	folder := flags.Arg(0)

	verifier, err := attest.ReadVerifier(*key)
	if err != nil {
		return fmt.Errorf("-key: %w", err)
	}

	if err := verifyFiles(ctx, verifier, folder); err != nil {
		return err
	}

	fmt.Fprintln(stdout, "verified the files of", folder)

	m, err := readManifest(folder)
	if err != nil {
		return err
	}

	for _, a := range m.Artifacts {
		if err := verifyArtifact(ctx, verifier, a); err != nil {
			return fmt.Errorf("%s: %w", a.reference(), err)
		}

		fmt.Fprintln(stdout, "verified", a.reference())
	}

	return verifyInstallation(folder, m)
}

// verifyFiles verifies that the files are the signed ones, that there are no others, and that their provenance is signed.
func verifyFiles(ctx context.Context, verifier *attest.Verifier, folder string) error {
	checksums, err := os.ReadFile(filepath.Join(folder, checksumsFile))
	if err != nil {
		return err
	}

	signature, err := os.ReadFile(filepath.Join(folder, signatureFile))
	if err != nil {
		return err
	}

	if err := verifier.VerifyBlob(ctx, checksums, signature); err != nil {
		return fmt.Errorf("%s: %w", signatureFile, err)
	}

	listed, err := readChecksums(string(checksums))
	if err != nil {
		return err
	}

	files, err := sums(folder)
	if err != nil {
		return err
	}

	for _, file := range slices.Sorted(maps.Keys(listed)) {
		switch digest, found := files[file]; {
		case !found:
			return fmt.Errorf("%s is missing", file)
		case digest != listed[file]:
			return fmt.Errorf("%s has the checksum %s, want %s", file, digest, listed[file])
		}
	}

	statement, err := readStatement(ctx, verifier, filepath.Join(folder, provenanceFile))
	if err != nil {
		return fmt.Errorf("%s: %w", provenanceFile, err)
	}

	for _, file := range slices.Sorted(maps.Keys(files)) {
		if listed[file] == "" {
			return fmt.Errorf("%s is not in %s", file, checksumsFile)
		}

		if !statement.Covers(files[file]) {
			return fmt.Errorf("%s does not name %s", provenanceFile, file)
		}
	}

	return nil
}

func readStatement(ctx context.Context, verifier *attest.Verifier, file string) (*attest.Statement, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}

	statement, err := verifier.Open(ctx, content)
	if err != nil {
		return nil, err
	}

	if statement.PredicateType != attest.Provenance {
		return nil, fmt.Errorf("the statement is of the type %s, want %s", statement.PredicateType, attest.Provenance)
	}

	return statement, nil
}

// verifyArtifact verifies the tag of an artifact, and the statements of each of its digests.
func verifyArtifact(ctx context.Context, verifier *attest.Verifier, a artifact) error {
	tag, err := name.NewTag(a.Tag, name.StrictValidation)
	if err != nil {
		return err
	}

	found, err := oci.Resolve(ctx, tag)

	switch {
	case err != nil:
		return err
	case found == nil:
		return errors.New("the registry does not have the tag")
	case found.Digest.String() != a.Digest:
		return fmt.Errorf("the tag is %s", found.Digest)
	}

	wanted := []string{attest.Signature, attest.Provenance}
	if a.SBOM != "" {
		wanted = append(wanted, attest.SBOM)
	}

	for _, digest := range a.digests() {
		if err := verifyDigest(ctx, verifier, tag.Context().Digest(digest), wanted); err != nil {
			return fmt.Errorf("%s: %w", digest, err)
		}
	}

	return nil
}

func verifyDigest(ctx context.Context, verifier *attest.Verifier, subject name.Digest, wanted []string) error {
	bundles, err := oci.Referrers(ctx, subject, attest.BundleType)
	if err != nil {
		return err
	}

	digest := strings.TrimPrefix(subject.DigestStr(), "sha256:")
	found := map[string]bool{}

	for _, content := range bundles {
		statement, err := verifier.Open(ctx, content)
		if err == nil && statement.Covers(digest) {
			found[statement.PredicateType] = true
		}
	}

	for _, kind := range wanted {
		if !found[kind] {
			return fmt.Errorf("none of %d statements is a %s that this key has signed", len(bundles), kind)
		}
	}

	content, layer, err := oci.Content(ctx, subject.Context().Tag(signatureTag(subject.DigestStr())))
	if err != nil {
		return err
	}

	return verifier.VerifyImage(ctx, content, layer.Annotations[attest.SignatureAnnotation], subject.DigestStr())
}

var pinned = regexp.MustCompile(`sha256:[0-9a-f]{64}`)

// verifyInstallation verifies that install.yaml and the ClusterServiceVersion of the bundle name images of this release, and
// by digest.
func verifyInstallation(folder string, m *manifest) error {
	known := map[string]bool{}
	for _, a := range m.Artifacts {
		known[a.Digest] = true
	}

	install, err := os.ReadFile(filepath.Join(folder, installFile))
	if err != nil {
		return err
	}

	serviceVersion, err := readServiceVersion(filepath.Join(folder, bundleFile))
	if err != nil {
		return fmt.Errorf("%s: %w", bundleFile, err)
	}

	for _, file := range []struct {
		name    string
		content []byte
	}{
		{installFile, install},
		{bundleFile, serviceVersion},
	} {
		digests := pinned.FindAllString(string(file.content), -1)
		if len(digests) < 2 {
			return fmt.Errorf("%s names %d images by digest, want two", file.name, len(digests))
		}

		for _, digest := range digests {
			if !known[digest] {
				return fmt.Errorf("%s names %s, which is not of this release", file.name, digest)
			}
		}
	}

	return nil
}

// readServiceVersion returns the ClusterServiceVersion in the archive of the bundle.
func readServiceVersion(file string) ([]byte, error) {
	archive, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}

	files, err := bundle.Unpack(archive)
	if err != nil {
		return nil, err
	}

	content, found := files[bundle.ServiceVersion]
	if !found {
		return nil, fmt.Errorf("there is no %s in it", bundle.ServiceVersion)
	}

	return content, nil
}
