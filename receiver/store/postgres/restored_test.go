// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
)

// A dump that goes on ends a command that needs a migration, with what a person can do.
func TestMigrationOfACommandDuringALongDump(t *testing.T) {
	user, err := server.NewUser()
	if err != nil {
		t.Fatal(err)
	}

	access := Access{URL: user.URL}
	if err := openAs(t, access, 11); err != nil {
		t.Fatal(err)
	}

	dump := connectTo(t, access)

	for _, statement := range []string{"BEGIN", "LOCK TABLE events IN ACCESS SHARE MODE"} {
		if _, err := dump.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}

	var (
		clock   = clockwork.NewFakeClockAt(time.Now())
		reasons []string
	)

	err = MigrateStopped(t.Context(), access, TransferOptions{
		Clock: clock,
		Waiting: func(reason string) {
			reasons = append(reasons, reason)

			clock.Advance(migrateTimeout)
		},
	})
	if err == nil || !strings.Contains(err.Error(), "end it, and run the command again") || strings.Contains(err.Error(), "is tried again") {
		t.Errorf("MigrateStopped returned %v, want what to do about the dump", err)
	}

	if len(reasons) != 1 || !strings.Contains(reasons[0], "such as a dump, and is tried again") {
		t.Errorf("reported %q, want that the command waits for the dump", reasons)
	}
}
