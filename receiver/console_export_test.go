// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/consoleapi"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// TestCancelledExport checks that a receiver goes on when a person cancels the download of an export on its own pages.
func TestCancelledExport(t *testing.T) {
	const other = "100000000000099" // which is not configured, so that nothing is answered

	h := newHarness(t, withoutTyping)
	log := &logBuffer{}
	h.log = log
	h.start()

	for i := range 6 { // more than the buffers of a connection hold
		h.deliver(http.StatusOK, standin.TextDelivery(other, ana, "Ana", fmt.Sprint("wamid.", i), strings.Repeat("x", 3<<20), time.Now()))
	}

	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet,
		"http://"+h.Local.ConsoleAddr()+"/console/r/this/receiver/conversations/"+other+":"+ana+"/export", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}

	response, err := h.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}

	n, err := response.Body.Read(make([]byte, 1))
	if n != 1 || response.StatusCode != http.StatusOK {
		t.Errorf("the export answers %d, %v", response.StatusCode, err)
	}

	_ = response.Body.Close() // closes the connection, since the document has not ended

	h.waitFor("the export is cut off", func() bool { return strings.Contains(log.String(), "act=export") })

	if got := log.String(); !strings.Contains(got, "an export was cut off") || strings.Contains(got, "panic") || strings.Contains(got, ana) {
		t.Error("the log does not say that the export was cut off, names a person, or has a panic")
	}

	var page consoleapi.EventPage
	h.console(http.StatusOK, http.MethodGet, "/v1/events?kind=message", &page)

	if len(page.Events) != 6 {
		t.Errorf("the receiver has %d events after the export", len(page.Events))
	}
}
