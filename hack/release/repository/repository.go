// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package repository finds the checkout that a release is made from.
package repository

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const module = "module github.com/wawebhook/whatsapp-webhook-operator\n"

// Enter changes to the root of the repository, so that paths are relative to it wherever the program was started.
func Enter() error {
	folder, err := os.Getwd()
	if err != nil {
		return err
	}

	for {
		text, err := os.ReadFile(filepath.Join(folder, "go.mod"))
		if err == nil && strings.HasPrefix(string(text), module) {
			return os.Chdir(folder)
		}

		parent := filepath.Dir(folder)
		if parent == folder {
			return errors.New("not in the repository: run the program with 'go run -C hack/release'")
		}

		folder = parent
	}
}

// Revision returns the commit that is checked out, or nothing outside a git checkout.
func Revision(ctx context.Context) string {
	commit, err := exec.CommandContext(ctx, "git", "rev-parse", "HEAD").Output()
	if err != nil {
		return ""
	}

	return string(bytes.TrimSpace(commit))
}
