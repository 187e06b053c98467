// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestStatusPosterDeliversInOrder(t *testing.T) {
	hook := newInbox()
	url, client := start(t, hook)
	poster := NewStatusPoster(client, url, "s", "sent", "delivered")
	graph := NewGraph(GraphOptions{StatusSink: poster.Sink})
	graphURL, graphClient := start(t, graph)

	ctx, cancel := context.WithCancel(t.Context())

	var running sync.WaitGroup

	running.Go(func() { poster.Run(ctx) })
	defer running.Wait()
	defer cancel()

	hook.Faults.Add(Fault{Status: 503, Times: 1})

	for range 2 {
		do(t, graphClient, request(t, http.MethodPost, graphURL+"/v27.0/"+testNumber+"/messages",
			message(`"text":{"body":"hi"},"biz_opaque_callback_data":"e1"`), "Authorization", "Bearer t"))
	}

	if err := hook.effects.WaitTotal(t.Context(), 3); err != nil {
		t.Fatal(err)
	}

	bodies := hook.effects.All()
	for i, want := range []string{"delivered", "sent", "delivered"} {
		for _, part := range []string{want, "e1", "573001234567"} {
			if !strings.Contains(bodies[i], `"`+part+`"`) {
				t.Errorf("status %d is %s, want %s", i, bodies[i], want)
			}
		}
	}

	cancel()
	running.Wait()

	if posted, failed, dropped := poster.Counts(); posted < 2 || failed < 1 || dropped != 0 {
		t.Errorf("posted %d, failed %d, dropped %d", posted, failed, dropped)
	}

	for range maxPendingStatuses + 1 {
		poster.Sink(SentMessage{})
	}

	if _, _, dropped := poster.Counts(); dropped != 1 {
		t.Errorf("dropped %d, want 1", dropped)
	}
}

// TestStatusesSayThePrice compares the pricing of each status that is posted for a message.
func TestStatusesSayThePrice(t *testing.T) {
	all := []string{"sent", "delivered", "read"}

	for name, tc := range map[string]struct {
		message  SentMessage
		statuses []string
		want     []string // category of each status, empty without pricing
	}{
		"text":            {SentMessage{To: "573001234567", Type: "text"}, all, []string{"service", "service", ""}},
		"read at once":    {SentMessage{To: "573001234567", Type: "text"}, []string{"sent", "read"}, []string{"service", "service"}},
		"played":          {SentMessage{Recipient: "US.1", Type: "audio"}, []string{"delivered", "played"}, []string{"service", ""}},
		"template":        {SentMessage{To: "573001234567", Type: "template"}, all, []string{"utility", "utility", ""}},
		"text to a group": {SentMessage{To: "Z3JvdXA", Group: true, Type: "text"}, all[:1], []string{"group_service", "group_service"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string

			for _, status := range tc.message.Statuses(tc.statuses, time.Unix(1_700_000_000, 0)) {
				body := status.Delivery()

				var delivery struct {
					Entry []struct {
						Changes []struct {
							Value struct{ Statuses []struct{ Pricing Pricing } }
						}
					}
				}
				if err := json.Unmarshal(body, &delivery); err != nil {
					t.Fatal(err)
				}

				for _, status := range delivery.Entry[0].Changes[0].Value.Statuses {
					got = append(got, status.Pricing.Category)

					if status.Pricing.Category != "" && !status.Pricing.Billable {
						t.Errorf("a status says that the message is not billed: %s", body)
					}
				}
			}

			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("categories (-want +got):\n%s", diff)
			}
		})
	}
}

// TestFailureIsPostedAsStatus lets a message fail after it was accepted, as outside of the 24-hour window.
func TestFailureIsPostedAsStatus(t *testing.T) {
	hook := newInbox()
	url, client := start(t, hook)
	poster := NewStatusPoster(client, url, "s", "sent", "delivered")

	ctx, cancel := context.WithCancel(t.Context())

	var running sync.WaitGroup

	running.Go(func() { poster.Run(ctx) })
	defer running.Wait()
	defer cancel()

	poster.Sink(SentMessage{To: "573001234567", Type: "text", Failure: 131047})
	poster.Sink(SentMessage{To: "573001234567", Type: "text"})

	if err := hook.effects.WaitTotal(t.Context(), 3); err != nil {
		t.Fatal(err)
	}

	for i, want := range []string{`"code":131047`, `"status":"sent"`, `"status":"delivered"`} {
		if body := hook.effects.All()[i]; !strings.Contains(body, want) {
			t.Errorf("status %d is %s, want %s", i, body, want)
		}
	}
}
