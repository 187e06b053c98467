// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package setup checks the script that prepares a machine for the tests, and that scripts run on macOS too.
package setup

import (
	"cmp"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/checkout"
)

// programs are what the tests need of the PATH. The font is a file, which every machine that runs these tests has.
var programs = []string{"gcc", "initdb", "prometheus", "python3", "node", "npm", "chromium"}

const (
	ok   = "exit 0"
	fail = "exit 1"
	// log appends the program and its arguments to calls.
	log = `echo "${0##*/} $*" >>"$CALLS"`
	// run executes a command as sudo does.
	run = log + `
[ "$1" = -n ] && shift
exec "$@"`
)

// TestPackagesOfTests runs the script with its own PATH, on which programs are missing.
func TestPackagesOfTests(t *testing.T) {
	if _, err := os.Stat("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"); err != nil {
		t.Skipf("the font of hack/packages.sh: %v", err)
	}

	const lacks = "packages: this machine lacks:\n" +
		"packages:   Prometheus, for the alerts\n" +
		"packages:   npm, for the check of pages\n"

	const install = "env DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --no-install-recommends prometheus npm\n"

	for name, test := range map[string]struct {
		mode    string // defaults to "tests"
		missing []string
		tools   map[string]string // other programs on the PATH, as scripts
		code    int
		calls   string // of apt-get and sudo
		says    string
	}{
		"all there": {
			tools: map[string]string{"id": "echo 1000", "apt-get": log, "sudo": log},
		},
		"a compiler without headers": {
			tools: map[string]string{"id": "echo 0", "apt-get": log, "gcc": fail},
			calls: "apt-get update --quiet\napt-get install --yes --quiet --no-install-recommends libc6-dev\n",
			says: "packages: this machine lacks:\n" +
				"packages:   the headers of the C library, for the race detector\n" +
				"packages: installing libc6-dev\n",
		},
		"no compiler": {
			missing: []string{"gcc"},
			tools:   map[string]string{"id": "echo 0", "apt-get": log},
			calls:   "apt-get update --quiet\napt-get install --yes --quiet --no-install-recommends gcc libc6-dev\n",
			says: "packages: this machine lacks:\n" +
				"packages:   a C compiler, for the race detector\n" +
				"packages:   the headers of the C library, for the race detector\n" +
				"packages: installing gcc libc6-dev\n",
		},
		"root": {
			missing: []string{"prometheus", "npm"},
			tools:   map[string]string{"id": "echo 0", "apt-get": log},
			calls:   "apt-get update --quiet\n" + strings.TrimPrefix(install, "env DEBIAN_FRONTEND=noninteractive "),
			says:    lacks + "packages: installing prometheus npm\n",
		},
		"sudo without a password": {
			missing: []string{"prometheus", "npm"},
			tools:   map[string]string{"id": "echo 1000", "apt-get": log, "sudo": run, "true": ok},
			calls: "sudo -n true\n" +
				"sudo -n apt-get update --quiet\napt-get update --quiet\n" +
				"sudo -n " + install + strings.TrimPrefix(install, "env DEBIAN_FRONTEND=noninteractive "),
			says: lacks + "packages: installing prometheus npm\n",
		},
		"sudo with a password": {
			missing: []string{"prometheus", "npm"},
			tools:   map[string]string{"id": "echo 1000", "apt-get": log, "sudo": fail},
			code:    1,
			says:    lacks + "packages: run: sudo apt-get update && sudo apt-get install --no-install-recommends prometheus npm\n",
		},
		"all, and sudo with a password": {
			mode:    "all",
			missing: []string{"prometheus"},
			tools: map[string]string{
				"id":         "echo 1000",
				"apt-get":    log,
				"sudo":       fail,
				"go":         "echo iptables conntrack",
				"dpkg-query": "[ $3 = conntrack ] && echo installed",
				"grep":       `read -r state; [ "$state" = installed ]`,
			},
			code: 1,
			says: "packages: this machine lacks:\n" +
				"packages:   Prometheus, for the alerts\n" +
				"packages:   the package iptables, for the node of 'make e2e'\n" +
				"packages: run: sudo apt-get update && sudo apt-get install --no-install-recommends prometheus iptables\n",
		},
		"no sudo": {
			missing: []string{"prometheus", "npm"},
			tools:   map[string]string{"id": "echo 1000", "apt-get": log},
			code:    1,
			says:    lacks + "packages: run as root: apt-get update && apt-get install --no-install-recommends prometheus npm\n",
		},
		"not Debian": {
			missing: []string{"prometheus", "npm"},
			tools:   map[string]string{"id": "echo 0"},
			code:    1,
			says: lacks + "packages: install these programs, and run the command again; " +
				"on Debian and its kin this script does it\n",
		},
		"install fails": {
			missing: []string{"prometheus", "npm"},
			tools:   map[string]string{"id": "echo 0", "apt-get": log + "\nexit 100"},
			code:    100,
			calls:   "apt-get update --quiet\n",
			says:    lacks + "packages: installing prometheus npm\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			calls := filepath.Join(t.TempDir(), "calls")

			for _, program := range programs {
				write(t, filepath.Join(folder, program), ok)
			}

			for program, script := range test.tools {
				write(t, filepath.Join(folder, program), script)
			}

			for _, program := range test.missing {
				if err := os.Remove(filepath.Join(folder, program)); err != nil {
					t.Fatal(err)
				}
			}

			for _, program := range []string{"bash", "sh", "dirname", "env", "uname"} {
				link(t, folder, program)
			}

			code, said := packages(t, cmp.Or(test.mode, "tests"), "PATH="+folder, "CALLS="+calls)
			if code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}

			if diff := gocmp.Diff(test.says, said); diff != "" {
				t.Errorf("said (-want +got):\n%s", diff)
			}

			called, err := os.ReadFile(calls)
			if err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Fatal(err)
			}

			if diff := gocmp.Diff(test.calls, string(called)); diff != "" {
				t.Errorf("called (-want +got):\n%s", diff)
			}

			if _, command, found := strings.Cut(said, "run: sudo "); found {
				runPrinted(t, "sudo "+command)
			}
		})
	}
}

