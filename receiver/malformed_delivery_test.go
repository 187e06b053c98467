// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/pgtest"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// TestHostileJSON sends signed malformed deliveries to both stores. None of them stops the receiver, takes long, or is
// redelivered forever because of a 503.
func TestHostileJSON(t *testing.T) {
	server := pgtest.New(t, pgtest.Options{})

	user, err := server.NewUser()
	if err != nil {
		t.Fatal(err)
	}

	for engine, settings := range map[string]config.Store{"embedded": {}, "PostgreSQL": {PostgreSQL: &config.PostgreSQLStore{}}} {
		t.Run(engine, func(t *testing.T) {
			h := newHarness(t, func(c *config.Config) {
				if settings.PostgreSQL != nil {
					c.Store = settings
				}
			})
			h.writeSecret(config.RoleDatabaseURL, "0", user.URL)
			h.start()
			h.waitReady()

			message := func(rest string) string {
				return `{"object":"whatsapp_business_account","entry":[{"id":"7","changes":[{"field":"messages","value":{` +
					`"metadata":{"phone_number_id":"` + number + `"},"messages":[{"id":"` + standin.Wamid(rest) + `","from":"573001234567","type":"text",` + rest + `}]}}]}]}`
			}
			for name, tc := range map[string]struct {
				body   string
				status int
			}{
				"empty":                  {body: "", status: 400},
				"two values":             {body: "{} {}", status: 400},
				"100,000 levels":         {body: strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000), status: 400},
				"4 MiB of brackets":      {body: strings.Repeat("[", 4<<20), status: 400},
				"4 MiB of objects":       {body: strings.Repeat(`{"":`, 1<<20), status: 400},
				"10,000 levels":          {body: strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000), status: 200},
				"a deep text":            {body: message(`"text":` + strings.Repeat("[", 9_000) + strings.Repeat("]", 9_000)), status: 200},
				"a long key":             {body: message(`"` + strings.Repeat("k", 1<<20) + `":1`), status: 200},
				"a long id":              {body: strings.Replace(message(`"text":{"body":"long"}`), "573001234567", strings.Repeat("5", 1<<20), 1), status: 200},
				"a long type":            {body: message(`"type":"` + strings.Repeat("t", 1<<20) + `"`), status: 200},
				"a long list":            {body: message(`"text":[` + strings.Repeat("0,", 1<<18) + `0]`), status: 200},
				"100,000 messages":       {body: `{"object":"whatsapp_business_account","entry":[{"changes":[{"field":"messages","value":{"messages":[` + strings.Repeat("{},", 100_000) + `{}]}}]}]}`, status: 200},
				"numbers out of range":   {body: message(`"timestamp":1e999999999,"text":{"body":-1e-999999999}`), status: 200},
				"a long number":          {body: message(`"timestamp":` + strings.Repeat("9", 1<<20)), status: 200},
				"invalid UTF-8":          {body: message("\"text\":{\"body\":\"\xff\xfe\xc0\x80\"}"), status: 200},
				"invalid UTF-8 in an id": {body: strings.Replace(message(`"text":{"body":"x"}`), "573001234567", "57\xff\xfe", 1), status: 200},
				"half a surrogate pair":  {body: message(`"text":{"body":"\ud800"}`), status: 200},
				"NUL":                    {body: strings.Replace(message(`"type":"te\u0000xt","text":{"body":"\u0000"}`), "573001234567", `57\u0000`, 1), status: 200},
				"NUL in an id":           {body: strings.Replace(message(`"text":{"body":"NUL"}`), `"id":"wamid`, `"id":"\u0000wamid`, 1), status: 200},
				"a line break in an id":  {body: strings.Replace(message(`"text":{"body":"CR"}`), `"id":"wamid`, `"id":"\r\nwamid`, 1), status: 200},
				"duplicate keys":         {body: message(`"text":{"body":"a"},"text":{"body":"b"},"id":"` + standin.Wamid("twice") + `"`), status: 200},
			} {
				t.Run(name, func(t *testing.T) {
					h.t = t
					began := time.Now()

					h.deliver(tc.status, []byte(tc.body))

					if took := time.Since(began); took > waitLimit/2 {
						t.Errorf("took %v", took)
					}

					forged, _, err := standin.Deliver(t.Context(), h.client, h.Local.WebhookURL(), "guess", []byte(tc.body))
					if err != nil || forged != http.StatusUnauthorized {
						t.Errorf("forged: answered %d, %v, want 401 before parsing", forged, err)
					}
				})
			}

			h.t = t
			h.deliver(http.StatusOK, textDelivery("573009999999", standin.Wamid("valid"), "hello"))
			h.waitFor("the valid message is answered", func() bool {
				record, err := h.Local.Store().Get(t.Context(), store.NewID(store.KindMessage, number, standin.Wamid("valid")))
				return err == nil && record.Event.State == store.Done
			})
			h.waitIdle()
		})
	}
}
