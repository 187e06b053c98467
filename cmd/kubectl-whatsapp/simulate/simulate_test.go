// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp/testdata/deliveries"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	testNumber = "106540352242922"
	testPerson = "15550101234"
	testSecret = "app-secret"
)

var testTime = time.Unix(1_900_000_000, 0)

func TestEachSampleIsListed(t *testing.T) {
	files, err := deliveries.Files.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}

	var names []string
	for _, file := range files {
		names = append(names, strings.TrimSuffix(path.Base(file.Name()), ".json"))
	}

	for _, name := range names {
		if about[name] == "" {
			t.Errorf("%s is not described", name)
		}
	}

	for name := range about {
		if !slices.Contains(names, name) {
			t.Errorf("%s has no sample", name)
		}
	}
}

// TestEachTypeIsDelivered checks that a receiver takes every type, from the person and to the number that were asked for.
func TestEachTypeIsDelivered(t *testing.T) {
	for _, kind := range Types() {
		maker := &Maker{Number: testNumber, Person: testPerson}

		d, err := maker.Sample(kind.Name, testTime)
		if err != nil {
			t.Errorf("%s: %v", kind.Name, err)
			continue
		}

		items, err := whatsapp.Split(d.Body)
		if err != nil {
			t.Errorf("%s: %v", kind.Name, err)
			continue
		}

		isMessage := strings.HasPrefix(kind.Name, "message.")

		for _, item := range items {
			if number := item.Metadata.PhoneNumberID; number != "" && number != testNumber {
				t.Errorf("%s is for the number %s", kind.Name, number)
			}

			message, err := item.Message()
			if !isMessage || err != nil {
				continue
			}

			if sender := message.Sender().WaID; sender != "" && sender != testPerson {
				t.Errorf("%s is from %s", kind.Name, sender)
			}

			if message.Timestamp != "" && message.Timestamp != "1900000000" {
				t.Errorf("%s was sent at %s", kind.Name, message.Timestamp)
			}
		}

		if body := string(d.Body); strings.Contains(body, "wamid.test") || strings.ContainsFunc(body, func(r rune) bool { return r > '~' }) {
			t.Errorf("%s has an id of the sample, or is not all ASCII: %s", kind.Name, body)
		}
	}
}

func TestDeliveriesDiffer(t *testing.T) {
	maker := &Maker{}

	first, err := maker.Sample("message.text", testTime)
	if err != nil {
		t.Fatal(err)
	}

	second, err := maker.Sample("message.text", testTime)
	if err != nil {
		t.Fatal(err)
	}

	if bytes.Equal(first.Body, second.Body) {
		t.Error("two deliveries are equal, so that the second is a duplicate")
	}

	if !strings.Contains(string(first.Body), SamplePerson) || !strings.Contains(string(first.Body), SampleNumber) {
		t.Errorf("the sample's person and number are gone: %s", first.Body)
	}
}

func TestPlaceholdersAreFilled(t *testing.T) {
	raw := `{"object":"whatsapp_business_account","entry":[{"id":"<WABA>","changes":[{"field":"messages","value":{
		"metadata":{"display_phone_number":"x","phone_number_id":"<PHONE_NUMBER_ID>"},
		"contacts":[{"wa_id":"<WHATSAPP_USER>","user_id":"<BSUID>"}],
		"messages":[{"id":"<MESSAGE_ID>","from":"<WHATSAPP_USER>","timestamp":"<TIMESTAMP>","type":"image","image":{"id":"<MEDIA_ID>"},
			"context":{"id":"wamid.earlier","from":"15550783881"}}]}}]}]}`

	for person, want := range map[string]string{"": "1555", testPerson: testPerson} {
		maker := &Maker{Person: person}

		items, err := whatsapp.Split(maker.Make("file", []byte(raw), testTime).Body)
		if err != nil || len(items) != 1 {
			t.Fatalf("%d items, %v", len(items), err)
		}

		message, err := items[0].Message()
		if err != nil {
			t.Fatal(err)
		}

		if !strings.HasPrefix(string(message.From), want) || message.From != message.Contact.WaID {
			t.Errorf("person %q: from %s, contact %s", person, message.From, message.Contact.WaID)
		}

		if !strings.HasPrefix(string(items[0].Metadata.PhoneNumberID), "1555") {
			t.Errorf("number = %s", items[0].Metadata.PhoneNumberID)
		}

		if body := string(message.Raw); strings.Contains(body, "MEDIA_ID") || strings.Contains(body, "MESSAGE_ID") || !strings.Contains(body, `"from":"15550783881"`) {
			t.Errorf("message = %s", body)
		}
	}
}

func TestWhatIsNoJSONStays(t *testing.T) {
	if d := new(Maker).Make("file", []byte("<html>"), testTime); string(d.Body) != "<html>" {
		t.Errorf("body = %s", d.Body)
	}
}

