// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package console

import (
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"
)

// TestRefusedActKeepsThePage checks that a conflict leaves the person where they were.
func TestRefusedActKeepsThePage(t *testing.T) {
	b := open(t, &fakeAPI{refusal: http.StatusConflict})

	w := b.post(sales+"/dead-letters/replay", url.Values{"state": {"expired"}})
	if w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), "Not done: A job of this kind runs already: 5 events so far.") ||
		!strings.Contains(w.Body.String(), "Replay these 37") {
		t.Errorf("the answer is %d:\n%s", w.Code, w.Body)
	}

	b.leadsTo(w, sales+"/dead-letters?state=expired")
}

// TestRefusedMessageIsKept checks that a person does not have to write a message twice, and that the page goes on.
func TestRefusedMessageIsKept(t *testing.T) {
	b := open(t, &fakeAPI{refusal: http.StatusUnprocessableEntity})

	w := b.post(sales+"/conversations/abc/send", url.Values{"text": {"My words"}})
	if w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), ">My words</textarea>") {
		t.Errorf("the answer is %d:\n%s", w.Code, w.Body)
	}

	b.leadsTo(w, sales+"/conversations/abc")
}

// TestMessageKeepsItsKey checks that a message that the receiver did not confirm can be sent again, and reaches the person
// once, whether its page can be shown or not. After a stored message another text is a separate message.
func TestMessageKeepsItsKey(t *testing.T) {
	const (
		kept    = `<input type="hidden" name="key" value="k1">`
		unknown = "It may have been sent nevertheless."
	)

	for name, c := range map[string]struct {
		api    fakeAPI
		status int
		shows  []string
		hides  []string
	}{
		"refused":                 {fakeAPI{refusal: http.StatusUnprocessableEntity}, 422, []string{kept, "Not done: refused"}, []string{unknown}},
		"too slow":                {fakeAPI{refusal: http.StatusServiceUnavailable}, 503, []string{kept, unknown, "Not confirmed: refused."}, []string{"Not done"}},
		"failed":                  {fakeAPI{refusal: http.StatusInternalServerError}, 500, []string{kept, unknown}, []string{"Not done"}},
		"the store is away":       {fakeAPI{down: true}, 503, []string{kept, unknown, "the store is unavailable", "Send again"}, []string{"Not done"}},
		"the connection broke":    {fakeAPI{away: true}, 502, []string{kept, unknown, "Send again"}, nil},
		"no right":                {fakeAPI{readOnly: "no"}, 403, []string{">My words</textarea>"}, []string{unknown, "Send again"}},
		"another text was stored": {fakeAPI{refusal: http.StatusConflict}, 409, []string{"The text before this one is on its way."}, []string{kept, unknown}},
	} {
		t.Run(name, func(t *testing.T) {
			w := open(t, &c.api).post(sales+"/conversations/abc/send", url.Values{"text": {"My words"}, "key": {"k1"}})
			page := w.Body.String()

			if w.Code != c.status {
				t.Errorf("the answer is %d, want %d", w.Code, c.status)
			}

			for _, text := range append(c.shows, ">My words</textarea>") {
				if !strings.Contains(page, text) {
					t.Errorf("the page lacks %q:\n%s", text, page)
				}
			}

			for _, text := range c.hides {
				if strings.Contains(page, text) {
					t.Errorf("the page has %q:\n%s", text, page)
				}
			}

			if strings.Contains(page, "Send again") && !strings.Contains(page, `action="`+sales+`/conversations/abc/send"`) {
				t.Errorf("the message cannot be sent again:\n%s", page)
			}
		})
	}
}

// TestLongMessage checks that the longest text that the page allows is sent completely in any script. A longer text is not
// sent, and the page keeps its beginning.
func TestLongMessage(t *testing.T) {
	const path = sales + "/conversations/abc/send"

	for _, length := range []int{8_000, 16_000} {
		api := &fakeAPI{}
		text := strings.Repeat("好", length)

		w := open(t, api).post(path, url.Values{"text": {text}, "key": {"k1"}})
		if w.Code != http.StatusSeeOther || len(api.texts) != 1 || api.texts[0] != text {
			t.Errorf("a text of %d characters is answered %d, and %d are sent", length, w.Code, len(api.texts))
		}
	}

	for language, want := range map[string]string{"en": "Not done: The text is too long.", "es": "No se hizo: El texto es demasiado largo."} {
		api := &fakeAPI{}
		b := open(t, api)
		b.language = language

		w := b.post(path, url.Values{"text": {strings.Repeat("好", 100_000)}, "key": {"k1"}})
		page := w.Body.String()

		for _, text := range []string{want, strings.Repeat("好", 16_000), "好</textarea>", `name="key" value="k1"`} {
			if w.Code != http.StatusRequestEntityTooLarge || !strings.Contains(page, text) {
				t.Errorf("the answer is %d without %.60q", w.Code, text)
			}
		}

		if len(api.acts) > 0 {
			t.Errorf("the receiver was asked for %q", api.acts)
		}
	}
}

