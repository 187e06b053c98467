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
	wanted         string // empty for what is only told
	broken         bool
}

func told(what, format string, args ...any) finding {
	return finding{what: what, measured: fmt.Sprintf(format, args...)}
}

func held(what, measured, wanted string, holds bool) finding {
	return finding{
		what:     what,
		measured: measured,
		wanted:   wanted,
		broken:   !holds,
	}
}

// none is a finding that there is none of something.
func none(what string, count int) finding {
	return held(what, fmt.Sprint(count), "0", count == 0)
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

// audited are the findings that every scenario ends with.
func audited(p *place, a audit) []finding {
	return []finding{
		told("messages answered 200", "%d", a.acknowledged),
		none("  of them not in the store", a.lost),
		none("  not worked to the end", a.unworked),
		none("  without an answer for the person", a.unanswered),
		none("answers given twice", a.twice),
		told("warnings and errors in the receiver's log", "%d lines", p.complaints.Load()),
	}
}