func TestFind(t *testing.T) {
	for pattern, want := range map[string][]string{
		"text":                {"message.text"},
		"message.text":        {"message.text"},
		"read":                {"status.read"},
		"message.location*":   {"message.location", "message.location.no_type", "message.location.place"},
		"failed.131047":       {"status.failed.131047"},
		"status.failed.4711":  {"status.failed.4711"},
		"failed.4711":         {"status.failed.4711"},
		"error.4711":          {"error.4711"},
		"calls":               {"field.calls.connect", "field.calls.connect.user_id", "field.calls.status", "field.calls.terminate"},
		"unheard-of":          nil,
		"payment.attempt":     {"status.payment.attempt.failed", "status.payment.attempt.second"},
		"status.failed.minus": nil,
	} {
		if diff := cmp.Diff(want, Find(pattern)); diff != "" {
			t.Errorf("Find(%s) (-want +got):\n%s", pattern, diff)
		}
	}

	all := Find("all")
	if len(all) < 100 || slices.ContainsFunc(all, func(name string) bool { return strings.HasPrefix(name, "odd.") }) {
		t.Errorf("all are %v", all)
	}

	if similar := Similar("locations.place"); !slices.Contains(similar, "message.location.place") {
		t.Errorf("Similar() = %v", similar)
	}
}

// webhook is a receiver that keeps what it gets.
type webhook struct {
	t  *testing.T
	mu sync.Mutex
	// answer returns the status for the n-th delivery.
	answer func(n int) int
	bodies []string
}

// ServeHTTP implements http.Handler.
func (w *webhook) ServeHTTP(response http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.t.Error(err)
	}

	if got, want := r.Header.Get("X-Hub-Signature-256"), standin.Sign(testSecret, body); got != want {
		w.t.Errorf("signature = %s, want %s", got, want)
	}

	w.mu.Lock()
	w.bodies = append(w.bodies, string(body))
	n := len(w.bodies)
	w.mu.Unlock()

	response.WriteHeader(w.answer(n))
}

// send sends n texts.
func send(t *testing.T, n int, pace Pace, answer func(int) int) (*webhook, Result) {
	t.Helper()

	w := &webhook{t: t, answer: answer}

	server := httptest.NewServer(w)
	defer server.Close()

	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()

	maker := &Maker{}
	result := Send(t.Context(), Target{Client: client, URL: server.URL, AppSecret: testSecret}, func(yield func(Delivery) bool) {
		for i := range n {
			d, err := maker.Sample("message.text", testTime.Add(time.Duration(i)*time.Second))
			if err != nil {
				t.Error(err)
			}

			if !yield(d) {
				return
			}
		}
	}, pace)

	return w, result
}

func ok(int) int { return http.StatusOK }

func TestSend(t *testing.T) {
	var seen []int

	w, result := send(t, 5, Pace{Progress: func(r Result) { seen = append(seen, r.Sent) }}, func(n int) int {
		if n == 3 {
			return http.StatusServiceUnavailable
		}

		return http.StatusOK
	})

	if result.Sent != 5 || result.Acknowledged != 4 || result.Refused != 1 || result.Statuses[503] != 1 || len(w.bodies) != 5 {
		t.Errorf("result = %+v", result)
	}

	if diff := cmp.Diff([]int{1, 2, 3, 4, 5}, seen); diff != "" {
		t.Errorf("progress (-want +got):\n%s", diff)
	}
}

func TestSendAtARate(t *testing.T) {
	if _, result := send(t, 20, Pace{PerSecond: 500}, ok); result.Acknowledged != 20 {
		t.Errorf("result = %+v", result)
	}
}

func TestSendDuplicates(t *testing.T) {
	w, _ := send(t, 3, Pace{Duplicates: true}, ok)
	if len(w.bodies) != 6 || w.bodies[0] != w.bodies[1] || w.bodies[0] == w.bodies[2] {
		t.Errorf("%d deliveries, want three, each twice", len(w.bodies))
	}
}

func TestSendOutOfOrder(t *testing.T) {
	w, _ := send(t, 25, Pace{OutOfOrder: true}, ok)

	var times []string

	for _, body := range w.bodies {
		items, err := whatsapp.Split([]byte(body))
		if err != nil {
			t.Fatal(err)
		}

		var message struct{ Timestamp string }
		if err := json.Unmarshal(items[0].Raw, &message); err != nil {
			t.Fatal(err)
		}

		times = append(times, message.Timestamp)
	}

	if len(times) != 25 || slices.IsSorted(times) {
		t.Errorf("sent in the order %v", times)
	}
}

func TestNobodyListens(t *testing.T) {
	client := &http.Client{Transport: &http.Transport{}}
	result := Send(t.Context(), Target{Client: client, URL: "http://127.0.0.1:1"}, slices.Values([]Delivery{{}}), Pace{})

	if result.Unanswered != 1 || result.Cause == nil {
		t.Errorf("result = %+v", result)
	}
}
