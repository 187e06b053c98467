// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// FuzzEvents checks that every JSON body becomes events that the store accepts, each with a payload that can be decoded.
func FuzzEvents(f *testing.F) {
	files, err := filepath.Glob("../whatsapp/testdata/deliveries/*.json")
	if err != nil || len(files) == 0 {
		f.Fatalf("no deliveries: %v", err)
	}

	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}

		f.Add(body)
	}

	withSink := settings
	withSink.Notifications.SinkURL = "http://sink"
	withSink.CloudAPI.PhoneNumberIDs = nil

	f.Fuzz(func(t *testing.T, body []byte) {
		events, err := Events(t.Context(), body, withSink, now)
		if err != nil {
			return
		}

		for i := range events {
			if err := events[i].Validate(); err != nil {
				t.Fatal(err)
			}

			if _, err := whatsapp.Decode(events[i].Payload); err != nil {
				t.Fatal(err)
			}

			if takeover := events[i].Takeover; takeover != nil && (takeover.At.After(now) || events[i].Lane == "") {
				t.Fatalf("takeover %+v of lane %q", takeover, events[i].Lane)
			}
		}
	})
}
