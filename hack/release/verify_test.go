// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/random"

	"github.com/wawebhook/whatsapp-webhook-operator/hack/release/attest"
	"github.com/wawebhook/whatsapp-webhook-operator/hack/release/bundle"
	"github.com/wawebhook/whatsapp-webhook-operator/hack/release/oci"
)

// released is a small release in a registry.
type released struct {
	release

	key string // file of the public key
}

// makeRelease signs a small release with an index of two platforms and a few files.
func makeRelease(t *testing.T, options ...registry.Option) *released {
	t.Helper()

	server := httptest.NewServer(registry.New(append(options, registry.Logger(log.New(io.Discard, "", 0)))...))
	t.Cleanup(server.Close)

	_, signer, err := attest.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}

	out := filepath.Join(t.TempDir(), "release")
	if err := os.Mkdir(out, 0o700); err != nil {
		t.Fatal(err)
	}

	r := &released{release: release{
		version:  "v1.2.3",
		revision: strings.Repeat("12", 20),
		prefix:   strings.TrimPrefix(server.URL, "http://") + "/",
		out:      out,
		images:   []string{"linux/amd64"},
		created:  time.Unix(1_700_000_000, 0).UTC(),
		signer:   signer,
		stdout:   t.Output(),
	}}

	public, err := signer.Public().PEM()
	if err != nil {
		t.Fatal(err)
	}

	r.key = filepath.Join(t.TempDir(), "cosign.pub")
	if err := os.WriteFile(r.key, public, 0o600); err != nil {
		t.Fatal(err)
	}

	for _, image := range []string{"manager", "receiver"} {
		r.push(t, image)
	}

	names := "image: a@" + r.artifacts[0].Digest + "\nimage: b@" + r.artifacts[1].Digest + "\n"
	r.writeFile(t, "install.yaml", names)
	r.writeBundle(t, names)
	r.sealAgain(t)

	return r
}

// push pushes a random image of two platforms with a list of packages.
func (r *released) push(t *testing.T, image string) {
	t.Helper()

	index, err := random.Index(100, 1, 2)
	if err != nil {
		t.Fatal(err)
	}

	tag, err := r.tag(product+"/"+image, r.version)
	if err != nil {
		t.Fatal(err)
	}

	if err := oci.PushIndex(t.Context(), tag, index); err != nil {
		t.Fatal(err)
	}

	described, err := partial.Descriptor(index)
	if err != nil {
		t.Fatal(err)
	}

	list, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}

	a := artifact{
		Tag:         tag.String(),
		Digest:      described.Digest.String(),
		Platforms:   map[string]string{"linux/amd64": list.Manifests[0].Digest.String(), "linux/arm64": list.Manifests[1].Digest.String()},
		SBOM:        image + ".spdx.json",
		descriptors: append([]v1.Descriptor{withoutPlatform(*described)}, list.Manifests...),
	}
	r.artifacts = append(r.artifacts, a)
	r.writeFile(t, a.SBOM, "{}\n")
}

func (r *released) writeFile(t *testing.T, file, content string) {
	t.Helper()

	if err := r.write(file, []byte(content)); err != nil {
		t.Fatal(err)
	}
}

// writeBundle writes a bundle that has the ClusterServiceVersion only.
func (r *released) writeBundle(t *testing.T, serviceVersion string) {
	t.Helper()

	archive, err := bundle.Pack(map[string][]byte{bundle.ServiceVersion: []byte(serviceVersion)}, r.created)
	if err != nil {
		t.Fatal(err)
	}

	r.writeFile(t, bundleFile, string(archive))
}

