// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package consoleapi

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"
)

// leavingClient is the connection of a client that disconnects when its answer begins. As under net/http, that ends the request.
type leavingClient struct {
	http.ResponseWriter

	leave context.CancelFunc
	err   error // of the writes
}

func (c leavingClient) Write([]byte) (int, error) {
	c.leave()
	return 0, c.err
}

// callOfLeavingClient makes a request whose client leaves before it, or when its answer begins.
func callOfLeavingClient(t *testing.T, console *testConsole, path string, before bool, err error) {
	t.Helper()

	ctx, leave := context.WithCancel(t.Context())
	defer leave()

	if before {
		leave()
	}

	defer func() { _ = recover() }() // http.ErrAbortHandler, which closes the connection

	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "http://localhost:9091"+path, http.NoBody)
	console.http.ServeHTTP(leavingClient{httptest.NewRecorder(), leave, err}, r)
}

// TestClientThatDisconnectsIsNoFailure checks that no request of a client that has left is logged as a failure of the store.
func TestClientThatDisconnectsIsNoFailure(t *testing.T) {
	inbox := openStore(t)
	console := newTestConsole(t, inbox)
	event := storeMessage(t, inbox)

	for _, path := range []string{
		"/v1/events",
		"/v1/events/" + event.ID.String(),
		"/v1/dead-letters",
		"/v1/dead-letters/causes",
		"/v1/conversations",
		"/v1/conversations/42:573001",
		"/v1/conversations/42:573001/messages",
		"/v1/conversations/42:573001/export",
		"/v1/backup",
	} {
		for _, before := range []bool{true, false} {
			callOfLeavingClient(t, console, path, before, syscall.EPIPE)

			if log := console.log.String(); strings.Contains(log, "level=ERROR") || strings.Contains(log, "level=WARN") {
				t.Errorf("the client of %s left before the request (%t): %s", path, before, log)
			}

			console.log.Reset()
		}
	}

	callOfLeavingClient(t, console, "/v1/backup", false, os.ErrDeadlineExceeded)

	if log := console.log.String(); !strings.Contains(log, "level=WARN") {
		t.Errorf("a client that takes its backup too slowly is not in the log: %s", log)
	}
}
