// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import "bytes"

// logEnd keeps the last maxFile bytes that are written to it. It holds at most twice as many.
type logEnd struct {
	kept []byte
	cut  bool // bytes before kept were dropped
}

// Write implements io.Writer. It never fails.
func (e *logEnd) Write(p []byte) (int, error) {
	n := len(p)
	if n > maxFile {
		p = p[n-maxFile:]

		e.drop(len(e.kept))
		e.cut = true
	}

	if len(e.kept)+len(p) > 2*maxFile {
		e.drop(len(e.kept) + len(p) - maxFile)
	}

	e.kept = append(e.kept, p...)

	return n, nil
}

// drop forgets the first n bytes.
func (e *logEnd) drop(n int) {
	if n == 0 {
		return
	}

	e.kept = e.kept[:copy(e.kept, e.kept[n:])]
	e.cut = true
}

// lines returns the last lines of at most maxFile bytes, and reports whether lines before them are missing. A line whose
// beginning is missing is left out: masking cannot recognize half of a token or of a phone number.
func (e *logEnd) lines() (text []byte, cut bool) {
	e.drop(max(0, len(e.kept)-maxFile))

	if !e.cut {
		return e.kept, false
	}

	_, whole, _ := bytes.Cut(e.kept, []byte("\n"))

	return whole, true
}
