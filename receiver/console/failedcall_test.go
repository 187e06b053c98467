// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package console

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/port"
)

// TestFailedCallsNameNoPerson asks for pages whose paths name a person, and whose calls of the API fail. The log has nothing of a
// browser that leaves a page, and of other failures a line without the person.
func TestFailedCallsNameNoPerson(t *testing.T) {
	const person = "16505551234"

	ctx, leave := context.WithCancel(t.Context())
	defer leave()

	blocks := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		leave()
		<-r.Context().Done()
	})

	for name, c := range map[string]struct {
		api    API
		logged bool
	}{
		"a browser that leaves":    {api: InProcess(blocks, "", slog.New(slog.DiscardHandler))},
		"a receiver that is gone":  {api: API{Client: &http.Client{}, Base: "http://" + port.Address(t) + "/v1"}, logged: true},
		"a base that is not a URL": {api: API{Client: &http.Client{}, Base: "http://[/v1"}, logged: true},
	} {
		for _, page := range []string{"/conversations/106540352242922:" + person, "/conversations/106540352242922:" + person + "/export"} {
			t.Run(name+page, func(t *testing.T) {
				var log bytes.Buffer

				pages, err := New(Dependencies{
					Source: &opened{api: c.api},
					Clock:  clockwork.NewFakeClockAt(now),
					Log:    slog.New(slog.NewTextHandler(&log, nil)),
				})
				if err != nil {
					t.Fatal(err)
				}

				request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, sales+page, http.NoBody)
				if !c.logged {
					request = request.WithContext(ctx)
				}

				pages.ServeHTTP(httptest.NewRecorder(), request)

				if strings.Contains(log.String(), person) || (log.Len() > 0) != c.logged {
					t.Errorf("the log has %q, want a line: %t, without the person", log.String(), c.logged)
				}
			})
		}
	}
}
