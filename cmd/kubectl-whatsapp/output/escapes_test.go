// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package output

import (
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
)

// TestDumbTerminal checks that a terminal without escape sequences, such as that of an editor, gets none: neither colors nor what is
// drawn again.
func TestDumbTerminal(t *testing.T) {
	screen, terminal, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() {
		terminal.Close()
		screen.Close()
	})

	p := New(Settings{
		In:   terminal,
		Out:  terminal,
		Err:  terminal,
		Dumb: true,
	})
	if p.Interactive() {
		t.Error("results may be drawn again")
	}

	now := time.Now()
	progress := p.Progress()
	progress.now = func() time.Time { return now.Add(time.Hour) }

	progress.Update("%s", p.Paint(Bad, "copied"))
	progress.End()
	p.Warn("end")

	if got := waitFor(t, screen, "end"); strings.ContainsAny(got, "\x1b") || !strings.Contains(got, "copied\r\n") {
		t.Errorf("the terminal shows %q", got)
	}
}
