// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package logsample

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/jonboulle/clockwork"
)

func TestRecordsOfOneMessageAreSampled(t *testing.T) {
	var journal strings.Builder

	clock := clockwork.NewFakeClock()
	log := slog.New(New(slog.NewTextHandler(&journal, nil), clock))

	for range 100 {
		log.Warn("refused", "n", 1)
		log.With("who", "x").WithGroup("g").Warn("refused", "n", 1)
	}

	log.Warn("something else")

	count := func(text string) int { return strings.Count(journal.String(), text) }

	if got := count("msg=refused"); got != Burst {
		t.Errorf("%d of 200 records were logged, want %d", got, Burst)
	}

	if count("something else") != 1 {
		t.Error("one message suppresses another")
	}

	clock.Advance(Interval)
	log.Warn("refused")
	log.Warn("refused")

	if got := count("msg=refused"); got != Burst+1 || count("suppressed=195") != 1 {
		t.Errorf("%d records were logged, want one more with the number of suppressed ones:\n%s", got, journal.String())
	}
}
