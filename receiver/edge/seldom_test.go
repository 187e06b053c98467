// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := &journal{}

		log := slog.New(newSeldom(slog.NewTextHandler(told, nil)))
		for range 100 {
			log.Warn("refused", "n", 1)
			log.With("who", "x").WithGroup("g").Warn("refused", "n", 1)
		}

		log.Warn("something else")

		if got := told.count("msg=refused"); got != tellFirst {
			t.Errorf("told %d times of 200, want %d", got, tellFirst)
		}

		if told.count("something else") != 1 {
			t.Error("one message keeps another from being told")
		}

		<-time.After(tellEvery)
		log.Warn("refused")
		log.Warn("refused")

		if got := told.count("msg=refused"); got != tellFirst+1 || told.count("left_out=195") != 1 {
			t.Errorf("later told %d times, want once more with what was left out:\n%s", got, told.text.String())
		}
	})
}

// The lines of a server name the client's address, so they are attributes: else each would be a message of its own.
func TestServerLogIsSeldomToo(t *testing.T) {
	told := &journal{}
	e := newEdge(&inbox{}, nil)

	e.Log = slog.New(newSeldom(slog.NewTextHandler(told, nil)))
	for i := range 100 {
		e.ErrorLog().Printf("http: TLS handshake error from 192.0.2.1:%d: EOF", i)
	}

	if got := told.count("TLS handshake error"); got != tellFirst || strings.Contains(told.text.String(), `\n`) {
		t.Errorf("told %d times, want %d, each on one line", got, tellFirst)
	}
}
