// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/consoleapi"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// TestCanceledExport checks that a receiver goes on when a person cancels the download of an export on its own pages.
func TestCanceledExport(t *testing.T) {
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

// TestExportOfOneWithinAGroup checks that the export of a person has nothing of the other participants of a group: who read an
// answer, and whose message the person quoted.
func TestExportOfOneWithinAGroup(t *testing.T) {
	h := newHarness(t, withoutTyping)
	h.start()
	h.deliver(http.StatusOK, messagesDelivery(fmt.Sprintf(`"messages":[{"id":"wamid.g","from":%q,"group_id":"Z3J1cG8tMQ","type":"text",
		"text":{"body":"IN-GROUP"},"context":{"from":%q,"id":"wamid.of-luis"}}]`, ana, luis)))

	sent := h.waitSent(1)[0]
	for _, participant := range []string{ana, luis} {
		h.deliver(http.StatusOK, messagesDelivery(fmt.Sprintf(`"statuses":[{"id":%q,"status":"read","timestamp":"1795430400",
			"recipient_id":"Z3J1cG8tMQ","recipient_type":"group","recipient_participant_id":%q}]`, sent.ID, participant)))
	}

	h.waitIdle()

	for name, of := range map[string]struct {
		participants  []string
		wants, unwant string
	}{
		ana:                {[]string{ana}, "IN-GROUP", luis},
		"group:Z3J1cG8tMQ": {[]string{ana, luis}, luis, "no such text"},
	} {
		var exported struct{ Events []consoleapi.EventDetail }
		h.console(http.StatusOK, http.MethodGet, "/v1/conversations/"+number+":"+name+"/export", &exported)

		encoded, err := json.Marshal(exported)
		if err != nil || !strings.Contains(string(encoded), of.wants) || strings.Contains(string(encoded), of.unwant) {
			t.Errorf("the export of %s lacks %s, or has %s: %v %s", name, of.wants, of.unwant, err, encoded)
		}

		var participants []string

		for _, event := range exported.Events {
			for _, reply := range event.Replies {
				for _, status := range reply.Statuses {
					participants = append(participants, status.Participant)
				}
			}
		}

		slices.Sort(participants)

		if diff := cmp.Diff(of.participants, participants); diff != "" {
			t.Errorf("participants in the export of %s (-want +got):\n%s", name, diff)
		}
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

	var exported struct{ Events []consoleapi.EventDetail }
	h.console(http.StatusOK, http.MethodGet, "/v1/conversations/"+number+":"+ana+"/export", &exported)

	if len(exported.Events) != 1 || !exported.Events[0].Shared {
		t.Fatalf("the export has %d events, want one that is shared", len(exported.Events))
	}

	payload := string(exported.Events[0].Payload)
	if !strings.Contains(payload, "OF-ANA") || strings.Contains(payload, "OF-LUIS") || strings.Contains(payload, luis) {
		t.Errorf("payload = %s, want the person's chat alone", payload)
	}
}
