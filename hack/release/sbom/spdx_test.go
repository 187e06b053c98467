// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sbom

import (
	"bytes"
	"debug/buildinfo"
	"encoding/hex"
	"encoding/json"
	"maps"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	spdxjson "github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdx"
	"github.com/spdx/tools-golang/spdxlib"
)

// TestDocument describes an image with this test as its program, and reads the document with the library of SPDX.
func TestDocument(t *testing.T) {
	info := &buildinfo.BuildInfo{
		GoVersion: "go1.26.11",
		Main:      debug.Module{Path: "example.com/manager", Version: "(devel)"},
		Deps: []*debug.Module{
			{
				Path:    "example.com/library",
				Version: "v1.0.0",
				Replace: &debug.Module{
					Path:    "example.com/fork_of/library",
					Version: "v1.0.1+incompatible",
					Sum:     "h1:MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=",
				},
			},
		},
	}

	root := Artifact{
		Name:      "registry.example.com/manager",
		Version:   "v1.2.3",
		SHA256:    strings.Repeat("ab", 32),
		URL:       "pkg:oci/manager@sha256%3Aabab?repository_url=registry.example.com/manager",
		Container: true,
	}
	variant := root
	variant.Name += " linux/amd64"
	variant.SHA256 = strings.Repeat("cd", 32)

	d := New(root, time.Unix(1_700_000_000, 0))
	d.AddVariant(root, variant)
	d.AddProgram(variant, info)
	d.AddProgram(variant, info)
	d.AddModule(variant, "golang.org/x/crypto/x509roots/fallback", "v0.1.0")

	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}

	read, err := spdxjson.Read(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}

	if err := spdxlib.ValidateDocument(read); err != nil {
		t.Error(err)
	}

	ids, err := spdxlib.GetDescribedPackageIDs(read)
	if err != nil || len(ids) != 1 {
		t.Errorf("the document describes %v (%v), want one package", ids, err)
	}

	packages := map[string]*spdx.Package{}
	for _, p := range read.Packages {
		packages[p.PackageName] = p
	}

	if want := []string{
		"example.com/fork_of/library", "example.com/manager", "golang.org/x/crypto/x509roots/fallback",
		"registry.example.com/manager", "registry.example.com/manager linux/amd64", "stdlib",
	}; !slices.Equal(slices.Sorted(maps.Keys(packages)), want) {
		t.Errorf("the packages are %q, want %q", slices.Sorted(maps.Keys(packages)), want)
	}

	library := packages["example.com/fork_of/library"]
	if got, want := library.PackageExternalReferences[0].Locator, "pkg:golang/example.com/fork_of/library@v1.0.1+incompatible"; got != want {
		t.Errorf("the library is %s, want %s", got, want)
	}

	if got, want := library.PackageChecksums[0].Value, hex.EncodeToString([]byte("12345678901234567890123456789012")); got != want {
		t.Errorf("the checksum of the library is %s, want %s", got, want)
	}
}
