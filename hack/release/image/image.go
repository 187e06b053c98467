// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package image builds container images of Go programs without a container engine. The same commit, version and release of
// Go give the same bytes on any machine.
package image

import (
	"bytes"
	"context"
	"debug/buildinfo"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Source is the address of the sources.
const Source = "https://github.com/wawebhook/whatsapp-webhook-operator"

// MaxSize bounds the compressed layers of one platform, in bytes. Every node pulls them.
const MaxSize = 40 << 20

// Builder holds the settings common to the images of one run.
type Builder struct {
	Version string
	// Revision is the commit. Defaults to none, outside a git checkout.
	Revision  string
	Platforms []v1.Platform
	// Created is the creation time in the images' configuration.
	Created time.Time
	// MaxSize bounds the compressed layers of one platform, in bytes.
	MaxSize int64
	// Module is the folder of the Go module. Defaults to the current one.
	Module string
}

// Target is an image to build.
type Target struct {
	// Name is the last part of the image's name, and the program's name in it.
	Name string
	// Package is the main package, as an argument of go build.
	Package string
	// Tag is the full name of the image.
	Tag name.Tag
}

// Built is an image of all platforms.
type Built struct {
	Target

	Index  v1.ImageIndex
	Images []Platform
}

// Platform is the image of one platform.
type Platform struct {
	v1.Image

	Platform v1.Platform
	// Program describes the program in the image.
	Program *buildinfo.BuildInfo
}

var targetName = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)

// ParseTargets parses arguments NAME=PACKAGE.
func ParseTargets(args []string, prefix, version string) ([]Target, error) {
	if len(args) == 0 {
		return nil, errors.New("no image to build: name at least one, such as manager=./cmd/manager")
	}

	targets := make([]Target, 0, len(args))
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

		targets = append(targets, Target{
			Name:    base,
			Package: pkg,
			Tag:     tag,
		})
	}

	return targets, nil
}

// ParsePlatforms parses platforms of Linux that are separated by commas.
func ParsePlatforms(list string) ([]v1.Platform, error) {
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

// SourceDate returns the creation time of what is built: SOURCE_DATE_EPOCH
// (https://reproducible-builds.org/specs/source-date-epoch/), or else the time of the commit.
func SourceDate(ctx context.Context) (time.Time, error) {
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
