// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/handoff"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/postgres"
	"github.com/wawebhook/whatsapp-webhook-operator/test/pgtest"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// TestProblemEndsWithTheCallOfAnotherReceiver lets two receivers of a store meet a refusal with one message. Only one
// receiver makes the call that shows that the problem is fixed.
func TestProblemEndsWithTheCallOfAnotherReceiver(t *testing.T) {
	user, err := pgtest.New(t, pgtest.Options{}).NewUser()
	if err != nil {
		t.Fatal(err)
	}

	f := newFixture(t, nil)

	for name, tc := range map[string]struct {
		fault  standin.Fault
		faults *standin.Faults
	}{
		"refused token": {standin.GraphError(190, "", 0), f.graph.Faults},
		"refused key":   {standin.Fault{Status: 401}, f.bird.Faults},
	} {
		t.Run(name, func(t *testing.T) {
			c := f.parts.Live.Current().Config
			c.Store = config.Store{PostgreSQL: &config.PostgreSQLStore{}}
			c.Processing.ConfigurationRetry = 300 * time.Millisecond
			live := config.Fixed(c, f.parts.Live.Current().Secrets)

			fault := tc.faults.Add(tc.fault)
			sent := len(f.graph.Sent())

			var engines []*Engine

			for range 2 {
				inbox := postgres.Open(func() postgres.Access { return postgres.Access{URL: user.URL} }, postgres.Options{})

				t.Cleanup(func() {
					if err := inbox.Close(); err != nil {
						t.Error(err)
					}
				})

				replica := *f
				replica.parts.Store = inbox
				replica.parts.Live = live
				replica.start(t)

				engines = append(engines, replica.engine)
				f.parts.Store = inbox
			}

			f.ingest(t, "573001234567", standin.Wamid(name))
			f.waitFor(t, "the problem of both", func() bool {
				return len(engines[0].Problems()) > 0 && len(engines[1].Problems()) > 0
			})

			tc.faults.Remove(fault)
			f.waitFor(t, "the answer", func() bool { return len(f.graph.Sent()) > sent })

			for n, e := range engines {
				f.waitFor(t, "the end of the problem", func() bool { return len(e.Problems()) == 0 && len(e.Closed()) == 0 })

				if state := e.Token(); state == health.TokenRefused {
					t.Errorf("the token of receiver %d is %s", n, state)
				}
			}
		})
	}
}

// TestProblemEndsWithNewAuthorities replaces the authorities by which each peer is trusted. The text of the failure asks for it.
func TestProblemEndsWithNewAuthorities(t *testing.T) {
	for op, change := range map[string]func(*config.Secrets){
		opSend:       func(s *config.Secrets) { s.MetaCA = "new" },
		opNotice:     func(s *config.Secrets) { s.SinkCA = "new" },
		handoff.Op:   func(s *config.Secrets) { s.HandoffCA = "new" },
		"ask the AI": func(s *config.Secrets) { s.AICA = "new" },
	} {
		before := config.Fixed(config.Config{}, config.Secrets{}).Current()

		var secrets config.Secrets

		change(&secrets)

		after := config.Fixed(config.Config{}, secrets).Current()
		if !settingsChanged(op, before, after) || settingsChanged(op, after, after) {
			t.Errorf("%s: new authorities are not a change of its settings, or the same ones are", op)
		}
	}
}
