// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package image

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"
)

func TestRootFiles(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "rootfs")
	if err := WriteRootFiles(folder); err != nil {
		t.Fatal(err)
	}

	roots, err := os.ReadFile(filepath.Join(folder, "etc", "ssl", "certs", "ca-certificates.crt"))
	if err != nil {
		t.Fatal(err)
	}

	subjects := map[string]bool{}
	for block, rest := pem.Decode(roots); block != nil; block, rest = pem.Decode(rest) {
		root, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}

		subjects[root.Subject.CommonName] = true
	}

	// Roots of Meta's Graph API and of the large clouds.
	for _, want := range []string{"DigiCert Global Root G2", "Amazon Root CA 1", "GTS Root R1", "ISRG Root X1"} {
		if !subjects[want] {
			t.Errorf("%d certificates without %s", len(subjects), want)
		}
	}

	for _, name := range []string{"etc/passwd", "etc/group"} {
		text, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}

		if !bytes.Contains(text, []byte("\nnonroot:x:65532:")) {
			t.Errorf("%s lacks the user nonroot 65532:\n%s", name, text)
		}
	}
}
