// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package sbom lists what programs are built from, as SPDX 2.3 (https://spdx.github.io/spdx-spec/v2.3/). It reads the modules
// that Go records in a program, so the list is what was linked, not what go.mod allows.
package sbom

import (
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

const (
	none      = "NOASSERTION"
	license   = "Apache-2.0"
	supplier  = "Organization: The whatsapp-webhook-operator Authors"
	namespace = "https://github.com/wawebhook/whatsapp-webhook-operator/spdx/"
)

// Document is a list of packages.
type Document struct {
	Version       string         `json:"spdxVersion"`
	DataLicense   string         `json:"dataLicense"`
	ID            string         `json:"SPDXID"`
	Name          string         `json:"name"`
	Namespace     string         `json:"documentNamespace"`
	Creation      creation       `json:"creationInfo"`
	Packages      []pkg          `json:"packages"`
	Relationships []relationship `json:"relationships"`
}

type creation struct {
	Created  string   `json:"created"`
	Creators []string `json:"creators"`
}

type pkg struct {
	Name          string      `json:"name"`
	ID            string      `json:"SPDXID"`
	Version       string      `json:"versionInfo,omitempty"`
	Supplier      string      `json:"supplier,omitempty"`
	Location      string      `json:"downloadLocation"`
	FilesAnalyzed bool        `json:"filesAnalyzed"`
	Checksums     []checksum  `json:"checksums,omitempty"`
	Concluded     string      `json:"licenseConcluded"`
	Declared      string      `json:"licenseDeclared"`
	Copyright     string      `json:"copyrightText"`
	Purpose       string      `json:"primaryPackagePurpose,omitempty"`
	References    []reference `json:"externalRefs,omitempty"`
}

type checksum struct {
	Algorithm string `json:"algorithm"`
	Value     string `json:"checksumValue"`
}

type reference struct {
	Category string `json:"referenceCategory"`
	Type     string `json:"referenceType"`
	Locator  string `json:"referenceLocator"`
}

type relationship struct {
	Element string `json:"spdxElementId"`
	Type    string `json:"relationshipType"`
	Related string `json:"relatedSpdxElement"`
}

// Artifact is a program, an image, or an image of one platform, with its SHA-256 in hex.
type Artifact struct {
	Name    string
	Version string
	SHA256  string
	// URL is the package URL (https://github.com/package-url/purl-spec). Defaults to none.
	URL string
	// Container is set for images.
	Container bool
}

// New returns the document of an artifact that was created at a time.
func New(root Artifact, created time.Time) *Document {
	d := &Document{
		Version:     "SPDX-2.3",
		DataLicense: "CC0-1.0",
		ID:          "SPDXRef-DOCUMENT",
		Name:        root.Name,
		Namespace:   namespace + url.PathEscape(root.Name) + "-" + root.SHA256,
		Creation: creation{
			Created:  created.UTC().Format(time.RFC3339),
			Creators: []string{"Tool: hack/release-" + root.Version, supplier},
		},
	}

	d.add(root.pkg())
	d.relate(d.ID, "DESCRIBES", root.id())

	return d
}

// AddVariant adds the image of one platform to the document of an image of several.
func (d *Document) AddVariant(root, variant Artifact) {
	d.add(variant.pkg())
	d.relate(variant.id(), "VARIANT_OF", root.id())
}

// AddProgram adds the modules of a program that the artifact contains.
func (d *Document) AddProgram(in Artifact, info *buildinfo.BuildInfo) {
	main := modulePackage(&info.Main, in.Version)
	main.Supplier = supplier
	main.Concluded = license
	main.Declared = license

	d.add(main)
	d.relate(in.id(), "CONTAINS", main.ID)

	standard := debug.Module{Path: "stdlib", Version: strings.TrimPrefix(info.GoVersion, "go")}
	for _, module := range append([]*debug.Module{&standard}, info.Deps...) {
		if module.Replace != nil {
			module = module.Replace
		}

		dependency := modulePackage(module, module.Version)
		d.add(dependency)
		d.relate(main.ID, "DEPENDS_ON", dependency.ID)
	}
}

// AddModule adds a module whose data the artifact contains.
func (d *Document) AddModule(in Artifact, path, version string) {
	contained := modulePackage(&debug.Module{Path: path, Version: version}, version)
	d.add(contained)
	d.relate(in.id(), "CONTAINS", contained.ID)
}

func (d *Document) add(p pkg) {
	if !slices.ContainsFunc(d.Packages, func(other pkg) bool { return other.ID == p.ID }) {
		d.Packages = append(d.Packages, p)
	}
}

func (d *Document) relate(element, kind, related string) {
	r := relationship{
		Element: element,
		Type:    kind,
		Related: related,
	}
	if !slices.Contains(d.Relationships, r) {
		d.Relationships = append(d.Relationships, r)
	}
}

func (a Artifact) id() string { return identifier("artifact-" + a.Name) }

func (a Artifact) pkg() pkg {
	p := pkg{
		Name:      a.Name,
		ID:        a.id(),
		Version:   a.Version,
		Supplier:  supplier,
		Location:  none,
		Checksums: []checksum{{"SHA256", a.SHA256}},
		Concluded: license,
		Declared:  license,
		Copyright: none,
		Purpose:   "APPLICATION",
	}
	if a.Container {
		p.Purpose = "CONTAINER"
	}

	if a.URL != "" {
		p.References = []reference{{"PACKAGE-MANAGER", "purl", a.URL}}
	}

	return p
}

// modulePackage returns the package of a module. Its checksum is the SHA-256 that go.sum has.
func modulePackage(module *debug.Module, version string) pkg {
	locator := "pkg:golang/" + module.Path
	if version != "" {
		locator += "@" + url.PathEscape(version)
	}

	p := pkg{
		Name:       module.Path,
		ID:         identifier("module-" + module.Path + "-" + version),
		Version:    version,
		Location:   none,
		Concluded:  none,
		Declared:   none,
		Copyright:  none,
		Purpose:    "LIBRARY",
		References: []reference{{"PACKAGE-MANAGER", "purl", locator}},
	}
	if sum, found := strings.CutPrefix(module.Sum, "h1:"); found {
		if content, err := base64.StdEncoding.DecodeString(sum); err == nil {
			p.Checksums = []checksum{{"SHA256", hex.EncodeToString(content)}}
		}
	}

	return p
}

// identifier returns an identifier of SPDX, which consists of letters, digits, dots and hyphens. Other characters are escaped, so
// that two names never share one.
func identifier(name string) string {
	var id strings.Builder

	id.WriteString("SPDXRef-")

	for _, char := range []byte(name) {
		switch {
		case char >= 'a' && char <= 'z', char >= 'A' && char <= 'Z', char >= '0' && char <= '9', char == '.', char == '-':
			id.WriteByte(char)
		default:
			fmt.Fprintf(&id, ".%02x.", char)
		}
	}

	return id.String()
}