// sealAgain writes the lists and signs everything.
func (r *released) sealAgain(t *testing.T) {
	t.Helper()

	if err := r.writeLists(t.Context()); err != nil {
		t.Fatal(err)
	}

	if err := r.sign(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (r *released) verify(t *testing.T) error {
	t.Helper()

	return verify(t.Context(), []string{"-key", r.key, r.out}, t.Output())
}

func TestReleaseIsVerified(t *testing.T) {
	for name, options := range map[string][]registry.Option{
		"with referrers":    {registry.WithReferrersSupport(true)},
		"without referrers": nil,
	} {
		t.Run(name, func(t *testing.T) {
			if err := makeRelease(t, options...).verify(t); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestForgedReleases changes a release in one place each, and checks that the place is named.
func TestForgedReleases(t *testing.T) {
	for name, test := range map[string]struct {
		forge func(*testing.T, *released)
		want  string
	}{
		"another key": {func(t *testing.T, r *released) {
			_, other, err := attest.GenerateKey(nil)
			if err != nil {
				t.Fatal(err)
			}

			public, err := other.Public().PEM()
			if err != nil {
				t.Fatal(err)
			}

			if err := os.WriteFile(r.key, public, 0o600); err != nil {
				t.Fatal(err)
			}
		}, signatureFile},
		"changed file": {func(t *testing.T, r *released) {
			r.writeFile(t, "install.yaml", "kind: Secret\n")
		}, "install.yaml has the checksum"},
		"further file": {func(t *testing.T, r *released) {
			r.writeFile(t, "kubectl-whatsapp.exe", "")
		}, "kubectl-whatsapp.exe is not in"},
		"missing file": {func(t *testing.T, r *released) {
			if err := os.Remove(filepath.Join(r.out, "install.yaml")); err != nil {
				t.Fatal(err)
			}
		}, "install.yaml is missing"},
		"image that is not of the release": {func(t *testing.T, r *released) {
			other := "sha256:" + strings.Repeat("0", 64)
			r.writeFile(t, "install.yaml", "image: a@"+other+"\nimage: b@"+other+"\n")
			r.sealAgain(t)
		}, "install.yaml names sha256:0000"},
		"image without digest": {func(t *testing.T, r *released) {
			r.writeFile(t, "install.yaml", "image: a:v1.2.3\n")
			r.sealAgain(t)
		}, "install.yaml names 0 images by digest"},
		"bundle with an image that is not of the release": {func(t *testing.T, r *released) {
			other := "sha256:" + strings.Repeat("0", 64)
			r.writeBundle(t, "image: a@"+other+"\nimage: b@"+other+"\n")
			r.sealAgain(t)
		}, "bundle.tar.gz names sha256:0000"},
		"no bundle in the archive": {func(t *testing.T, r *released) {
			r.writeFile(t, bundleFile, "kind: Secret\n")
			r.sealAgain(t)
		}, "bundle.tar.gz: "},
		"further folder": {func(t *testing.T, r *released) {
			if err := os.Mkdir(filepath.Join(r.out, "bundle"), 0o700); err != nil {
				t.Fatal(err)
			}
		}, "bundle is a folder"},
		"artifact that is not signed": {func(t *testing.T, r *released) {
			signed := r.artifacts
			r.push(t, "other")
			unsigned := r.artifacts

			if err := r.writeLists(t.Context()); err != nil {
				t.Fatal(err)
			}

			r.artifacts = signed
			if err := r.sign(t.Context()); err != nil {
				t.Fatal(err)
			}

			r.artifacts = unsigned
		}, "/other:v1.2.3"},
		"moved tag": {func(t *testing.T, r *released) {
			r.artifacts[0].Tag, r.artifacts[1].Tag = r.artifacts[1].Tag, r.artifacts[0].Tag
			r.sealAgain(t)
		}, "the tag is sha256:"},
	} {
		t.Run(name, func(t *testing.T) {
			r := makeRelease(t, registry.WithReferrersSupport(true))
			test.forge(t, r)

			if err := r.verify(t); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %v, want %q", err, test.want)
			}
		})
	}
}

// TestReleasedTagsStay pushes another image with the tag of a release.
func TestReleasedTagsStay(t *testing.T) {
	r := makeRelease(t, registry.WithReferrersSupport(true))

	index, err := random.Index(100, 1, 1)
	if err != nil {
		t.Fatal(err)
	}

	tag, err := name.NewTag(r.artifacts[0].Tag)
	if err != nil {
		t.Fatal(err)
	}

	if err := oci.PushIndex(t.Context(), tag, index); err == nil || !strings.Contains(err.Error(), "never changes") {
		t.Errorf("the error is %v", err)
	}
}

func TestArguments(t *testing.T) {
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"no command":      {nil, "no command"},
		"unknown command": {[]string{"push"}, `unknown command "push"`},
		"no version":      {[]string{"publish"}, "is not a semantic version"},
		"commit":          {[]string{"publish", "-version", "f004c39"}, "is not a semantic version"},
		"no registry":     {[]string{"publish", "-version", "v1.0.0", "-prefix", "wawebhook/"}, "-prefix"},
		"no slash":        {[]string{"publish", "-version", "v1.0.0", "-prefix", "registry.example.com"}, "-prefix"},
		"other platform":  {[]string{"publish", "-version", "v1.0.0", "-prefix", "r.example.com/", "-platforms", "windows/amd64"}, "linux/ARCHITECTURE"},
		"no key":          {[]string{"publish", "-version", "v1.0.0", "-prefix", "r.example.com/", "-allow-dirty"}, "-key"},
		"no folder":       {[]string{"verify", "-key", "cosign.pub"}, "usage: release verify"},
		"no list":         {[]string{"files"}, "usage: release files"},
		"no public key":   {[]string{"verify", "-key", "none.pub", "dist"}, "-key: read the public key"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := run(t.Context(), test.args, t.Output()); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %v, want %q", err, test.want)
			}
		})
	}
}

// TestForeignFolderStays checks that -out empties nothing but an earlier release.
func TestForeignFolderStays(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "thesis.txt")

	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}

	if err := emptyFolder(folder); err == nil {
		t.Error("the folder is accepted")
	}

	if _, err := os.Stat(file); err != nil {
		t.Error(err)
	}
}