// runPrinted runs the command that the script printed, on the PATH of root: it has neither Go nor the checkout's folder.
func runPrinted(t *testing.T, command string) {
	t.Helper()

	folder := t.TempDir()
	calls := filepath.Join(folder, "calls")

	write(t, filepath.Join(folder, "apt-get"), log)
	write(t, filepath.Join(folder, "sudo"), run)

	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}

	printed := exec.CommandContext(t.Context(), sh, "-c", command)
	printed.Dir = folder
	printed.Env = []string{"PATH=" + folder, "CALLS=" + calls}

	if output, err := printed.CombinedOutput(); err != nil {
		t.Errorf("the printed command %q: %v\n%s", command, err, output)
	}

	if called, err := os.ReadFile(calls); err != nil || !strings.Contains(string(called), "\napt-get install ") {
		t.Errorf("the printed command %q called %q, %v, want that it installs packages", command, called, err)
	}
}

// TestCompilerIsAsked runs the script with the machine's compiler, with and without the headers of the C library.
func TestCompilerIsAsked(t *testing.T) {
	compiler, err := exec.LookPath("gcc")
	if err != nil {
		t.Skipf("gcc, of which this test hides the headers: %v", err)
	}

	for name, test := range map[string]struct {
		option string
		lacks  bool
	}{
		"headers":    {option: ""},
		"no headers": {option: "-nostdinc", lacks: true},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			write(t, filepath.Join(folder, "id"), "echo 1000")

			for _, program := range []string{"bash", "dirname", "env", "uname"} {
				link(t, folder, program)
			}

			_, said := packages(t, "tests", "PATH="+folder, "CC="+strings.TrimSpace(compiler+" "+test.option))

			if strings.Contains(said, "compiler") || strings.Contains(said, "headers") != test.lacks {
				t.Errorf("said:\n%s\nwant the headers: %t", said, test.lacks)
			}
		})
	}
}

// TestFirstPackagesAreEnough checks that the first command of CONTRIBUTING.md installs what the compiler needs.
func TestFirstPackagesAreEnough(t *testing.T) {
	page, err := os.ReadFile("../../CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}

	var words []string

	for line := range strings.Lines(string(page)) {
		if strings.HasPrefix(line, "apt-get install ") {
			words = strings.Fields(line)
			break
		}
	}

	for _, name := range []string{"gcc", "libc6-dev", "make", "git"} {
		if !slices.Contains(words, name) {
			t.Errorf("the command %q does not install %s", strings.Join(words, " "), name)
		}
	}
}

// packages runs the script in a mode, and returns its exit code and what it printed.
func packages(t *testing.T, mode string, environment ...string) (int, string) {
	t.Helper()
	checkout.DependOn(t)

	script := exec.CommandContext(t.Context(), "../../hack/packages.sh", mode)
	script.Env = environment

	output, err := script.CombinedOutput()
	if exit, failed := errors.AsType[*exec.ExitError](err); failed {
		return exit.ExitCode(), string(output)
	}

	if err != nil {
		t.Fatal(err)
	}

	return 0, string(output)
}

func write(t *testing.T, name, script string) {
	t.Helper()

	if err := os.WriteFile(name, []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
}

// link puts a program of the machine on the PATH.
func link(t *testing.T, folder, program string) {
	t.Helper()

	path, err := exec.LookPath(program)
	if err != nil {
		t.Fatal(err)
	}

	if err := os.Symlink(path, filepath.Join(folder, program)); err != nil {
		t.Fatal(err)
	}
}
