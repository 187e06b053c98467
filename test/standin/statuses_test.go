// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
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