// TestBrokenMessage checks that the beginning of a text is not sent as all of it.
func TestBrokenMessage(t *testing.T) {
	api := &fakeAPI{}
	body := io.MultiReader(strings.NewReader("key=k1&text=My+wor"), iotest.ErrReader(io.ErrUnexpectedEOF))

	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, sales+"/conversations/abc/send", body)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")

	w := httptest.NewRecorder()
	open(t, api).handler.ServeHTTP(w, r)

	if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), ">My wor</textarea>") || len(api.acts) > 0 {
		t.Errorf("the answer is %d after %q:\n%s", w.Code, api.acts, w.Body)
	}
}

// TestUnknownOutcome checks that the page does not say of an act which the receiver could not finish that it was not done.
func TestUnknownOutcome(t *testing.T) {
	for _, path := range []string{"/conversations/abc/take-over", "/dead-letters/replay", "/events/60bbaf80249612260d6228a2d4ad2be2/replay", "/jobs/j1/cancel"} {
		w := open(t, &fakeAPI{refusal: http.StatusServiceUnavailable}).post(sales+path, url.Values{"state": {"dead"}})

		page := w.Body.String()
		if !strings.Contains(page, "It may have been done nevertheless.") || strings.Contains(page, "Not done") {
			t.Errorf("%s is answered %d:\n%s", path, w.Code, page)
		}
	}
}

// TestAnswersOfActsLeadOn checks the links of the pages that questions, refusals and failures show.
func TestAnswersOfActsLeadOn(t *testing.T) {
	const event = sales + "/events/60bbaf80249612260d6228a2d4ad2be2"

	for _, c := range []struct {
		api        fakeAPI
		path, back string
		want       string
	}{
		{path: sales + "/conversations/abc/erase", want: sales + "/conversations/abc"},
		{path: sales + "/conversations/abc/erase", back: sales + "/conversations/abc?reveal=true", want: sales + "/conversations/abc?reveal=true"},
		{path: sales + "/conversations/abc/take-over", back: sales + "/conversations?state=waiting", want: sales + "/conversations?state=waiting"},
		{path: event + "/discard", want: event},
		{path: sales + "/dead-letters/discard", want: sales + "/dead-letters"},
		{path: event + "/replay", api: fakeAPI{refusal: http.StatusNotFound}, want: event},
		{path: sales + "/conversations/abc/give-back", api: fakeAPI{refusal: http.StatusNotFound}, want: sales + "/conversations/abc"},
		{path: sales + "/doctor", api: fakeAPI{refusal: http.StatusServiceUnavailable}, want: sales + "/doctor"},
		{path: sales + "/jobs/j1/cancel", api: fakeAPI{refusal: http.StatusNotFound}, want: sales + "/jobs/j1"},
		{path: sales + "/jobs/j1/other", want: sales + "/jobs/j1"},
		{path: sales + "/conversations/abc/other", want: sales + "/conversations/abc"},
	} {
		b := open(t, &c.api)

		form := url.Values{}
		if c.back != "" {
			form.Set("back", c.back)
		}

		b.leadsTo(b.post(c.path, form), c.want)
	}
}

// leadsTo checks that an answer names its page, and that all links of the answer and the form of the language can be opened.
func (b browser) leadsTo(answer *httptest.ResponseRecorder, page string) {
	b.t.Helper()

	body := answer.Body.String()

	for _, attribute := range []string{`data-page="`, `name="back" value="`} {
		if !strings.Contains(body, attribute+html.EscapeString(page)+`"`) {
			b.t.Errorf("the answer lacks %s%s:\n%s", attribute, page, body)
		}
	}

	for _, found := range regexp.MustCompile(`(?:href|data-page|name="back" value)="(/console/r/[^"]*)"`).FindAllStringSubmatch(body, -1) {
		path := html.UnescapeString(found[1])
		if w := b.get(path); w.Code != http.StatusOK {
			b.t.Errorf("the link to %s is answered %d", path, w.Code)
		}
	}
}
