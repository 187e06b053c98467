// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/hack/release/attest"
	"github.com/wawebhook/whatsapp-webhook-operator/hack/release/oci"
)

// writeLists writes the list of the objects in the registry, and the checksums of all files.
func (r *release) writeLists(context.Context) error {
	if err := r.writeJSON(manifestFile, manifest{
		Version:   r.version,
		Revision:  r.revision,
		Artifacts: r.artifacts,
	}); err != nil {
		return err
	}

	files, err := sums(r.out)
	if err != nil {
		return err
	}

	var checksums strings.Builder
	for _, file := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(&checksums, "%s  %s\n", files[file], file)
	}

	return r.write(checksumsFile, []byte(checksums.String()))
}

// sign signs the artifacts in the registry and the files, and attaches the provenance of both.
func (r *release) sign(ctx context.Context) error {
	provenance := attest.Build{
		Version:   r.version,
		Revision:  r.revision,
		Platforms: r.images,
		Prefix:    r.prefix,
		Go:        goVersion(),
		Created:   r.created,
	}.Provenance()

	for _, a := range r.artifacts {
		if err := r.signArtifact(ctx, a, provenance); err != nil {
			return fmt.Errorf("%s: %w", a.reference(), err)
		}

		fmt.Fprintln(r.stdout, a.reference())
	}

	return r.signFiles(ctx, provenance)
}

func (r *release) signFiles(ctx context.Context, provenance any) error {
	public, err := r.signer.Public().PEM()
	if err != nil {
		return err
	}

	if err := r.write(publicKeyFile, public); err != nil {
		return err
	}

	checksums, err := os.ReadFile(filepath.Join(r.out, checksumsFile))
	if err != nil {
		return err
	}

	signature, err := r.signer.SignBlob(ctx, checksums)
	if err != nil {
		return err
	}

	if err := r.write(signatureFile, append(signature, '\n')); err != nil {
		return err
	}

	files, err := sums(r.out)
	if err != nil {
		return err
	}

	subjects := []attest.Subject{attest.NewSubject(checksumsFile, sum(checksums))}
	for _, file := range slices.Sorted(maps.Keys(files)) {
		subjects = append(subjects, attest.NewSubject(file, files[file]))
	}

	statement, err := r.signer.Attest(ctx, attest.Provenance, provenance, subjects...)
	if err != nil {
		return err
	}

	return r.write(provenanceFile, append(statement, '\n'))
}

// signArtifact attaches statements to an artifact and to each of its platforms, since nodes and policies may see either.
func (r *release) signArtifact(ctx context.Context, a artifact, provenance any) error {
	repository, err := a.repository()
	if err != nil {
		return err
	}

	var subjects []attest.Subject
	for _, described := range a.descriptors {
		subjects = append(subjects, attest.NewSubject(repository.Name(), described.Digest.Hex))
	}

	predicates := map[string]any{
		attest.Signature:  struct{}{},
		attest.Provenance: provenance,
	}

	if a.SBOM != "" {
		document, err := os.ReadFile(filepath.Join(r.out, a.SBOM))
		if err != nil {
			return err
		}

		predicates[attest.SBOM] = json.RawMessage(document)
	}

	for _, kind := range slices.Sorted(maps.Keys(predicates)) {
		statement, err := r.signer.Attest(ctx, kind, predicates[kind], subjects...)
		if err != nil {
			return err
		}

		for _, described := range a.descriptors {
			if err := r.attach(ctx, repository, described, kind, statement); err != nil {
				return err
			}
		}
	}

	for _, described := range a.descriptors {
		if err := r.signDigest(ctx, repository, described.Digest); err != nil {
			return err
		}
	}

	return nil
}

// attach pushes a statement as a referrer, as cosign does.
func (r *release) attach(ctx context.Context, repository name.Repository, subject v1.Descriptor, kind string, statement []byte) error {
	_, err := oci.PushArtifact(ctx, repository, "", oci.Artifact{
		Type:      attest.BundleType,
		LayerType: attest.BundleType,
		Layer:     statement,
		Subject:   &subject,
		Annotations: map[string]string{
			"dev.sigstore.bundle.content":       "dsse-envelope",
			"dev.sigstore.bundle.predicateType": kind,
			"org.opencontainers.image.created":  r.created.Format(time.RFC3339),
		},
	})

	return err
}

// signDigest pushes the signature that cosign 2 reads, beside the image.
func (r *release) signDigest(ctx context.Context, repository name.Repository, digest v1.Hash) error {
	content, signature, err := r.signer.SignImage(ctx, repository.Name(), digest.String())
	if err != nil {
		return err
	}

	_, err = oci.PushArtifact(ctx, repository, signatureTag(digest.String()), oci.Artifact{
		ConfigType: "application/vnd.oci.image.config.v1+json",
		Config:     []byte("{}"),
		LayerType:  attest.PayloadType,
		Layer:      content,
		LayerNotes: map[string]string{attest.SignatureAnnotation: signature},
		Replace:    true,
	})

	return err
}

// signatureTag returns the tag of the signature of a digest.
func signatureTag(digest string) string { return strings.Replace(digest, ":", "-", 1) + ".sig" }

func join(all []string) string { return strings.Join(all, ",") }
