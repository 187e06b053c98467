// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// Another receiver, whose clock is ahead, sets a time of later whenever it works. A trigger plays it.
func TestRepairClockEndsBesideAClockThatIsAhead(t *testing.T) {
	user, err := server.NewUser()
	if err != nil {
		t.Fatal(err)
	}

	s := openStore(t, Access{URL: user.URL})

	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}

	server.Exec(t, "SET search_path = "+user.Name+`;
		CREATE FUNCTION set_ahead() RETURNS trigger LANGUAGE plpgsql AS
			'BEGIN NEW.last_inbound_at := 253402300799000; RETURN NEW; END';
		CREATE TRIGGER ahead BEFORE UPDATE ON conversations FOR EACH ROW EXECUTE FUNCTION set_ahead();`)

	if _, err := s.Ingest(t.Context(), []store.Event{message(1, 1)}); err != nil {
		t.Fatal(err)
	}

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()

	if err := s.RepairClock(ctx, start); err != nil {
		t.Errorf("RepairClock returned %v, want that it ends", err)
	}
}
