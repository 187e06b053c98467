// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command images builds container images of Go programs without a container engine. It builds a static binary for each
// platform, adds the files that a program needs without a distribution, and writes an archive for each image. Paths are
// relative to the root of the repository.
//
//	go run -C hack/release ./images -version v1.0.0 -out dist manager=./cmd/manager receiver=./cmd/receiver
//
// The same commit, version and release of Go give the same bytes on any machine.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"

	"github.com/wawebhook/whatsapp-webhook-operator/hack/release/image"
	"github.com/wawebhook/whatsapp-webhook-operator/hack/release/repository"
)

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

	if err := repository.Enter(); err != nil {
		return err
	}

	if *rootfs != "" {
		return image.WriteRootFiles(*rootfs)
	}

	targets, err := image.ParseTargets(flags.Args(), *prefix, *version)
	if err != nil {
		return err
	}

	b := image.Builder{
		Version:  *version,
		Revision: repository.Revision(ctx),
		MaxSize:  image.MaxSize,
	}
	if b.Platforms, err = image.ParsePlatforms(*platforms); err != nil {
		return err
	}

	if b.Created, err = image.SourceDate(ctx); err != nil {
		return err
	}

	if err := os.MkdirAll(*out, 0o755); err != nil { //nolint:gosec // release files are public
		return err
	}

	for _, t := range targets {
		if err := write(ctx, b, t, filepath.Join(*out, t.Name+".tar"), stdout); err != nil {
			return fmt.Errorf("image %s: %w", t.Name, err)
		}
	}

	return nil
}

// write builds the image, writes its archive to the file, and prints its digest and sizes.
func write(ctx context.Context, b image.Builder, t image.Target, file string, stdout io.Writer) error {
	built, err := b.Build(ctx, t)
	if err != nil {
		return err
	}

	digest, err := built.Index.Digest()
	if err != nil {
		return err
	}

	fmt.Fprintf(stdout, "%s: %s@%s\n", file, t.Tag, digest)

	for _, platform := range built.Images {
		size, err := image.CompressedSize(platform)
		if err != nil {
			return err
		}

		fmt.Fprintf(stdout, "  %-12s %5.1f MiB\n", platform.Platform, float64(size)/(1<<20))
	}

	archive, err := os.Create(file)
	if err != nil {
		return err
	}

	if err := errors.Join(built.WriteArchive(archive), archive.Close()); err != nil {
		return errors.Join(err, os.Remove(file))
	}

	return nil
}
