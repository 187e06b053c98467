// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command release makes a release and verifies one. Paths are relative to the root of the repository.
//
//	go run -C hack/release . publish -version v1.0.0 -prefix registry.example.com/ -key cosign.key -out dist/release
//	go run -C hack/release . verify -key cosign.pub dist/release
//	go run -C hack/release . files dist/release
//	go run -C hack/release . key -out .
//
// The same commit, version, registry, key and release of Go give the same digests.
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
	"syscall"

	"github.com/wawebhook/whatsapp-webhook-operator/hack/release/attest"
	"github.com/wawebhook/whatsapp-webhook-operator/hack/release/repository"
)

const usage = `usage: release COMMAND [flags]
  publish  build everything, push it to a registry, and sign it
  verify   verify the files of a release, and what is in the registry
  files    list the files of a release that are uploaded, which are all
  key      make a pair of keys, encrypted with COSIGN_PASSWORD
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)

	stop()

	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	if len(args) == 0 {
		return fmt.Errorf("no command\n%s", usage)
	}

	if err := repository.Enter(); err != nil {
		return err
	}

	switch args[0] {
	case "publish":
		return publish(ctx, args[1:], stdout)
	case "verify":
		return verify(ctx, args[1:], stdout)
	case "files":
		return listFiles(args[1:], stdout)
	case "key":
		return makeKey(args[1:], stdout)
	default:
		return fmt.Errorf("unknown command %q\n%s", args[0], usage)
	}
}

// listFiles writes the path of each file of a release as a line.
func listFiles(args []string, stdout io.Writer) error {
	if len(args) != 1 {
		return errors.New("usage: release files FOLDER")
	}

	names, err := fileNames(args[0])
	if err != nil {
		return err
	}

	for _, name := range names {
		fmt.Fprintln(stdout, filepath.Join(args[0], name))
	}

	return nil
}

// makeKey writes cosign.key and cosign.pub, and replaces none.
func makeKey(args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("key", flag.ContinueOnError)
	out := flags.String("out", ".", "folder for cosign.key and cosign.pub")

	if err := flags.Parse(args); err != nil {
		return err
	}

	private, signer, err := attest.GenerateKey([]byte(os.Getenv("COSIGN_PASSWORD")))
	if err != nil {
		return err
	}

	public, err := signer.Public().PEM()
	if err != nil {
		return err
	}

	for _, file := range []struct {
		name    string
		mode    os.FileMode
		content []byte
	}{
		{"cosign.key", 0o600, private},
		{"cosign.pub", 0o644, public},
	} {
		name := filepath.Join(*out, file.name)

		created, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, file.mode)
		if err != nil {
			return err
		}

		_, err = created.Write(file.content)
		if err := errors.Join(err, created.Close()); err != nil {
			return err
		}

		fmt.Fprintln(stdout, name)
	}

	return nil
}
