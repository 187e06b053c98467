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
	p     *Printer
	now   func() time.Time
	shown time.Time
	drawn bool
}

// Progress returns a progress that shows nothing yet.
func (p *Printer) Progress() *Progress {
	return &Progress{
		p:     p,
		now:   time.Now,
		shown: time.Now(), // work that ends soon shows nothing where lines stay
	}
}

// Update shows a state of the work, unless the last one is too recent.
func (g *Progress) Update(format string, args ...any) {
	interval := report
	if g.p.errTerminal {
		interval = redraw
	}

	if g.now().Sub(g.shown) < interval {
		return
	}

	g.shown = g.now()
	text := CleanLine(fmt.Sprintf(format, args...))

	if !g.p.errTerminal {
		fmt.Fprintln(g.p.Err, text)
		return
	}

	g.drawn = true

	fmt.Fprintf(g.p.Err, "\r\x1b[K%s", text)
}

// End removes the line from a terminal.
func (g *Progress) End() {
	if g.drawn {
		fmt.Fprint(g.p.Err, "\r\x1b[K")
	}

	g.drawn = false
}
