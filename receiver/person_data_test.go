// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/consoleapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// The person of the sample deliveries, and another one.
const (
	samplePerson = "100000000000042:573005550101"
	otherPerson  = "573005550177"
)

// ofPerson matches the names of the sample person, her profile, and what she wrote.
var ofPerson = regexp.MustCompile(`573005550101|CO\.10000000000000000101|NTczMDA1NTUwMTAx|Ana Prueba|SECRETWORD`)

// deliverSamples delivers every sample of a webhook, most of which are about one person.
func (h *harness) deliverSamples() {
	h.t.Helper()

	files, err := filepath.Glob("whatsapp/testdata/deliveries/*.json")
	if err != nil || len(files) == 0 {
		h.t.Fatalf("no deliveries: %v", err)
	}

	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			h.t.Fatal(err)
		}

		h.deliver(http.StatusOK, h.hostMedia(body))
	}
}

func ofOther(id, text string) []byte {
	return standin.TextDelivery("100000000000042", otherPerson, "Luis", id, text, time.Now())
}

// stored returns what rows of the store match, by table and column.
func (h *harness) stored(matching *regexp.Regexp) []string {
	h.t.Helper()

	db, err := sql.Open("sqlite", h.Config.Store.Embedded.Path)
	if err != nil {
		h.t.Fatal(err)
	}

	defer func() { _ = db.Close() }()

	var names, found []string

	h.eachValue(db, "SELECT name FROM sqlite_master WHERE type = 'table'", func(_, name string) { names = append(names, name) })

	for _, name := range names {
		h.eachValue(db, "SELECT * FROM "+name, func(column, value string) {
			if matching.MatchString(value) {
				found = append(found, fmt.Sprintf("%s.%s: %s", name, column, value))
			}
		})
	}

	return found
}

// eachValue calls a function with each value that a query returns.
func (h *harness) eachValue(db *sql.DB, query string, do func(column, value string)) {
	h.t.Helper()

	rows, err := db.QueryContext(h.t.Context(), query)
	if err != nil {
		h.t.Fatal(err)
	}

	defer func() { _ = rows.Close() }()

	columns, err := rows.Columns()
	if err != nil {
		h.t.Fatal(err)
	}

	for rows.Next() {
		row := make([]sql.NullString, len(columns))
		targets := make([]any, len(columns))

		for i := range row {
			targets[i] = &row[i]
		}

		if err := rows.Scan(targets...); err != nil {
			h.t.Fatal(err)
		}

		for i, value := range row {
			do(columns[i], value.String)
		}
	}

	if err := rows.Err(); err != nil {
		h.t.Fatal(err)
	}
}

