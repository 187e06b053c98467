// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package attest

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	provenancev1 "github.com/in-toto/attestation/go/predicates/provenance/v1"
	statementv1 "github.com/in-toto/attestation/go/v1"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	bundlev1 "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	"google.golang.org/protobuf/encoding/protojson"
)

var digest = strings.Repeat("ab", 32)

// writeKeys writes a new pair of keys, and returns their files.
func writeKeys(t *testing.T) (private, public string) {
	t.Helper()
	t.Setenv("COSIGN_PASSWORD", "secret")

	key, signer, err := GenerateKey([]byte("secret"))
	if err != nil {
		t.Fatal(err)
	}

	text, err := signer.Public().PEM()
	if err != nil {
		t.Fatal(err)
	}

	folder := t.TempDir()
	private = filepath.Join(folder, "cosign.key")
	public = filepath.Join(folder, "cosign.pub")

	if err := errors.Join(os.WriteFile(private, key, 0o600), os.WriteFile(public, text, 0o600)); err != nil {
		t.Fatal(err)
	}

	return private, public
}

// TestStatement signs a statement, and reads it with the libraries of in-toto and of DSSE.
func TestStatement(t *testing.T) {
	private, public := writeKeys(t)

	signer, err := ReadSigner(private)
	if err != nil {
		t.Fatal(err)
	}

	verifier, err := ReadVerifier(public)
	if err != nil {
		t.Fatal(err)
	}

	predicate := Build{
		Version:   "v1.2.3",
		Revision:  strings.Repeat("12", 20),
		Platforms: []string{"linux/amd64"},
		Prefix:    "registry.example.com/",
		Go:        "go1.26.11",
		Created:   time.Unix(1_700_000_000, 0),
	}.Provenance()

	content, err := signer.Attest(t.Context(), Provenance, predicate, NewSubject("manager", digest))
	if err != nil {
		t.Fatal(err)
	}

	again, err := signer.Attest(t.Context(), Provenance, predicate, NewSubject("manager", digest))
	if err != nil || !bytes.Equal(content, again) {
		t.Errorf("the same statement has two bundles (%v)", err)
	}

	statement, err := verifier.Open(t.Context(), content)
	if err != nil {
		t.Fatal(err)
	}

	if !statement.Covers(digest) || statement.Covers(strings.Repeat("0", 64)) || statement.PredicateType != Provenance {
		t.Errorf("the statement is %+v", statement)
	}

	checkStatement(t, content)
	checkBundle(t, content)

	signature, err := signer.SignBlob(t.Context(), []byte("text"))
	if err != nil {
		t.Fatal(err)
	}

	checkBundle(t, signature)

	if err := verifier.VerifyBlob(t.Context(), []byte("text"), signature); err != nil {
		t.Error(err)
	}

	if err := verifier.VerifyBlob(t.Context(), []byte("Text"), signature); err == nil {
		t.Error("the signature of another file is accepted")
	}
}

// checkBundle reads a bundle with the messages of sigstore, which know every key.
func checkBundle(t *testing.T, content []byte) {
	t.Helper()

	var b bundlev1.Bundle
	if err := protojson.Unmarshal(content, &b); err != nil {
		t.Fatal(err)
	}

	if b.GetVerificationMaterial().GetPublicKey().GetHint() == "" {
		t.Error("the bundle names no key")
	}

	if b.GetDsseEnvelope() == nil && b.GetMessageSignature().GetMessageDigest().GetAlgorithm() == 0 {
		t.Error("the bundle has no content")
	}
}

func checkStatement(t *testing.T, content []byte) {
	t.Helper()

	var signed struct {
		Envelope dsse.Envelope `json:"dsseEnvelope"`
	}
	if err := json.Unmarshal(content, &signed); err != nil {
		t.Fatal(err)
	}

	payload, err := signed.Envelope.DecodeB64Payload()
	if err != nil {
		t.Fatal(err)
	}

	var statement statementv1.Statement
	if err := protojson.Unmarshal(payload, &statement); err != nil {
		t.Fatal(err)
	}

	if err := statement.Validate(); err != nil {
		t.Error(err)
	}

	predicate, err := statement.GetPredicate().MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}

	var provenance provenancev1.Provenance
	if err := protojson.Unmarshal(predicate, &provenance); err != nil {
		t.Fatal(err)
	}

	if err := provenance.Validate(); err != nil {
		t.Error(err)
	}
}

func TestForgedStatements(t *testing.T) {
	private, _ := writeKeys(t)

	signer, err := ReadSigner(private)
	if err != nil {
		t.Fatal(err)
	}

	_, other, err := GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}

	content, err := signer.Attest(t.Context(), Signature, struct{}{}, NewSubject("manager", digest))
	if err != nil {
		t.Fatal(err)
	}

	if _, err := other.Public().Open(t.Context(), content); err == nil {
		t.Error("another key verifies the statement")
	}

	for name, forged := range map[string][]byte{
		"payload": bytes.Replace(content, []byte(`"payload":"e`), []byte(`"payload":"f`), 1),
		"type":    bytes.Replace(content, []byte("application/vnd.in-toto+json"), []byte("text/plain"), 1),
		"bundle":  bytes.Replace(content, []byte("v0.3"), []byte("v0.1"), 1),
		"no JSON": content[1:],
	} {
		if bytes.Equal(forged, content) {
			t.Fatalf("%s: nothing was forged", name)
		}

		if _, err := signer.Public().Open(t.Context(), forged); err == nil {
			t.Errorf("%s: the statement is accepted", name)
		}
	}
}

func TestImageSignature(t *testing.T) {
	private, _ := writeKeys(t)

	signer, err := ReadSigner(private)
	if err != nil {
		t.Fatal(err)
	}

	content, signature, err := signer.SignImage(t.Context(), "registry.example.com/manager", "sha256:"+digest)
	if err != nil {
		t.Fatal(err)
	}

	want := `{"critical":{"identity":{"docker-reference":"registry.example.com/manager"},"image":{"docker-manifest-digest":"sha256:` +
		digest + `"},"type":"cosign container image signature"},"optional":null}`
	if string(content) != want {
		t.Errorf("signed %s\nwant   %s", content, want)
	}

	if err := signer.Public().VerifyImage(t.Context(), content, signature, "sha256:"+digest); err != nil {
		t.Error(err)
	}

	if err := signer.Public().VerifyImage(t.Context(), content, signature, "sha256:0"); err == nil {
		t.Error("the signature of another image is accepted")
	}

	if err := signer.Public().VerifyImage(t.Context(), content[1:], signature, "sha256:"+digest); err == nil {
		t.Error("the signature of another text is accepted")
	}
}

func TestUnusableKeys(t *testing.T) {
	private, public := writeKeys(t)

	text, err := os.ReadFile(private)
	if err != nil {
		t.Fatal(err)
	}

	t.Setenv("KEY", string(text))

	if _, err := ReadSigner("env://KEY"); err != nil {
		t.Errorf("a key in a variable: %v", err)
	}

	t.Setenv("COSIGN_PASSWORD", "wrong")

	for name, test := range map[string]struct{ source, want string }{
		"wrong password": {private, "COSIGN_PASSWORD"},
		"public":         {public, `"PUBLIC KEY"`},
		"no file":        {filepath.Join(t.TempDir(), "none"), "no such file"},
		"no variable":    {"env://NONE", "the variable NONE is empty"},
	} {
		if _, err := ReadSigner(test.source); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: the error is %v, want %q", name, err, test.want)
		}
	}

	if _, err := ReadVerifier(private); err == nil {
		t.Error("a private key is read as a public one")
	}
}
