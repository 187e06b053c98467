// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

func TestAdmission(t *testing.T) {
	const in, out = true, false

	type step struct {
		after time.Duration // since the step before
		enter int           // so many that all are let in, or all but none
		let   bool
		leave int // so many of those that have been in for longest
	}
	for name, steps := range map[string][]step{
		"a burst is let in as far as there is room": {
			{enter: mostInHand, let: in}, {enter: 1, let: out}, {leave: 1}, {enter: 1, let: in}, {enter: 1, let: out},
		},
		"a store that answers late": {
			{enter: fewestInHand + 1, let: in},
			{after: longestWait + 1, leave: 1},
			{enter: 1, let: out},
			{leave: 1},
			{enter: 1, let: in},
			{enter: 1, let: out},
		},
		"a store that does not answer": {
			{enter: 100, let: in}, {after: longestWait, enter: 1, let: in}, {after: 1, enter: 1, let: out}, {
				after: time.Minute,
				enter: 1,
				let:   out,
			},
		},
		"a store that has recovered": {
			{enter: 100, let: in},
			{after: time.Minute, leave: 100},
			{enter: fewestInHand, let: in},
			{enter: 1, let: out},
			{after: time.Millisecond, leave: 1},
			{enter: mostInHand - fewestInHand + 1, let: in},
			{enter: 1, let: out},
		},
		"a long quiet time": {
			{enter: 1, let: in}, {after: time.Millisecond, leave: 1}, {after: time.Hour, enter: mostInHand, let: in},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var (
				a      admission
				inHand []time.Time
			)

			clock := now
			for i, s := range steps {
				clock = clock.Add(s.after)
				for n := range s.enter {
					if got := a.enter(clock); got != s.let {
						t.Fatalf("step %d: of %d the one with number %d is let in: %t, want %t", i, s.enter, n+1, got, s.let)
					}

					if s.let {
						inHand = append(inHand, clock)
					}
				}

				for range s.leave {
					a.leave(clock, inHand[0])
					inHand = inHand[1:]
				}
			}
		})
	}
}

// stalled is an inbox that does not answer before it is told to.
type stalled struct {
	asked chan struct{}
	goOn  chan struct{}
}

func (s *stalled) Ingest(_ context.Context, events []store.Event) ([]bool, error) {
	s.asked <- struct{}{}

	<-s.goOn

	return make([]bool, len(events)), nil
}

func TestDeliveriesBeyondThoseInHandArePutOff(t *testing.T) {
	box := &stalled{asked: make(chan struct{}), goOn: make(chan struct{})}
	e := newEdge(box, nil)
	post := func(n int, signed bool) *httptest.ResponseRecorder {
		body := fmt.Sprintf(`{"object":"whatsapp_business_account","entry":[{"id":"%d"}]}`, n)

		request := httptest.NewRequest(http.MethodPost, "/webhooks/whatsapp", strings.NewReader(body))
		if signed {
			request.Header.Set("X-Hub-Signature-256", sign("test_app_secret", body))
		}

		answer := httptest.NewRecorder()
		e.ServeHTTP(answer, request)

		return answer
	}

	var waiting sync.WaitGroup
	for n := range mostInHand {
		waiting.Go(func() {
			if code := post(n, true).Code; code != http.StatusOK {
				t.Errorf("a delivery that there was room for is answered %d, want 200", code)
			}
		})
	}

	for range mostInHand {
		<-box.asked
	}

	if refused := post(mostInHand, true); refused.Code != http.StatusServiceUnavailable || refused.Header().Get("Retry-After") == "" {
		t.Errorf("one more is answered %d with Retry-After %q, want 503 with it", refused.Code, refused.Header().Get("Retry-After"))
	}

	if code := post(mostInHand, false).Code; code != http.StatusUnauthorized {
		t.Errorf("one that is not signed is answered %d, want 401: room is asked for after that", code)
	}

	close(box.goOn)
	waiting.Wait()

	go func() { <-box.asked }()

	if code := post(mostInHand, true).Code; code != http.StatusOK {
		t.Errorf("one after them is answered %d, want 200", code)
	}
}
