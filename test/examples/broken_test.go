// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package examples

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/test/openapi"
)

// TestBrokenRequests checks that a bridge goes on after callers that break off, with and without the key.
func TestBrokenRequests(t *testing.T) {
	for name, bridge := range bridges(t) {
		t.Run(name, func(t *testing.T) {
			c := &caller{
				t:      t,
				url:    bridge.start(t, "BRIDGE_KEY="+bridgeKey),
				client: checkedClient(t, openapi.BirdBridge),
			}

			for _, key := range []string{bridgeKey, "another"} {
				breakOff(t, strings.TrimPrefix(c.url, "http://"),
					"POST /v1/messages/text HTTP/1.1\r\nHost: bridge\r\nContent-Type: application/json\r\nIdempotency-Key: broken\r\n"+
						"Authorization: AccessKey "+key+"\r\nContent-Length: 1000\r\n\r\n{\"method\":")
			}

			if status, body := c.text("broken", "hola"); status != http.StatusOK || body != `{"response":"You wrote: hola"}` {
				t.Errorf("the next request is answered %d %s", status, body)
			}
		})
	}
}

// breakOff sends the beginning of a request, and waits until the server has closed the connection.
func breakOff(t *testing.T, address, beginning string) {
	t.Helper()

	connection, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()

	if err := connection.SetDeadline(time.Now().Add(waitLimit)); err != nil {
		t.Fatal(err)
	}

	if _, err := io.WriteString(connection, beginning); err != nil {
		t.Fatal(err)
	}

	if err := connection.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}

	if _, err := io.Copy(io.Discard, connection); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal("the connection stays open")
	}
}
