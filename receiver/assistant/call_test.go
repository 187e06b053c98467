// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package assistant

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/httpclient"
)

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// shrinking returns a call that has a smaller form for each refusal.
func shrinking() *Call {
	return &Call{
		BaseURL:   "http://ai.example.com",
		Header:    http.Header{},
		Content:   NewJSON([]byte("{}")).Open,
		Length:    2,
		Timeout:   time.Minute,
		Anonymous: true,
		Smaller:   func(*httpclient.Response) *Call { return shrinking() },
	}
}

// TestSmallerFormsAreBounded checks that neither a driver that always has a smaller form nor a server that refuses slowly
// holds up a conversation.
func TestSmallerFormsAreBounded(t *testing.T) {
	for name, c := range map[string]struct {
		took     time.Duration // of one refusal
		requests int
		status   int // of the last response; 0: none
	}{
		"number": {time.Second, 1 + maxSmaller, http.StatusBadRequest},
		"time":   {50 * time.Second, 3, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := httpclient.New(httpclient.Options{Clock: clockwork.NewRealClock()})
				defer client.Close()

				requests := 0

				client.Intercept(roundTripper(func(r *http.Request) (*http.Response, error) {
					requests++

					select {
					case <-time.After(c.took):
						return &http.Response{StatusCode: http.StatusBadRequest, Body: http.NoBody}, nil
					case <-r.Context().Done():
						return nil, r.Context().Err()
					}
				}))

				started := time.Now()
				response, fault := (&protocol{http: client}).sendFitting(t.Context(), shrinking(), Request{Method: ProcessText})

				if took := time.Since(started); requests != c.requests || took > 2*time.Minute {
					t.Errorf("%d requests in %s, want %d in two minutes", requests, took, c.requests)
				}

				if c.status != 0 && (fault != nil || response.Status != c.status) {
					t.Errorf("response = %+v, failure = %v, want %d", response, fault, c.status)
				}

				if c.status == 0 && (fault == nil || fault.Class != failure.Transient || fault.Code != httpclient.CodeTimeout) {
					t.Errorf("failure = %+v, want a transient one", fault)
				}
			})
		})
	}
}
