// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package console

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// TestDiscardAsksAgain checks that a confirmed discard holds for no more events than its question named.
func TestDiscardAsksAgain(t *testing.T) {
	api := &fakeAPI{}
	b := open(t, api)
	path := sales + "/dead-letters/discard"
	cause := url.Values{"state": {"dead"}, "code": {"131026"}, "back": {sales + "/dead-letters?state=dead"}}

	question := b.post(path, cause).Body.String()
	if !strings.Contains(question, `name="expect" value="41"`) {
		t.Fatalf("the question does not carry its number:\n%s", question)
	}

	api.dead = 50

	cause.Set("confirm", "yes")
	cause.Set("expect", "41")

	w := b.post(path, cause)
	question = w.Body.String()

	for _, text := range []string{"There are more of them now. Nothing was discarded.", "Discard these 50 events?", `name="expect" value="50"`, `name="code" value="131026"`} {
		if w.Code != http.StatusConflict || !strings.Contains(question, text) {
			t.Errorf("the answer is %d without %q:\n%s", w.Code, text, question)
		}
	}

	if strings.Contains(question, `type="hidden" name="confirm"`) || strings.Contains(question, `value="41"`) {
		t.Errorf("the question is answered already:\n%s", question)
	}

	b.leadsTo(w, sales+"/dead-letters?state=dead")

	cause.Set("expect", "50")

	if w := b.post(path, cause); w.Code != http.StatusSeeOther || api.acts[len(api.acts)-1] != "POST /dead-letters/discard?code=131026&expect=50&state=dead by ana" {
		t.Errorf("the answer is %d after %q", w.Code, api.acts)
	}
}

// TestDiscardAtAnOlderReceiver checks that the console itself compares the number of events if the receiver cannot.
func TestDiscardAtAnOlderReceiver(t *testing.T) {
	const path = sales + "/dead-letters/discard"

	form := url.Values{"state": {"dead"}, "confirm": {"yes"}, "expect": {"41"}}

	for name, c := range map[string]struct {
		api    fakeAPI
		status int
		shows  string
		acts   []string
	}{
		"as many":         {fakeAPI{old: true}, http.StatusSeeOther, "", []string{"POST /dead-letters/discard?expect=41&state=dead by ana", "POST /dead-letters/discard?state=dead by ana"}},
		"fewer":           {fakeAPI{old: true, dead: 40}, http.StatusSeeOther, "", []string{"POST /dead-letters/discard?expect=41&state=dead by ana", "POST /dead-letters/discard?state=dead by ana"}},
		"more":            {fakeAPI{old: true, dead: 50}, http.StatusConflict, "Discard these 50 events?", []string{"POST /dead-letters/discard?expect=41&state=dead by ana"}},
		"another refusal": {fakeAPI{old: true, refusal: http.StatusBadRequest}, http.StatusBadRequest, "Not done: refused", []string{"POST /dead-letters/discard?expect=41&state=dead by ana"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := open(t, &c.api).post(path, form)
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.shows) {
				t.Errorf("the answer is %d without %q:\n%s", w.Code, c.shows, w.Body)
			}

			if diff := cmp.Diff(c.acts, c.api.acts); diff != "" {
				t.Errorf("calls of the receiver (-want +got):\n%s", diff)
			}
		})
	}

	form.Set("expect", "539") // 41 of two causes, and one of each other

	api := &fakeAPI{old: true, causes: store.MaxCauses}

	w := open(t, api).post(path, form)
	if w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), "This receiver has an older version") || len(api.acts) != 1 {
		t.Errorf("events that are not counted: the answer is %d after %q:\n%s", w.Code, api.acts, w.Body)
	}
}

// TestManyCauses checks that pages do not show the number of the events of 500 causes as that of all.
func TestManyCauses(t *testing.T) {
	b := open(t, &fakeAPI{causes: store.MaxCauses})

	page := b.get(sales + "/dead-letters").Body.String()
	for _, text := range []string{"At least 539 events.", "Replay all, at least 539"} {
		if !strings.Contains(page, text) {
			t.Errorf("the page lacks %q", text)
		}
	}

	question := b.post(sales+"/dead-letters/discard", url.Values{"state": {"dead"}}).Body.String()
	if !strings.Contains(question, "Discard 539 of at least 539 events?") || !strings.Contains(question, `name="expect" value="539"`) {
		t.Errorf("the question is\n%s", question)
	}
}

// TestDiscardOfManyNamesTheirNumber checks the question before a discard, and that the forms of a cause select no more than it.
func TestDiscardOfManyNamesTheirNumber(t *testing.T) {
	b := open(t, &fakeAPI{})

	for language, want := range map[string]string{"en": "Discard these 41 events?", "es": "¿Descartar estos 41 eventos?"} {
		b.language = language

		w := b.post(sales+"/dead-letters/discard", url.Values{"state": {"dead"}, "code": {"131026"}})
		if page := w.Body.String(); w.Code != http.StatusOK || !strings.Contains(page, want) {
			t.Errorf("the answer is %d without %q:\n%s", w.Code, want, page)
		}
	}

	page := b.get(sales + "/dead-letters").Body.String()
	for _, part := range []string{
		`<input type="hidden" name="code" value="none"><input type="hidden" name="number" value="none"><button>`,
		`<input type="hidden" name="code" value="none"><input type="hidden" name="number" value="none"><input`,
		`/events?state=dead&amp;code=none&amp;number=none"`,
	} {
		if !strings.Contains(page, part) {
			t.Errorf("the page lacks %s:\n%s", part, page)
		}
	}
}
