// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package setup

import (
	"fmt"
	"regexp"
	"strings"
)

// rule refuses what the programs of macOS, or its bash 3.2, do not know.
type rule struct {
	name    string
	pattern *regexp.Regexp
	instead string
	// unless is what a text has that works without it. Defaults to nothing.
	unless *regexp.Regexp
}

// option matches a command with an option of one letter, also among others, or with a long one.
func option(program, letter, long string) *regexp.Regexp {
	options := "-[A-Za-z]*" + letter
	if long != "" {
		options += "|--" + long
	}

	return regexp.MustCompile(`(?:^|[^-\w])` + program + `\s(?:[^|;&]*\s)?(?:` + options + `)`)
}

// word matches the name of a program where a command begins, also one of another program.
func word(name string) *regexp.Regexp {
	return regexp.MustCompile(`(?:^|[|;&({!]\s*|\$\(|\b(?:then|do|else|xargs|exec|sudo)\s+)\s*` + name + `(?:\s|[;|&)]|$)`)
}

// looked matches the search for a program.
func looked(program string) *regexp.Regexp {
	return regexp.MustCompile(`command -v ` + program + `\b`)
}

var rules = []rule{
	{name: "sed -i", pattern: option("sed", "i", "in-place"), instead: "write to another file, and replace the first one"},
	{name: `sed "$@"`, pattern: regexp.MustCompile(`\bsed\s.*"\$@"`), instead: "the caller may pass -i; read the input"},
	{name: "realpath", pattern: word("realpath"), instead: "mkdir, cd and pwd"},
	{name: "readlink -f", pattern: option("readlink", "[fem]", "canonicalize"), instead: "cd and pwd"},
	{name: "date -d", pattern: option("date", "d", "date"), instead: "compute it in Go"},
	{name: "find -printf", pattern: regexp.MustCompile(`\bfind\s[^|;&]*-printf\b`), instead: "-exec or -print"},
	{name: "grep -P", pattern: option("grep", "P", "perl-regexp"), instead: "grep -E"},
	{name: "sort -V", pattern: option("sort", "V", "version-sort"), instead: "compare in Go"},
	{name: "xargs -r", pattern: option("xargs", "r", "no-run-if-empty"), instead: "while read"},
	{name: "stat -c", pattern: option("stat", "c", "(?:format|printf)"), instead: "find -size, or wc -c"},
	{name: "mktemp --suffix", pattern: option("mktemp", "[pt]", "(?:suffix|tmpdir)"), instead: "mktemp -d"},
	{name: "cp -t", pattern: option("(?:cp|mv|ln)", "t", "(?:parents|target-directory)"), instead: "the folder as the last argument"},
	{name: "head -n -1", pattern: regexp.MustCompile(`\bhead\s+(?:-n\s*|-c\s*)-`), instead: "sed '$d'"},
	{name: "base64 -w", pattern: option("base64", "w", "wrap"), instead: "tr -d '\\n'"},
	{name: "sha256sum", pattern: word("sha256sum"), instead: "cksum, or name shasum -a 256 beside it", unless: regexp.MustCompile(`\bshasum\b`)},
	{name: "tac", pattern: word("tac"), instead: "awk"},
	{name: "nproc", pattern: word("nproc"), instead: "getconf _NPROCESSORS_ONLN"},
	{name: "timeout", pattern: word("timeout"), instead: "look for it with command -v", unless: looked("timeout")},
	{name: "flock", pattern: word("flock"), instead: "look for it with command -v", unless: looked("flock")},
	{name: "mapfile", pattern: word("(?:mapfile|readarray|coproc)"), instead: "while read, as bash 3.2 lacks it"},
	{name: "declare -A", pattern: option("(?:declare|local|typeset)", "[An]", ""), instead: "arrays with numbers, as bash 3.2 lacks it"},
	{name: "${name,,}", pattern: regexp.MustCompile(`\$\{\w+(?:,,?|\^\^?)\}`), instead: "tr, as bash 3.2 lacks it"},
	{name: "|&", pattern: regexp.MustCompile(`\|&|&>>`), instead: "2>&1, as bash 3.2 lacks it"},
}

var (
	continued = regexp.MustCompile(`\\\n\s*`)
	comment   = regexp.MustCompile(`(?:^|\s)#.*$`)
)

// unportable returns what of a script works on Linux only, with the line.
func unportable(script string) []string {
	var found []string

	// A command keeps the line on which it begins.
	joined := continued.ReplaceAllStringFunc(script, func(end string) string { return " \x00" + strings.TrimLeft(end[2:], " \t") })

	line := 1

	for text := range strings.Lines(joined) {
		command := comment.ReplaceAllString(strings.TrimSuffix(strings.ReplaceAll(text, "\x00", ""), "\n"), "")

		for _, r := range rules {
			if r.pattern.MatchString(command) && (r.unless == nil || !r.unless.MatchString(script)) {
				found = append(found, fmt.Sprintf("%d: %s: instead %s", line, r.name, r.instead))
			}
		}

		line += 1 + strings.Count(text, "\x00")
	}

	return found
}