// TestErasureOfAPerson checks that nothing of a person is left in the store after an erasure, whatever kind of webhook reported
// of her, that another person's events stay, and that a redelivery brings nothing back.
func TestErasureOfAPerson(t *testing.T) {
	h := newHarness(t, func(c *config.Config) {
		c.CloudAPI.PhoneNumberIDs = nil
		c.Bird.Endpoints = map[string]config.Endpoint{"process_other_message": {Enabled: new(true)}}
		c.Processing.HandoffDuration = time.Millisecond
		c.Processing.Retry.MaxRetries = new(1)
		c.CloudAPI.MessagesPerSecond = 1000
	})
	log := &logBuffer{}
	h.log = log

	h.start()
	h.deliverSamples()

	// An answer of each kind, with its statuses.
	h.deliver(http.StatusOK, standin.TextDelivery("100000000000042", "573005550101", "Ana Prueba", "wamid.erase", "SECRETWORD", time.Now()))
	h.waitFor("the answer", func() bool { return strings.Contains(strings.Join(sentTexts(h.Graph.Sent()), ""), "SECRETWORD") })

	for _, sent := range h.Graph.Sent() {
		if strings.Contains(sent.To, "573005550101") {
			h.deliver(http.StatusOK, bytes.ReplaceAll(bytes.ReplaceAll(statusOf(sent, "delivered"),
				[]byte(ana), []byte("573005550101")), []byte(number), []byte("100000000000042")))
		}
	}

	h.deliver(http.StatusOK, ofOther("wamid.other", "hello"))
	h.waitIdle()

	if len(h.stored(ofPerson)) < 100 {
		t.Fatal("the store holds little about the person, so that the test shows nothing")
	}

	var exported struct {
		Names  []string
		Events []consoleapi.EventDetail
	}

	h.console(http.StatusOK, http.MethodGet, "/v1/conversations/"+samplePerson+"/export", &exported)

	if !slices.Contains(exported.Names, samplePerson) || !slices.Contains(exported.Names, "100000000000042:CO.10000000000000000101") {
		t.Errorf("the export has the names %q, want both kinds", exported.Names)
	}

	encoded, err := json.Marshal(exported.Events)
	if err != nil || !strings.Contains(string(encoded), "SECRETWORD") || strings.Contains(string(encoded), otherPerson) {
		t.Errorf("the export lacks what the person wrote, or has another's: %v", err)
	}

	before := h.sampleRecord("wamid.other")

	var erased consoleapi.Erased
	h.console(http.StatusOK, http.MethodDelete, "/v1/conversations/"+samplePerson, &erased)

	if erased.Events != len(exported.Events) {
		t.Errorf("%d events were erased, and %d exported", erased.Events, len(exported.Events))
	}

	// Some samples name no phone number of the business.
	h.console(http.StatusOK, http.MethodDelete, "/v1/conversations/:573005550101", nil)

	for _, left := range h.stored(ofPerson) {
		t.Errorf("after the erasure there is %.300s", left)
	}

	if after := h.sampleRecord("wamid.other"); !bytes.Equal(after.Event.Payload, before.Event.Payload) || len(after.Replies) != 1 {
		t.Errorf("the other person's message is %+v, want it untouched", after)
	}

	h.console(http.StatusOK, http.MethodDelete, "/v1/conversations/"+samplePerson, &erased)

	if erased.Events != 0 || len(erased.Remains) == 0 {
		t.Errorf("a repeated erasure answers %+v, want no event, and what remains", erased)
	}

	h.console(http.StatusNotFound, http.MethodDelete, "/v1/conversations/unknown", nil)

	h.deliver(http.StatusOK, standin.TextDelivery("100000000000042", "573005550101", "Ana Prueba", "wamid.erase", "SECRETWORD", time.Now()))
	h.waitIdle()

	for _, left := range h.stored(ofPerson) {
		t.Errorf("after a redelivery there is %.300s", left)
	}

	if strings.Contains(log.String(), "5730055") || !strings.Contains(log.String(), "act=erase") || !strings.Contains(log.String(), "act=export") {
		t.Error("the log names the person, or lacks the lines of the audit")
	}
}

// sampleRecord returns the record of a message to the number of the samples.
func (h *harness) sampleRecord(message string) *store.Record {
	h.t.Helper()
	return h.event(store.NewID(store.KindMessage, "100000000000042", message))
}

// TestErasureWhileAnAnswerIsOnItsWay checks that an erasure does not pull a message from under the receiver.
func TestErasureWhileAnAnswerIsOnItsWay(t *testing.T) {
	h := newHarness(t, withoutTyping)
	asked, answer := h.holdAnswer(standin.EchoReply)
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
	<-asked

	h.console(http.StatusConflict, http.MethodDelete, "/v1/conversations/"+number+":"+ana, nil)
	close(answer)
	h.waitSent(1)
	h.waitIdle()
	h.console(http.StatusOK, http.MethodDelete, "/v1/conversations/"+number+":"+ana, nil)

	if found := h.stored(regexp.MustCompile(ana)); found != nil {
		t.Errorf("after the erasure there is %q", found)
	}
}
