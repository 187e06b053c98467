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
	const (
		yes = true
		no  = false
	)

	type step struct {
		after   time.Duration // since the previous step
		acquire int           // number of calls, all of which return want
		want    bool
		release int // number of the oldest admitted deliveries to release afterwards
	}
	for name, steps := range map[string][]step{
		"a burst is admitted up to the limit": {
			{acquire: maxInFlight, want: yes},
			{acquire: 1, want: no},
			{release: 1},
			{acquire: 1, want: yes},
			{acquire: 1, want: no},
		},
		"a slow store": {
			{acquire: minInFlight + 1, want: yes},
			{after: time.Minute, release: 1},
			{acquire: 1, want: no},
			{release: 1},
			{acquire: 1, want: yes},
			{acquire: 1, want: no},
		},
		"a store that does not answer": {
			{acquire: 100, want: yes},
			{after: maxWait, acquire: 1, want: yes},
			{after: maxWait, acquire: 28 - 1, want: yes},
			{acquire: 1, want: no},
			{after: time.Minute, acquire: 1, want: no},
		},
		"a wait of twice the limit": {
			{acquire: 1, want: yes},
			{after: 2 * maxWait, release: 1},
			{acquire: maxInFlight / 2, want: yes},
			{acquire: 1, want: no},
		},
		"a store that has recovered": {
			{acquire: 100, want: yes},
			{after: time.Minute, release: 100},
			{acquire: minInFlight, want: yes},
			{acquire: 1, want: no},
			{after: time.Millisecond, release: 1},
			{acquire: maxInFlight - minInFlight + 1, want: yes},
			{acquire: 1, want: no},
		},
		"a burst after a long idle time": {
			{acquire: 1, want: yes},
			{after: time.Millisecond, release: 1},
			{after: time.Hour, acquire: maxInFlight, want: yes},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var (
				a        admission
				admitted []time.Time
			)

			at := now
			for i, s := range steps {
				at = at.Add(s.after)

				for n := range s.acquire {
					if got := a.acquire(at); got != s.want {
						t.Fatalf("step %d: acquire() number %d of %d = %t, want %t", i, n+1, s.acquire, got, s.want)
					}

					if s.want {
						admitted = append(admitted, at)
					}
				}

				for range s.release {
					a.release(at, admitted[0])
					admitted = admitted[1:]
				}
			}
		})
	}
}

// blockingInbox is an inbox that does not answer before the test lets it.
type blockingInbox struct {
	called  chan struct{}
	proceed chan struct{}
}

func (b *blockingInbox) Ingest(_ context.Context, events []store.Event) ([]bool, error) {
	b.called <- struct{}{}

	<-b.proceed

	return make([]bool, len(events)), nil
}

func TestLoadShedding(t *testing.T) {
	box := &blockingInbox{called: make(chan struct{}), proceed: make(chan struct{})}
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

	var admitted sync.WaitGroup

	for n := range maxInFlight {
		admitted.Go(func() {
			if code := post(n, true).Code; code != http.StatusOK {
				t.Errorf("a delivery below the limit is answered %d, want 200", code)
			}
		})
	}

	for range maxInFlight {
		<-box.called
	}

	refused := post(maxInFlight, true)
	if retryAfter := refused.Header().Get("Retry-After"); refused.Code != http.StatusServiceUnavailable || retryAfter == "" {
		t.Errorf("one more is answered %d with Retry-After %q, want 503 with a value", refused.Code, retryAfter)
	}

	if code := post(maxInFlight, false).Code; code != http.StatusUnauthorized {
		t.Errorf("an unsigned one is answered %d, want 401: admission comes after the signature check", code)
	}

	close(box.proceed)
	admitted.Wait()

	go func() { <-box.called }()

	if code := post(maxInFlight, true).Code; code != http.StatusOK {
		t.Errorf("a delivery after the load is answered %d, want 200", code)
	}
}
