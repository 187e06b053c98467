// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

func TestMissingPrograms(t *testing.T) {
	for name, test := range map[string]struct {
		have []string
		want string
	}{
		"all":     {[]string{"ip", "iptables", "iptables-restore", "mount", "nsenter", "runc"}, ""},
		"no runc": {[]string{"ip", "iptables", "iptables-restore", "mount", "nsenter"}, "not in PATH: runc; install with: apt-get install -y --no-install-recommends runc"},
		"bare": {
			[]string{"mount", "nsenter"},
			"not in PATH: ip, iptables, iptables-restore, runc; install with: apt-get install -y --no-install-recommends iproute2 iptables runc",
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := missingPrograms(func(program string) (string, error) {
				for _, p := range test.have {
					if p == program {
						return "/usr/bin/" + p, nil
					}
				}

				return "", exec.ErrNotFound
			})
			if got := message(err); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}

	if diff := cmp.Diff([]string{"iproute2", "iptables", "mount", "util-linux", "runc"}, Packages()); diff != "" {
		t.Error(diff)
	}
}

// TestFiles renders each file, to show that all its values exist, and parses the YAML files.
func TestFiles(t *testing.T) {
	n := New("/state/node", "/cache", nil, io.Discard)

	err := fs.WalkDir(files, "files", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}

		text, err := n.render(strings.TrimPrefix(path, "files/"))
		if err != nil {
			return err
		}

		if strings.Contains(string(text), "<no value>") {
			t.Errorf("%s uses an unknown value:\n%s", path, text)
		}

		for document := range strings.SplitSeq(string(text), "\n---\n") {
			var object map[string]any
			if filepath.Ext(path) != ".toml" {
				if err := yaml.UnmarshalStrict([]byte(document), &object); err != nil {
					t.Errorf("%s: %v\n%s", path, err, document)
				}
			}
		}

		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAddresses(t *testing.T) {
	for _, test := range []struct{ inner, outer string }{
		{hostAddress + linkBits, addresses},
		{nodeAddress + linkBits, hostAddress + linkBits},
		{clusterPods, addresses},
		{nodePods, clusterPods},
		{services, addresses},
		{apiAddress + "/32", services},
		{dnsAddress + "/32", services},
	} {
		inner := netip.MustParsePrefix(test.inner)

		outer := netip.MustParsePrefix(test.outer)
		if !outer.Masked().Contains(inner.Addr()) || inner.Bits() < outer.Bits() {
			t.Errorf("%s is not in %s", inner, outer)
		}
	}

	if netip.MustParsePrefix(clusterPods).Overlaps(netip.MustParsePrefix(services)) {
		t.Error("pods and Services overlap")
	}
}

func TestNotRunning(t *testing.T) {
	n := New(filepath.Join(t.TempDir(), "node"), t.TempDir(), nil, io.Discard)
	if _, err := n.Exec(t.Context(), "true"); !errors.Is(err, errNotRunning) {
		t.Errorf("exec: %v", err)
	}

	if err := n.TrustRegistry("10.213.0.1:5000"); !errors.Is(err, errNotRunning) {
		t.Errorf("trust a registry: %v", err)
	}

	if err := n.TrustRegistry("registry.example.com"); err == nil || errors.Is(err, errNotRunning) {
		t.Errorf("trust a registry without a port: %v", err)
	}

	if err := n.Status(t.Context(), io.Discard); !errors.Is(err, errNotRunning) {
		t.Errorf("status: %v", err)
	}
}

// TestKillIgnoresOtherPrograms checks that kill ignores a process that does not run the node's program.
func TestKillIgnoresOtherPrograms(t *testing.T) {
	n := New(filepath.Join(t.TempDir(), "node"), t.TempDir(), nil, io.Discard)
	if err := n.kill(os.Getpid()); err != nil {
		t.Error(err)
	}

	if n.isOwn(os.Getpid()) {
		t.Error("isOwn is true for a process of another program")
	}
}

func TestUntilSucceeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0

		err := until(t.Context(), time.Minute, func(context.Context) error {
			if calls++; calls < 3 {
				return errors.New("not yet")
			}

			return nil
		})
		if err != nil || calls != 3 {
			t.Errorf("%d calls: %v", calls, err)
		}
	})
}

func TestUntilTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		err := until(t.Context(), 150*time.Millisecond, func(ctx context.Context) error {
			if ctx.Err() != nil {
				return ctx.Err()
			}

			return errors.New("never")
		})
		if got, want := message(err), "still failing after 150ms: never"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestWriteImage(t *testing.T) {
	folder := t.TempDir()
	program := filepath.Join(folder, "program")
	archive := filepath.Join(folder, "image.tar")

	if err := os.WriteFile(program, []byte("#!"), 0o700); err != nil {
		t.Fatal(err)
	}

	if err := writeImage(archive, "localhost/program:node", program); err != nil {
		t.Fatal(err)
	}

	content, err := os.ReadFile(archive)
	if err != nil {
		t.Fatal(err)
	}

	files := untar(t, content)

	var manifest []struct {
		Config           string
		RepoTags, Layers []string
	}
	if err := json.Unmarshal(files["manifest.json"], &manifest); err != nil || len(manifest) != 1 || len(manifest[0].Layers) != 1 {
		t.Fatalf("the manifest is %s (%v), want one image with one layer", files["manifest.json"], err)
	}

	layer := files[manifest[0].Layers[0]]

	want := `{"architecture":"` + runtime.GOARCH + `","config":{"Entrypoint":["/program"],"User":"65532:65532"},"os":"linux",` +
		`"rootfs":{"diff_ids":["sha256:` + sum(layer) + `"],"type":"layers"}}`
	if got := string(files[manifest[0].Config]); got != want {
		t.Errorf("config %s\nwant   %s", got, want)
	}

	if diff := cmp.Diff([]string{"localhost/program:node"}, manifest[0].RepoTags); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}

	if diff := cmp.Diff(map[string][]byte{"program": []byte("#!")}, untar(t, layer)); diff != "" {
		t.Errorf("files of the layer (-want +got):\n%s", diff)
	}
}

// untar returns the files of an archive.
func untar(t *testing.T, archive []byte) map[string][]byte {
	t.Helper()

	files := map[string][]byte{}
	for tr := tar.NewReader(bytes.NewReader(archive)); ; {
		header, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return files
		}

		if err != nil {
			t.Fatal(err)
		}

		if files[header.Name], err = io.ReadAll(tr); err != nil {
			t.Fatal(err)
		}
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}

	return err.Error()
}
