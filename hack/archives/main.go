// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command archives builds the tool for all platforms: an archive for each, their checksums, and the manifest of a plugin for
// krew. The same sources and version give the same bytes, whatever machine and folder they are built on.
//
//	go run ./hack/archives -version v1.0.0 -url https://example.com/v1.0.0 -out dist
package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
)

const (
	program = "kubectl-whatsapp"
	pkg     = "./cmd/kubectl-whatsapp"
	module  = "github.com/wawebhook/whatsapp-webhook-operator"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)

	stop()

	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "archives:", err)
		os.Exit(1)
	}
}

// release describes the archives to build.
type release struct {
	version   string
	commit    string
	url       string // of the folder in which the archives are published
	out       string
	platforms []platform
}

// platform is a platform of Go.
type platform struct{ os, arch string }

// archive returns the name of the platform's archive.
func (r release) archive(p platform) string {
	extension := ".tar.gz"
	if p.os == "windows" {
		extension = ".zip"
	}

	return fmt.Sprintf("%s_%s_%s_%s%s", program, r.version, p.os, p.arch, extension)
}

// binary returns the name of the program on the platform.
func (p platform) binary() string {
	if p.os == "windows" {
		return program + ".exe"
	}

	return program
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	r := release{}
	flags := flag.NewFlagSet("archives", flag.ContinueOnError)
	flags.StringVar(&r.version, "version", "dev", "version of the tool")
	flags.StringVar(&r.commit, "commit", "", "commit that is built")
	flags.StringVar(&r.url, "url", "https://example.com", "address of the folder in which the archives are published, for krew")
	flags.StringVar(&r.out, "out", "dist", "folder for the files")
	platforms := flags.String("platforms", "linux/amd64,linux/arm64,darwin/amd64,darwin/arm64,windows/amd64,windows/arm64", "platforms, separated by commas")

	if err := flags.Parse(args); err != nil {
		return err
	}

	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}

	for name := range strings.SplitSeq(*platforms, ",") {
		system, architecture, ok := strings.Cut(name, "/")
		if !ok {
			return fmt.Errorf("platform %q is not like linux/amd64", name)
		}

		r.platforms = append(r.platforms, platform{system, architecture})
	}

	if err := os.MkdirAll(r.out, 0o755); err != nil { //nolint:gosec // release files are public
		return err
	}

	return r.publish(ctx, stdout)
}

// publish writes all files of the release.
func (r release) publish(ctx context.Context, stdout io.Writer) error {
	license, err := os.ReadFile("LICENSE")
	if err != nil {
		return err
	}

	sums := map[platform]string{}

	var checksums strings.Builder

	for _, p := range r.platforms {
		content, err := r.compile(ctx, p)
		if err != nil {
			return err
		}

		archive, err := pack(p, []entry{
			{"LICENSE", 0o644, license},
			{p.binary(), 0o755, content},
		})
		if err != nil {
			return fmt.Errorf("archive for %s/%s: %w", p.os, p.arch, err)
		}

		sum := sha256.Sum256(archive)
		sums[p] = hex.EncodeToString(sum[:])

		if err := r.write(r.archive(p), archive); err != nil {
			return err
		}

		fmt.Fprintf(&checksums, "%s  %s\n", sums[p], r.archive(p))
		fmt.Fprintf(stdout, "%s: %.1f MiB\n", filepath.Join(r.out, r.archive(p)), float64(len(archive))/(1<<20))
	}

	manifest, err := r.krew(sums)
	if err != nil {
		return err
	}

	return errors.Join(
		r.write(program+"_"+r.version+"_checksums.txt", []byte(checksums.String())),
		r.write("whatsapp.yaml", manifest),
	)
}

func (r release) write(name string, content []byte) error {
	return os.WriteFile(filepath.Join(r.out, name), content, 0o644) //nolint:gosec // release files are public
}

// compile builds the tool without what differs between machines: the folder, the state of the checkout, and an architecture
// level set in go env.
func (r release) compile(ctx context.Context, p platform) ([]byte, error) {
	folder, err := os.MkdirTemp("", "archives-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)

	binary := filepath.Join(folder, p.binary())
	linked := fmt.Sprintf("-s -w -buildid= -X main.version=%s -X %s/cmd/buildinfo.commit=%s", r.version, module, r.commit)

	//nolint:gosec // the flags are the caller's own
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", linked, "-o", binary, pkg)

	build.Env = append(os.Environ(),
		"CGO_ENABLED=0",
		"GOOS="+p.os,
		"GOARCH="+p.arch,
		"GOAMD64=v1",
		"GOARM64=v8.0",
		"GOFLAGS=",
	)

	if output, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build for %s/%s: %w\n%s", p.os, p.arch, err, output)
	}

	return os.ReadFile(binary)
}
