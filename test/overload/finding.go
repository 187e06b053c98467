// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// finding is one line of the table.
type finding struct {
	what, measured string
	wanted         string // empty for information
	broken         bool
}

// info returns a finding without a verdict.
func info(what, format string, args ...any) finding {
	return finding{what: what, measured: fmt.Sprintf(format, args...)}
}

// check returns a finding that has to hold.
func check(what, measured, wanted string, holds bool) finding {
	return finding{
		what:     what,
		measured: measured,
		wanted:   wanted,
		broken:   !holds,
	}
}

// zero returns a finding whose count has to be zero.
func zero(what string, count int) finding {
	return check(what, fmt.Sprint(count), "0", count == 0)
}

func allHold(findings []finding) bool {
	for _, f := range findings {
		if f.broken {
			return false
		}
	}

	return true
}

func writeTable(w io.Writer, findings []finding) error {
	columns := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, f := range findings {
		verdict := ""
		switch {
		case f.broken:
			verdict = "BROKEN"
		case f.wanted != "":
			verdict = "holds"
		}

		if _, err := fmt.Fprintf(columns, "  %s\t%s\t%s\t%s\n", f.what, f.measured, f.wanted, verdict); err != nil {
			return err
		}
	}

	return columns.Flush()
}

func short(d time.Duration) string {
	if d < 10*time.Millisecond {
		return d.Round(10 * time.Microsecond).String()
	}

	return d.Round(time.Millisecond).String()
}

// audited returns the findings at the end of every scenario.
func audited(s *subject, a audit) []finding {
	return []finding{
		info("messages answered 200", "%d", a.acknowledged),
		zero("  not in the store", a.lost),
		zero("  not processed", a.unprocessed),
		zero("  without an answer to the sender", a.unanswered),
		zero("answers sent twice", a.duplicates),
		info("warnings and errors in the receiver's log", "%d lines", s.warnings.Load()),
	}
}
