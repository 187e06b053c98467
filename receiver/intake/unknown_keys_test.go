// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"fmt"
	"strings"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// TestUnknownKeys puts a key that Meta may add one day at each level of a delivery. No notice says what people wrote or who
// they are, and what they wrote is stored once.
func TestUnknownKeys(t *testing.T) {
	const (
		added  = `"added":{"text":"SECRET NEW","wa_id":"573001234567"},`
		person = "573001234567"
	)

	for name, level := range map[string]string{
		"delivery": "1", "entry": "2", "change": "3", "value": "4", "metadata": "5", "contact": "6", "profile": "7", "message": "8",
		"content": "9", "status": "a", "error": "b",
	} {
		t.Run(name, func(t *testing.T) {
			at := func(here string) string {
				if here == level {
					return added
				}

				return ""
			}

			body := fmt.Sprintf(`{%s"object":"whatsapp_business_account","entry":[{%s"id":"7","changes":[{%s"field":"messages","value":{%s`+
				`"metadata":{%s"phone_number_id":"42"},`+
				`"contacts":[{%s"wa_id":%q,"profile":{%s"name":"SECRET NAME"}}],`+
				`"messages":[{%s"id":"wamid.1","from":%q,"type":"text","text":{%s"body":"SECRET TEXT"}}],`+
				`"statuses":[{%s"id":"wamid.2","status":"read","recipient_id":%q}],`+
				`"errors":[{%s"code":131000}]}}]}]}`,
				at("1"), at("2"), at("3"), at("4"), at("5"), at("6"), person, at("7"), at("8"), person, at("9"), at("a"), person, at("b"))

			withSink := settings
			withSink.Notifications.SinkURL = "http://sink"

			events, err := Events(t.Context(), []byte(body), withSink, now)
			if err != nil {
				t.Fatal(err)
			}

			var stored strings.Builder

			kinds := map[store.Kind]int{}

			for _, event := range events {
				kinds[event.Kind]++

				if event.Kind != store.KindNotice {
					stored.Write(event.Payload)
					continue
				}

				if payload := string(event.Payload); strings.Contains(payload, "SECRET") || strings.Contains(payload, person) {
					t.Errorf("a notice says what people wrote, or who they are: %s", payload)
				}
			}

			if kinds[store.KindNotice] == 0 || kinds[store.KindMessage] != 1 || kinds[store.KindStatus] != 1 || kinds[store.KindError] != 1 {
				t.Errorf("stored %v, want a message, a status, an error and notices", kinds)
			}

			if n := strings.Count(stored.String(), "SECRET TEXT"); n != 1 {
				t.Errorf("the text is stored %d times, want once", n)
			}

			if n := strings.Count(stored.String(), "SECRET NEW"); n > 1 {
				t.Errorf("the added key is stored %d times, want at most once", n)
			}
		})
	}
}
