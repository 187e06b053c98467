// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package consoleapi

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// TestStatusesComeAfterTheirSend sends a message and gets its statuses in the next seconds. Meta's times are in seconds, and
// begin before the send.
func TestStatusesComeAfterTheirSend(t *testing.T) {
	second := now.Truncate(time.Second)
	at := func(milliseconds int) time.Time { return second.Add(time.Duration(milliseconds) * time.Millisecond) }
	status := func(name string, reported, received time.Time) store.Record {
		return store.Record{Work: store.Work{Event: store.Event{
			Kind:       store.KindStatus,
			Type:       name,
			ReceivedAt: received,
			Payload: fmt.Appendf(nil, `{"part":"status","field":"messages","raw":{"id":"wamid.1","status":%q,"timestamp":"%d"}}`,
				name, reported.Unix()),
		}}}
	}

	detail := &store.EventDetail{Record: store.Record{Work: store.Work{
		Event: store.Event{
			Kind:       store.KindMessage,
			ReceivedAt: at(200),
			State:      store.Done,
		},
		Replies: []store.Reply{{MessageID: "wamid.1", StartedAt: at(234)}},
	}}}

	var got []string

	for _, step := range steps(detail, []store.Record{
		status("sent", second, at(442)),
		status("delivered", second, at(1100)),
		status("read", second, at(1749)),
		status("played", second.Add(time.Hour), at(5000)), // Meta's clock is ahead
	}) {
		got = append(got, fmt.Sprint(step.Step, step.Status, " ", step.At.Sub(second).Milliseconds()))
	}

	want := []string{"received 200", "send_started 234", "statussent 442", "statusdelivered 999", "statusread 999", "statusplayed 5000"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
}
