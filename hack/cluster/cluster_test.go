// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/hack/cluster/kind"
)

func TestChoose(t *testing.T) {
	const works, fails = "#!/bin/sh\nexit 0\n", "#!/bin/sh\nexit 1\n"
	for name, test := range map[string]struct {
		programs map[string]string
		node     bool // exists
		wantKind bool
	}{
		"kind and Docker":         {map[string]string{"kind": works, "docker": works}, false, true},
		"Docker down":             {map[string]string{"kind": works, "docker": fails}, false, false},
		"no kind":                 {map[string]string{"docker": works}, false, false},
		"neither":                 {nil, false, false},
		"both, but a node exists": {map[string]string{"kind": works, "docker": works}, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			path := t.TempDir()
			t.Setenv("PATH", path)

			for program, text := range test.programs {
				if err := os.WriteFile(filepath.Join(path, program), []byte(text), 0o700); err != nil {
					t.Fatal(err)
				}
			}

			f := findTestFolders(t)
			if test.node {
				if err := os.Mkdir(f.node, 0o700); err != nil {
					t.Fatal(err)
				}
			}

			chosen := choose(t.Context(), f, io.Discard)
			if _, isKind := chosen.(*kind.Kind); isKind != test.wantKind {
				t.Errorf("chose %T", chosen)
			}

			if needed := len(packages(chosen)) > 0; needed == test.wantKind {
				t.Errorf("packages for %T: %q", chosen, packages(chosen))
			}
		})
	}
}

func TestRun(t *testing.T) {
	for name, test := range map[string]struct {
		args []string
		want string // prefix of the error or the output
	}{
		"nothing":     {nil, "no command\nusage: cluster COMMAND"},
		"unknown":     {[]string{"upp"}, "unknown command or wrong number of arguments: upp\nusage"},
		"too many":    {[]string{"up", "now"}, "unknown command or wrong number of arguments: up now\nusage"},
		"no archive":  {[]string{"load"}, "unknown command or wrong number of arguments: load\nusage"},
		"not running": {[]string{"status"}, "the node is not running; 'make cluster-up' starts it"},
		"exec":        {[]string{"exec", "true"}, "the node is not running; 'make cluster-up' starts it"},
		"env":         {[]string{"env"}, "export KUBECONFIG='"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("PATH", t.TempDir())
			findTestFolders(t)

			var out bytes.Buffer

			err := run(t.Context(), test.args, &out)

			got := out.String()
			if err != nil {
				got = err.Error()
			}

			if !strings.HasPrefix(got, test.want) {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func findTestFolders(t *testing.T) folders {
	t.Helper()
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())

	f, err := findFolders()
	if err != nil {
		t.Fatal(err)
	}

	return f
}
