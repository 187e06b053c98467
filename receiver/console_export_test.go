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

	if got := log.String(); !strings.Contains(got, "export interrupted") || strings.Contains(got, "panic") || strings.Contains(got, ana) {
		t.Error("the log does not say that the export was cut off, names a person, or has a panic")
	}

	var page consoleapi.EventPage
	h.console(http.StatusOK, http.MethodGet, "/v1/events?kind=message", &page)

	if len(page.Events) != 6 {
		t.Errorf("the receiver has %d events after the export", len(page.Events))
	}
}

// TestExportOfOneAmongMany checks that the export of a person has no chat of another from a webhook with the chats of both.
func TestExportOfOneAmongMany(t *testing.T) {
	h := newHarness(t, withoutTyping)
	h.start()
	h.deliver(http.StatusOK, fieldDelivery("history", fmt.Sprintf(`"history":[{"metadata":{"phase":0},"threads":[
		{"id":%[1]q,"messages":[{"from":%[1]q,"id":"wamid.h1","timestamp":"1739230970","type":"text","text":{"body":"OF-ANA"}}]},
		{"id":%[2]q,"messages":[{"from":%[2]q,"id":"wamid.h2","timestamp":"1739230970","type":"text","text":{"body":"OF-LUIS"}}]}]}]`, ana, luis)))
	h.waitIdle()

	var exported struct{ Events []consoleapi.Life }
	h.console(http.StatusOK, http.MethodGet, "/v1/conversations/"+number+":"+ana+"/export", &exported)

	if len(exported.Events) != 1 || !exported.Events[0].Shared {
		t.Fatalf("the export has %d events, want one that is shared", len(exported.Events))
	}

	payload := string(exported.Events[0].Payload)
	if !strings.Contains(payload, "OF-ANA") || strings.Contains(payload, "OF-LUIS") || strings.Contains(payload, luis) {
		t.Errorf("payload = %s, want the person's chat alone", payload)
	}
}
