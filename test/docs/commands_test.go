// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// checks are the checks of commands, by program. The commands of kubectl and helm are checked by these programs themselves,
// in TestCommandsOfOthers; those of the tool in package main of cmd/kubectl-whatsapp.
var checks = map[string]func(words []string) error{
	"apt-get":          checkPackages,
	"curl":             checkRequest,
	"go":               checkGo,
	"helm":             func([]string) error { return nil },
	"kubectl":          func([]string) error { return nil },
	"kubectl-whatsapp": func([]string) error { return nil },
	"make":             checkMake,
	"node":             checkScript,
	"python3":          checkScript,
	"whatsapp-webhook": func([]string) error { return nil },
}

// plain are programs of the system whose commands are simple enough to be read.
var plain = []string{"cat", "chmod", "cp", "date", "docker", "git", "install", "jq", "ln", "mkdir", "openssl", "rm", "tail", "tar"}

// TestCommands checks each command of the pages by what belongs to its program: the targets of the Makefile, the packages
// of the module, the requests of the OpenAPI documents.
func TestCommands(t *testing.T) {
	checked := 0

	for _, command := range commands(t) {
		words := command.Words

		check, known := checks[words[0]]
		if !known {
			if !slices.Contains(plain, words[0]) {
				t.Errorf(`%s: no check for the program %s; give it one here, or the block a note "unchecked: REASON"`,
					command.Block, words[0])
			}

			continue
		}

		checked++

		if err := check(words[1:]); err != nil {
			t.Errorf("%s: %s: %v", command.Block, strings.Join(words, " "), err)
		}
	}

	if checked < 100 {
		t.Errorf("checked %d commands, want at least 100", checked)
	}
}

// commands returns the commands of all pages.
func commands(t *testing.T) []Commanded {
	t.Helper()

	all, err := AllCommands(t.Context())
	if err != nil {
		t.Error(err)
	}

	return all
}

func checkMake(words []string) error {
	makefile, err := os.ReadFile(filepath.Join(Root(), "Makefile"))
	if err != nil {
		return err
	}

	for _, word := range words {
		name, _, variable := strings.Cut(word, "=")
		pattern := `(?m)^` + regexp.QuoteMeta(word) + `:`

		if variable {
			pattern = `(?m)^` + regexp.QuoteMeta(name) + ` \?=|\$\(` + regexp.QuoteMeta(name) + `\)`
		}

		if !regexp.MustCompile(pattern).Match(makefile) {
			return fmt.Errorf("the Makefile has no %s", name)
		}
	}

	return nil
}

func checkGo(words []string) error {
	switch words[0] {
	case "run", "test", "build":
		for _, word := range words[1:] {
			if strings.HasPrefix(word, "-") {
				continue
			}

			if strings.Contains(word, "@") {
				return nil // of another module
			}

			folder := strings.TrimSuffix(strings.TrimSuffix(word, "..."), "/")
			if sources, err := filepath.Glob(filepath.Join(Root(), folder, "*.go")); err != nil || len(sources) == 0 {
				return fmt.Errorf("no package in %s", folder)
			}

			return nil
		}

		return nil
	case "env":
		return nil
	default:
		return fmt.Errorf("no check for go %s", words[0])
	}
}

// checkScript checks that the script is one of the repository.
func checkScript(words []string) error {
	_, err := os.Stat(filepath.Join(Root(), words[0]))
	return err
}

// checkPackages checks that CI installs the same Debian packages.
func checkPackages(words []string) error {
	ci, err := os.ReadFile(filepath.Join(Root(), ".ci", "run"))
	if err != nil {
		return err
	}

	for _, word := range words {
		known := slices.Contains([]string{"install", "gcc", "git", "libc6-dev", "make"}, word) || strings.HasPrefix(word, "-")
		if !known && !regexp.MustCompile(`\b`+regexp.QuoteMeta(word)+`\b`).Match(ci) {
			return fmt.Errorf(".ci/run does not install %s", word)
		}
	}

	return nil
}
