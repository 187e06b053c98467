// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command crosscheck checks the types of packages, and of all that they import, for other systems than this machine's. It
// finds what would not compile there in a fraction of the time of a build.
//
//	go run ./hack/crosscheck ./cmd/kubectl-whatsapp/...
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
)

var platforms = []string{
	"linux/amd64", "linux/arm64",
	"darwin/amd64", "darwin/arm64",
	"windows/amd64", "windows/arm64",
}

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: crosscheck PACKAGE...")
		os.Exit(2)
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	failed := false

	for _, platform := range platforms {
		if err := check(ctx, platform, os.Args[1:]); err != nil {
			fmt.Fprintf(os.Stderr, "crosscheck: %s: %v\n", platform, err)

			failed = true
		}
	}

	stop()

	if failed {
		os.Exit(1)
	}
}

// listed is a package as go list prints it.
type listed struct {
	ImportPath string
	Dir        string
	GoFiles    []string
	ImportMap  map[string]string
	Standard   bool
	Module     *struct{ GoVersion string }
	Error      *struct{ Err string }
}

// check checks packages for a platform such as windows/amd64. Dependencies come first in the list.
func check(ctx context.Context, platform string, patterns []string) error {
	system, architecture, _ := strings.Cut(platform, "/")

	args := append([]string{"list", "-e", "-deps", "-json=ImportPath,Dir,GoFiles,ImportMap,Standard,Module,Error"}, patterns...)
	list := exec.CommandContext(ctx, "go", args...) //nolint:gosec // the packages are the caller's own

	list.Env = append(os.Environ(), "GOOS="+system, "GOARCH="+architecture, "CGO_ENABLED=0")
	list.Stderr = os.Stderr

	output, err := list.Output()
	if err != nil {
		return fmt.Errorf("go list: %w", err)
	}

	c := &checker{
		files:    token.NewFileSet(),
		packages: map[string]*types.Package{"unsafe": types.Unsafe},
		sizes:    types.SizesFor("gc", architecture),
	}

	for decoder := json.NewDecoder(bytes.NewReader(output)); ; {
		var p listed
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read the output of go list: %w", err)
		}

		if p.Error != nil {
			return errors.New(p.Error.Err)
		}

		if p.ImportPath == "unsafe" {
			continue
		}

		if err := c.check(p); err != nil {
			return err
		}
	}
}

// checker has the packages that were checked.
type checker struct {
	files    *token.FileSet
	packages map[string]*types.Package
	sizes    types.Sizes
}

func (c *checker) check(p listed) error {
	files := make([]*ast.File, 0, len(p.GoFiles))

	for _, name := range p.GoFiles {
		file, err := parser.ParseFile(c.files, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}

		files = append(files, file)
	}

	config := types.Config{
		Importer:         imports{c.packages, p.ImportMap},
		Sizes:            c.sizes,
		IgnoreFuncBodies: p.Standard,
	}
	if p.Module != nil && p.Module.GoVersion != "" {
		config.GoVersion = "go" + p.Module.GoVersion
	}

	checked, err := config.Check(p.ImportPath, c.files, files, nil)
	if err != nil {
		return err
	}

	c.packages[p.ImportPath] = checked

	return nil
}

// imports finds the imports of one package.
type imports struct {
	packages map[string]*types.Package
	renamed  map[string]string
}

// Import implements types.Importer.
func (i imports) Import(path string) (*types.Package, error) {
	if renamed, ok := i.renamed[path]; ok {
		path = renamed
	}

	found, ok := i.packages[path]
	if !ok {
		return nil, fmt.Errorf("%s is not listed", path)
	}

	return found, nil
}
