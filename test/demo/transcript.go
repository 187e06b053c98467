// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"
)

func line(format string, args ...any) {
	fmt.Printf(format+"\n", args...)
}

func title(text string) {
	fmt.Printf("\n%s\n%s\n", text, strings.Repeat("-", len(text)))
}

// check tells whether something is as it should be, and what it is instead where it is not.
func (s *scene) check(ok bool, want, got string) {
	if ok {
		line("  ok          %s", want)
		return
	}

	s.failed++

	line("  FAILED      %s: %s", want, got)
}

// answered checks the HTTP status that the receiver answered with.
func (s *scene) answered(what string, got, want int, err error) {
	line("  %-11s %s: answered %d", "Meta", what, got)

	if err != nil || got != want {
		s.check(false, fmt.Sprintf("answered %d", want), fmt.Sprintf("%d, error %v", got, err))
	}
}

func (s *scene) sum() {
	if s.failed > 0 {
		line("\n%d checks FAILED", s.failed)
		return
	}

	line("\nAll went as it should.")
}
