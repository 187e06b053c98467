// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/jonboulle/clockwork"
)

func TestSampledHandler(t *testing.T) {
	var journal logBuffer

	clock := clockwork.NewFakeClock()
	log := slog.New(newSampledHandler(slog.NewTextHandler(&journal, nil), clock))

	for range 100 {
		log.Warn("refused", "n", 1)
		log.With("who", "x").WithGroup("g").Warn("refused", "n", 1)
	}

	log.Warn("something else")

	if got := journal.count("msg=refused"); got != sampleBurst {
		t.Errorf("%d of 200 records were logged, want %d", got, sampleBurst)
	}

	if journal.count("something else") != 1 {
		t.Error("one message suppresses another")
	}

	clock.Advance(sampleInterval)
	log.Warn("refused")
	log.Warn("refused")

	if got := journal.count("msg=refused"); got != sampleBurst+1 || journal.count("suppressed=195") != 1 {
		t.Errorf("%d records were logged, want one more with the number of suppressed ones:\n%s", got, journal.text.String())
	}
}

func TestErrorLogIsSampled(t *testing.T) {
	var journal logBuffer

	e := newEdge(&inbox{}, nil)
	e.Log = slog.New(newSampledHandler(slog.NewTextHandler(&journal, nil), e.Clock))

	for i := range 100 {
		e.ErrorLog().Printf("http: TLS handshake error from 192.0.2.1:%d: EOF", i)
	}

	if got := journal.count("TLS handshake error"); got != sampleBurst || strings.Contains(journal.text.String(), `\n`) {
		t.Errorf("%d lines were logged, want %d, each without a line break", got, sampleBurst)
	}
}
