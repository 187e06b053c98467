// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/wawebhook/whatsapp-webhook-operator/hack/release/attest"
	"github.com/wawebhook/whatsapp-webhook-operator/hack/release/image"
	"github.com/wawebhook/whatsapp-webhook-operator/hack/release/repository"
)

const product = "whatsapp-webhook-operator"

// release is one run of publish.
type release struct {
	version  string
	revision string
	prefix   string // of all names in the registry
	url      string // of the folder in which the archives are published
	out      string
	images   []string // platforms
	archives string   // platforms, separated by commas
	created  time.Time
	signer   *attest.Signer
	stdout   io.Writer

	artifacts []artifact
}

func publish(ctx context.Context, args []string, stdout io.Writer) error {
	r := release{stdout: stdout}
	flags := flag.NewFlagSet("publish", flag.ContinueOnError)
	flags.StringVar(&r.version, "version", "", "version, and tag in the registry, such as v1.0.0")
	flags.StringVar(&r.prefix, "prefix", "", "registry and path of all names, such as registry.example.com/; HTTP is used with loopback and private addresses")
	flags.StringVar(&r.url, "url", "https://example.com", "address of the folder in which the archives are published, for krew")
	flags.StringVar(&r.out, "out", "dist/release", "folder for the files, which is emptied before")
	flags.StringVar(&r.archives, "archives", "linux/amd64,linux/arm64,darwin/amd64,darwin/arm64,windows/amd64,windows/arm64", "platforms of the tool")
	platforms := flags.String("platforms", "linux/amd64,linux/arm64", "platforms of the images")
	key := flags.String("key", "", "private key: a file as 'cosign generate-key-pair' makes it, with its password in COSIGN_PASSWORD, or env://NAME")
	dirty := flags.Bool("allow-dirty", false, "release a checkout with uncommitted changes, for tests")

	if err := flags.Parse(args); err != nil {
		return err
	}

	r.images = strings.Split(*platforms, ",")
	if err := r.check(ctx, *dirty); err != nil {
		return err
	}

	var err error
	if r.signer, err = attest.ReadSigner(*key); err != nil {
		return fmt.Errorf("-key: %w", err)
	}

	if r.created, err = image.SourceDate(ctx); err != nil {
		return err
	}

	if err := emptyFolder(r.out); err != nil {
		return err
	}

	for _, step := range []struct {
		title string
		do    func(context.Context) error
	}{
		{"images", r.publishImages},
		{"install.yaml and the chart", r.makeInstallation},
		{"chart", r.publishChart},
		{"schema", r.writeSchemas},
		{"bundle", r.publishBundle},
		{"archives of the tool", r.makeArchives},
		{"files", r.writeLists},
		{"signatures", r.sign},
	} {
		started := time.Now()

		if err := step.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.title, err)
		}

		fmt.Fprintf(stdout, "%6.1f s  %s\n", time.Since(started).Seconds(), step.title)
	}

	return nil
}

// semantic matches the versions of a release. krew, Helm and OLM accept no others.
var semantic = regexp.MustCompile(`^v[0-9]+[.][0-9]+[.][0-9]+(-[-0-9A-Za-z.]+)?$`)

// check returns an error if the flags or the checkout are unusable.
func (r *release) check(ctx context.Context, dirty bool) error {
	if !semantic.MatchString(r.version) {
		return fmt.Errorf("-version: %q is not a semantic version, such as v1.0.0", r.version)
	}

	if _, err := name.NewRepository(r.prefix+product, name.StrictValidation); err != nil || !strings.HasSuffix(r.prefix, "/") {
		return fmt.Errorf("-prefix: %q is not a registry with a path, such as registry.example.com/: %w", r.prefix, err)
	}

	if _, err := image.ParsePlatforms(strings.Join(r.images, ",")); err != nil {
		return err
	}

	if r.revision = repository.Revision(ctx); r.revision == "" {
		return errors.New("this is not a git checkout, so the commit is unknown")
	}

	changed, err := exec.CommandContext(ctx, "git", "status", "--porcelain").Output()
	if err != nil {
		return fmt.Errorf("look for uncommitted changes: %w", err)
	}

	if len(changed) > 0 && !dirty {
		return fmt.Errorf("there are uncommitted changes, which the commit does not have; commit them:\n%s", changed)
	}

	return nil
}

// emptyFolder removes an earlier release. It refuses a folder that holds something else.
func emptyFolder(folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}

	if len(entries) > 0 {
		if _, err := os.Stat(filepath.Join(folder, manifestFile)); err != nil {
			return fmt.Errorf("-out: %s has files but no %s, so it is no earlier release; name another folder, or empty it", folder, manifestFile)
		}
	}

	if err := os.RemoveAll(folder); err != nil {
		return err
	}

	if err := os.MkdirAll(folder, 0o755); err != nil { //nolint:gosec // release files are public
		return err
	}

	// Marks the folder, so that a run that fails can be repeated.
	return os.WriteFile(filepath.Join(folder, manifestFile), []byte("{}\n"), 0o644) //nolint:gosec // release files are public
}

// write writes a file of the release.
func (r *release) write(file string, content []byte) error {
	return os.WriteFile(filepath.Join(r.out, file), content, 0o644) //nolint:gosec // release files are public
}

func (r *release) writeJSON(file string, value any) error {
	content, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}

	return r.write(file, append(content, '\n'))
}

// tag returns a tag of the version.
func (r *release) tag(repository, tag string) (name.Tag, error) {
	return name.NewTag(r.prefix+repository+":"+tag, name.StrictValidation)
}

// semver returns the version as Helm and OLM want it.
func (r *release) semver() string { return strings.TrimPrefix(r.version, "v") }

// command runs a program of the repository. Its output is shown if it fails.
func command(ctx context.Context, environment []string, program string, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Minute)
	defer cancel()

	started := exec.CommandContext(ctx, program, args...) //nolint:gosec // programs of the repository

	started.Env = append(os.Environ(), environment...)
	if output, err := started.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", program, err, output)
	}

	return nil
}
