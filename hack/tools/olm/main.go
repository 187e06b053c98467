// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command olm validates a bundle with the library of operator-sdk, as `operator-sdk bundle validate` does.
//
//	mkdir dist/bundle && tar -xzf dist/release/bundle.tar.gz -C dist/bundle
//	go run -C hack/tools/olm . ../../../dist/bundle
package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/operator-framework/api/pkg/manifests"
	"github.com/operator-framework/api/pkg/validation"
	"github.com/operator-framework/api/pkg/validation/errors"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: olm FOLDER_OF_THE_BUNDLE")
		os.Exit(2)
	}

	if err := run(os.Args[1], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "olm:", err)
		os.Exit(1)
	}
}

// accepted are parts of warnings that say nothing of the bundle.
var accepted = []string{
	// The validator looks for the names of resources in roles, without their groups and versions.
	"using APIs which were deprecated and removed in v1.25",
	// The validator pulls the images with Docker, and they may not be published yet.
	"unable to inspect the image",
	"node affinity configuration for the image",
}

// run prints what the validators find, and returns an error if there is anything.
func run(folder string, stdout io.Writer) error {
	bundle, err := manifests.GetBundleFromDir(folder)
	if err != nil {
		return fmt.Errorf("read the bundle: %w", err)
	}

	objects := bundle.ObjectsToValidate()
	for _, object := range bundle.Objects {
		objects = append(objects, object)
	}

	found := 0

	for _, result := range validation.AllValidators.Validate(objects...) {
		for _, finding := range append(result.Errors, result.Warnings...) {
			if finding.Level == errors.LevelWarn && slices.ContainsFunc(accepted, func(part string) bool {
				return strings.Contains(finding.Detail, part)
			}) {
				continue
			}

			found++

			fmt.Fprintln(stdout, finding)
		}
	}

	if found > 0 {
		return fmt.Errorf("%s has %d errors and warnings", folder, found)
	}

	return nil
}
