// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"debug/buildinfo"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/wawebhook/whatsapp-webhook-operator/hack/release/sbom"
)

const tool = "kubectl-whatsapp"

// maxProgram bounds a program that is read from an archive, in bytes.
const maxProgram = 512 << 20

// makeArchives builds the tool for all systems, with the manifest for krew, and lists the packages of each program.
func (r *release) makeArchives(ctx context.Context) error {
	err := command(ctx, nil, "go", "run", "./hack/archives", "-version", r.version, "-commit", r.revision[:12],
		"-url", r.url, "-out", r.out, "-platforms", r.archives)
	if err != nil {
		return err
	}

	// checksums.txt has these sums too.
	if err := os.Remove(filepath.Join(r.out, tool+"_"+r.version+"_checksums.txt")); err != nil {
		return err
	}

	archives, err := filepath.Glob(filepath.Join(r.out, tool+"_"+r.version+"_*"))
	if err != nil {
		return err
	}

	slices.Sort(archives)

	for _, archive := range archives {
		if err := r.describeArchive(archive); err != nil {
			return fmt.Errorf("%s: %w", archive, err)
		}
	}

	return nil
}

// describeArchive writes the list of packages of the program in an archive.
func (r *release) describeArchive(archive string) error {
	content, err := os.ReadFile(archive)
	if err != nil {
		return err
	}

	program, err := readProgram(archive, content)
	if err != nil {
		return err
	}

	info, err := buildinfo.Read(bytes.NewReader(program))
	if err != nil {
		return fmt.Errorf("read the modules of the program: %w", err)
	}

	file := filepath.Base(archive)
	root := sbom.Artifact{
		Name:    file,
		Version: r.version,
		SHA256:  sum(content),
	}

	document := sbom.New(root, r.created)
	document.AddProgram(root, info)

	return r.writeJSON(strings.TrimSuffix(strings.TrimSuffix(file, ".tar.gz"), ".zip")+".spdx.json", document)
}

// readProgram returns the program in an archive.
func readProgram(archive string, content []byte) ([]byte, error) {
	if strings.HasSuffix(archive, ".zip") {
		return unzip(content)
	}

	compressed, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		return nil, err
	}

	for tr := tar.NewReader(compressed); ; {
		header, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return nil, errors.New("there is no program in it")
		}

		if err != nil {
			return nil, err
		}

		if header.Name == tool {
			return io.ReadAll(io.LimitReader(tr, maxProgram))
		}
	}
}

func unzip(content []byte) (_ []byte, err error) {
	files, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return nil, err
	}

	program, err := files.Open(tool + ".exe")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, program.Close()) }()

	return io.ReadAll(io.LimitReader(program, maxProgram))
}
