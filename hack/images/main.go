// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command images builds container images of Go programs without a container engine: a static binary for each platform,
// the files that a program without a distribution needs, and both as one archive for each image.
//
//	go run ./hack/images -version v1.0.0 -out dist manager=./cmd/manager receiver=./cmd/receiver
//
// The same commit, version and release of Go give the same bytes, on any machine.
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

// maxSize is how large the compressed layers of one platform may be, in bytes. Every node pulls them.
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
	prefix := flags.String("prefix", "ghcr.io/wawebhook/whatsapp-webhook-operator/", "what comes before NAME in the name of an image, with the registry")
	out := flags.String("out", "dist", "folder for the archives, NAME.tar each")
	platforms := flags.String("platforms", "linux/amd64,linux/arm64", "platforms, separated by commas; the first is the one that a Docker without containerd's image store loads")
	rootfs := flags.String("rootfs", "", "write the files that all images have to this folder, and build none")

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

	if err := os.MkdirAll(*out, 0o755); err != nil { //nolint:gosec // what a release publishes is no secret
		return err
	}

	for _, t := range targets {
		if err := r.publish(ctx, t, filepath.Join(*out, t.name+".tar"), stdout); err != nil {
			return fmt.Errorf("image %s: %w", t.name, err)
		}
	}

	return nil
}

// A target is one image to build.
type target struct {
	// name is the last part of the image's name, and the program's name in it.
	name string
	// pkg is the main package, as go build takes it.
	pkg string
	// tag is the image's whole name.
	tag name.Tag
}

var targetName = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)

func parseTargets(args []string, prefix, version string) ([]target, error) {
	if len(args) == 0 {
		return nil, errors.New("no image to build; name at least one, as in manager=./cmd/manager")
	}

	targets := make([]target, 0, len(args))
	for _, arg := range args {
		base, pkg, found := strings.Cut(arg, "=")
		if !found || pkg == "" || !targetName.MatchString(base) {
			return nil, fmt.Errorf("image %q: want NAME=PACKAGE with a name of lower-case letters, digits and hyphens, as in manager=./cmd/manager", arg)
		}

		tag, err := name.NewTag(prefix+base+":"+version, name.StrictValidation)
		if err != nil {
			return nil, fmt.Errorf("image %q: -prefix and -version make no name of an image: %w", arg, err)
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
			return nil, fmt.Errorf("-platforms: %q: want linux/ARCHITECTURE, as in linux/arm64", text)
		}

		platforms = append(platforms, *platform)
	}

	return platforms, nil
}

// sourceDate is when the images say they were created: SOURCE_DATE_EPOCH (https://reproducible-builds.org/specs/source-date-epoch/),
// or else the time of the commit.
func sourceDate(ctx context.Context) (time.Time, error) {
	text, found := os.LookupEnv("SOURCE_DATE_EPOCH")
	if !found {
		committed, err := exec.CommandContext(ctx, "git", "log", "-1", "--format=%ct").Output()
		if err != nil {
			return time.Time{}, fmt.Errorf("time of the commit: %w; outside of a git checkout set SOURCE_DATE_EPOCH", err)
		}

		text = string(bytes.TrimSpace(committed))
	}

	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("SOURCE_DATE_EPOCH: %q is not a number of seconds since 1970", text)
	}

	return time.Unix(seconds, 0).UTC(), nil
}
