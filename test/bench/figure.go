// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// figure is one line of the table. A name that starts with two spaces is indented under the figure before it.
type figure struct {
	name, measured string
	target         string // may be empty
	ratio          string // of the measured value to the target or to the base line
	verdict        string // a result of verdict, baseLine, or empty
}

// baseLine is the verdict of a figure to which others are compared.
const baseLine = "base line"

func verdict(met bool) string {
	if met {
		return "met"
	}

	return "missed"
}

// row is a figure in the results and in the table: name, measured value, target, ratio and verdict.
type row [5]string

var headings = row{"figure", "measured", "target", "ratio", "verdict"}

func (f figure) row() row { return row{f.name, f.measured, f.target, f.ratio, f.verdict} }

// writeTable writes rows as aligned columns, for a terminal.
func writeTable(w io.Writer, rows []row) error {
	columns := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range append([]row{headings}, rows...) {
		if _, err := fmt.Fprintln(columns, strings.Join(r[:], "\t")); err != nil {
			return err
		}
	}

	return columns.Flush()
}

func times(ratio float64) string { return fmt.Sprintf("%.2f", ratio) }

// thousands formats a number in groups of three digits.
func thousands(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}

	return digits
}

// short3 formats a duration with about three digits.
func short3(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return d.Round(100 * time.Nanosecond).String()
	case d < 10*time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	case d < time.Second:
		return d.Round(100 * time.Microsecond).String()
	default:
		return d.Round(10 * time.Millisecond).String()
	}
}
