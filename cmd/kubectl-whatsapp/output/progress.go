// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package output

import (
	"fmt"
	"time"
)

const (
	// redraw is the shortest time between two states of a progress on a terminal, and report that between two lines
	// elsewhere, such as in the log of a CI.
	redraw = 100 * time.Millisecond
	report = 10 * time.Second
)

// Progress shows how far long work is, on standard error: on a terminal in one line that is drawn again, elsewhere as a line
// every ten seconds. Its methods are not safe for concurrent use.
type Progress struct {
	printer *Printer
	now     func() time.Time
	shown   time.Time
	drawn   bool
}

// Progress returns a progress that shows nothing yet.
func (p *Printer) Progress() *Progress {
	return &Progress{
		printer: p,
		now:     time.Now,
		shown:   time.Now(), // work that ends soon shows nothing where lines stay
	}
}

// Update shows a state of the work, unless the last one is too recent.
func (p *Progress) Update(format string, args ...any) {
	interval := report
	if p.printer.errDraws {
		interval = redraw
	}

	if p.now().Sub(p.shown) < interval {
		return
	}

	p.shown = p.now()
	text := CleanLine(fmt.Sprintf(format, args...))

	if !p.printer.errDraws {
		fmt.Fprintln(p.printer.Err, text)
		return
	}

	p.drawn = true

	fmt.Fprintf(p.printer.Err, "\r\x1b[K%s", text)
}

// End removes the line from a terminal.
func (p *Progress) End() {
	if p.drawn {
		fmt.Fprint(p.printer.Err, "\r\x1b[K")
	}

	p.drawn = false
}
