// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// By the statistics, reading the newest events of all lanes would soon find enough of a person who writes many of them. If
// the person wrote none of late, that would read the entire table.
func TestHistoryOfABusyPersonIsReadByIndex(t *testing.T) {
	user, err := server.NewUser()
	if err != nil {
		t.Fatal(err)
	}

	if err := openStore(t, Access{URL: user.URL}).Ping(t.Context()); err != nil {
		t.Fatal(err)
	}

	server.Exec(t, "SET search_path = "+user.Name+`;
		INSERT INTO events (seq, id, kind, type, state, class, lane, phone_number_id, received_at, finished_at)
		SELECT n, gen_random_uuid(), 'message', 'text', CASE n % 2 WHEN 0 THEN 'done' ELSE 'pending' END, 0, 'person ' || abs(hashint4(n)) % 5, '', 1, n
		FROM generate_series(1, 20000) n;
		ANALYZE events`)

	c, err := pgx.Connect(t.Context(), user.URL)
	if err != nil {
		t.Fatal(err)
	}

	defer func() {
		if err := c.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}()

	var out []byte

	err = c.QueryRow(t.Context(), "EXPLAIN (FORMAT JSON) "+conversationHistory, "person 1", int64(math.MaxInt64), 20, int64(0)).Scan(&out)
	if err != nil {
		t.Fatal(err)
	}

	var explained []struct{ Plan plan }
	if err := json.Unmarshal(out, &explained); err != nil {
		t.Fatal(err)
	}

	for _, index := range []string{"events_history", "events_head"} {
		if !strings.Contains(string(out), `"`+index+`"`) {
			t.Errorf("%s is not used\n%s", index, out)
		}
	}

	scans := slices.DeleteFunc(explained[0].Plan.scans(), func(scan string) bool { return !strings.Contains(scan, " events ") })
	if len(scans) > 0 {
		t.Errorf("%q\n%s", scans, out)
	}
}
