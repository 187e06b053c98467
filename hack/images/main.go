// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command images builds container images of Go programs without a container engine. It builds a static binary for each
// platform, adds the files that a program needs without a distribution, and writes an archive for each image.
//
//	go run ./hack/images -version v1.0.0 -out dist manager=./cmd/manager receiver=./cmd/receiver
//
// The same commit, version and release of Go give the same bytes on any machine.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// maxSize bounds the compressed layers of one platform, in bytes. Every node pulls them.
const maxSize = 40 << 20

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)

	stop()

	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "images:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("images", flag.ContinueOnError)
	version := flags.String("version", "dev", "version of the programs, and tag of the images")
	prefix := flags.String("prefix", "ghcr.io/wawebhook/whatsapp-webhook-operator/", "registry and path of the images, before NAME")
	out := flags.String("out", "dist", "folder for the archives NAME.tar")
	platforms := flags.String("platforms", "linux/amd64,linux/arm64", "platforms, separated by commas; a Docker without containerd's image store loads the first")
	rootfs := flags.String("rootfs", "", "write the files common to all images to this folder, and build no image")

	flags.Usage = func() {
		fmt.Fprintln(flags.Output(), "usage: images [flags] NAME=PACKAGE...")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return err
	}

	if *rootfs != "" {
		return writeRootFiles(*rootfs)
	}

	targets, err := parseTargets(flags.Args(), *prefix, *version)
	if err != nil {
		return err
	}

	r := release{version: *version, maxSize: maxSize}
	if r.platforms, err = parsePlatforms(*platforms); err != nil {
		return err
	}

	if r.created, err = sourceDate(ctx); err != nil {
		return err
	}

	if err := os.MkdirAll(*out, 0o755); err != nil { //nolint:gosec // release files are public
		return err
	}

	for _, t := range targets {
		if err := r.publish(ctx, t, filepath.Join(*out, t.name+".tar"), stdout); err != nil {
			return fmt.Errorf("image %s: %w", t.name, err)
		}
	}

	return nil
}

// target is an image to build.
type target struct {
	// name is the last part of the image's name, and the program's name in it.
	name string
	// pkg is the main package, as an argument of go build.
	pkg string
	// tag is the full name of the image.
	tag name.Tag
}

var targetName = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)

func parseTargets(args []string, prefix, version string) ([]target, error) {
	if len(args) == 0 {
		return nil, errors.New("no image to build: name at least one, such as manager=./cmd/manager")
	}

	targets := make([]target, 0, len(args))
	for _, arg := range args {
		base, pkg, found := strings.Cut(arg, "=")
		if !found || pkg == "" || !targetName.MatchString(base) {
			return nil, fmt.Errorf(
				"image %q: want NAME=PACKAGE with a name of lower-case letters, digits and hyphens, such as manager=./cmd/manager",
				arg)
		}

		tag, err := name.NewTag(prefix+base+":"+version, name.StrictValidation)
		if err != nil {
			return nil, fmt.Errorf("image %q: -prefix and -version give no valid image name: %w", arg, err)
		}

		targets = append(targets, target{
			name: base,
			pkg:  pkg,
			tag:  tag,
		})
	}

	return targets, nil
}

func parsePlatforms(list string) ([]v1.Platform, error) {
	var platforms []v1.Platform
	for text := range strings.SplitSeq(list, ",") {
		platform, err := v1.ParsePlatform(text)
		if err != nil {
			return nil, fmt.Errorf("-platforms: %q: %w", text, err)
		}

		if platform.OS != "linux" || platform.Architecture == "" || platform.Variant != "" {
			return nil, fmt.Errorf("-platforms: %q: want linux/ARCHITECTURE, such as linux/arm64", text)
		}

		platforms = append(platforms, *platform)
	}

	return platforms, nil
}

// sourceDate returns the creation time of the images: SOURCE_DATE_EPOCH
// (https://reproducible-builds.org/specs/source-date-epoch/), or else the time of the commit.
func sourceDate(ctx context.Context) (time.Time, error) {
	text, found := os.LookupEnv("SOURCE_DATE_EPOCH")
	if !found {
		committed, err := exec.CommandContext(ctx, "git", "log", "-1", "--format=%ct").Output()
		if err != nil {
			return time.Time{}, fmt.Errorf("get the time of the commit: %w; outside a git checkout set SOURCE_DATE_EPOCH", err)
		}

		text = string(bytes.TrimSpace(committed))
	}

	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("SOURCE_DATE_EPOCH: %q is not a number of seconds since 1970", text)
	}

	return time.Unix(seconds, 0).UTC(), nil
}
