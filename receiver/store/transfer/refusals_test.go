// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package transfer_test

import (
	"bytes"
	"database/sql"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/transfer"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func message(name string) store.Event {
	return store.Event{
		ID:            store.NewID(store.KindMessage, name),
		Kind:          store.KindMessage,
		Type:          "text",
		State:         store.Pending,
		Class:         store.Conversations,
		Lane:          "lane of " + name,
		PhoneNumberID: "1065",
		Payload:       []byte(`{}`),
		ReceivedAt:    now,
	}
}

// fill stores a message, and closes the store unless it is kept open for the test.
func fill(t *testing.T, p place, name string, keep bool) store.Store {
	t.Helper()

	s, err := p.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	if _, err := s.Ingest(t.Context(), []store.Event{message(name)}); err != nil {
		t.Error(err)
	}

	if keep {
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})

		return s
	}

	closeStore(t, p, s)

	return s
}

// change runs a statement that both engines know.
func change(t *testing.T, p place, statement string) {
	t.Helper()

	if p.url != "" {
		err := withDatabase(t.Context(), p, func(c *pgx.Conn) error {
			_, err := c.Exec(t.Context(), statement)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}

		return
	}

	db, err := sql.Open("sqlite", p.file)
	if err != nil {
		t.Fatal(err)
	}

	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Error(err)
	}

	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestRefusals checks what a move refuses, in both directions, and that nothing is changed then.
func TestRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		prepare  func(t *testing.T, from, to place)
		want     error  // nil if the text says enough
		text     string // of the error
		moved    int64  // events in the target that were there
		embedded bool   // refused by the embedded store only
		database bool   // refused by the database only
	}{
		"target with events": {
			prepare: func(t *testing.T, from, to place) {
				fill(t, from, "a", false)
				fill(t, to, "b", false)
			},
			want:  transfer.ErrNotEmpty,
			text:  "it holds events or conversations",
			moved: 1,
		},
		"source in use": {
			prepare: func(t *testing.T, from, _ place) { fill(t, from, "a", true) },
			want:    transfer.ErrInUse,
			text:    "stop",
		},
		"target in use": {
			prepare: func(t *testing.T, from, to place) {
				fill(t, from, "a", false)

				s, err := to.open(t.Context())
				if err != nil {
					t.Fatal(err)
				}

				t.Cleanup(func() { _ = s.Close() })

				if _, err := s.Stats(t.Context(), now); err != nil {
					t.Error(err)
				}
			},
			want: transfer.ErrInUse,
			text: "stop",
		},
		"source with leases": {
			prepare: func(t *testing.T, from, _ place) {
				s := fill(t, from, "a", true)

				if _, err := s.Claim(t.Context(), store.Conversations, now, now.Add(time.Minute), 1); err != nil {
					t.Error(err)
				}

				closeStore(t, from, s)
			},
			want:     transfer.ErrInUse,
			text:     "it holds leases until 2026-03-01T12:01:00Z",
			database: true,
		},
		"source with an older schema": {
			prepare: func(t *testing.T, from, _ place) {
				fill(t, from, "a", false)
				change(t, from, "DELETE FROM goose_db_version WHERE version_id = (SELECT max(version_id) FROM goose_db_version)")
			},
			text: "on a store that was restored from a snapshot or a dump, run end-pending",
		},
		"source with a newer schema": {
			prepare: func(t *testing.T, from, _ place) {
				fill(t, from, "a", false)
				change(t, from, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, true)")
			},
			text: "has version 999, and this program supports",
		},
		"target with a newer schema": {
			prepare: func(t *testing.T, from, to place) {
				fill(t, from, "a", false)
				migrate(t, to)
				change(t, to, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, true)")
			},
			text: "has version 999, and this program supports",
		},
		"source that is not a store": {
			prepare: func(t *testing.T, from, _ place) { change(t, from, "CREATE TABLE other (n INTEGER)") },
			text:    "read the version of the schema, which every store of a receiver has",
		},
		"source that does not exist": {
			prepare:  func(*testing.T, place, place) {},
			want:     os.ErrNotExist,
			embedded: true,
		},
	} {
		for direction, fromFile := range map[string]bool{"to PostgreSQL": true, "to a file": false} {
			if c.database && fromFile || c.embedded && !fromFile {
				continue
			}

			t.Run(name+", "+direction, func(t *testing.T) {
				from := newFile(t.TempDir())

				to, err := newDatabase()
				if err != nil {
					t.Fatal(err)
				}

				if !fromFile {
					from, to = to, from
				}

				c.prepare(t, from, to)

				_, err = move(t.Context(), from, to, now)
				if err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
					t.Fatalf("the move returned %v, want %v with %q", err, c.want, c.text)
				}

				if c.moved > 0 {
					rows, err := dump(t.Context(), to)
					if err != nil || int64(len(rows["events"])) != c.moved {
						t.Errorf("the target has %v, %v, want %d events", rows["events"], err, c.moved)
					}
				}
			})
		}
	}
}

// TestInterruptedMove interrupts a move and begins it again. The target stays empty until a move is complete.
func TestInterruptedMove(t *testing.T) {
	for name, open := range map[string]func() (place, error){
		"to a file":     func() (place, error) { return newFile(t.TempDir()), nil },
		"to PostgreSQL": newDatabase,
	} {
		t.Run(name, func(t *testing.T) {
			to, err := open()
			if err != nil {
				t.Fatal(err)
			}

			rows := everyValue()
			broken := everyValue()
			broken["pauses"][1] = broken["pauses"][1][1:]

			if err := load(t.Context(), to, broken); err == nil {
				t.Fatal("rows without a column were moved")
			}

			migrate(t, to)

			if got, err := dump(t.Context(), to); err != nil || len(got) != 0 {
				t.Errorf("after the interrupted move the store holds %v, %v", got, err)
			}

			if err := load(t.Context(), to, rows); err != nil {
				t.Fatal(err)
			}

			got, err := dump(t.Context(), to)
			if err != nil {
				t.Fatal(err)
			}

			if diff := cmp.Diff(rows, got); diff != "" {
				t.Errorf("after the second move (-want +got):\n%s", diff)
			}
		})
	}
}

// A copy of the files is what a killed receiver leaves behind: its last transactions are only in the log of the database.
func TestKilledReceiver(t *testing.T) {
	running := newFile(t.TempDir())
	s := fill(t, running, "a", true)

	if _, err := s.Claim(t.Context(), store.Conversations, now, now.AddDate(0, 0, 1), 1); err != nil {
		t.Fatal(err)
	}

	killed := newFile(t.TempDir())

	for _, suffix := range []string{"", "-wal"} {
		content, err := os.ReadFile(running.file + suffix)
		if err != nil {
			t.Fatal(err)
		}

		if err := os.WriteFile(killed.file+suffix, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}

	before, err := os.ReadFile(killed.file)
	if err != nil {
		t.Fatal(err)
	}

	to, err := newDatabase()
	if err != nil {
		t.Fatal(err)
	}

	if _, err := move(t.Context(), killed, to, now); err != nil {
		t.Fatal(err)
	}

	if after, err := os.ReadFile(killed.file); err != nil || !bytes.Equal(after, before) {
		t.Errorf("the source was changed: %v", err)
	}

	moved, err := to.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	leases, err := moved.Claim(t.Context(), store.Conversations, now, now.Add(time.Minute), 1)
	if err != nil || len(leases) != 1 || leases[0].Work.Starts != 2 {
		t.Errorf("Claim returned %v, %v, want the message for the second time", leases, err)
	}

	closeStore(t, to, moved)
}
