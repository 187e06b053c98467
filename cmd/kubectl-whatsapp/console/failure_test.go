// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package console

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/console"
)

const sendPath = "/console/r/shop/sales/conversations/abc/send"

// passing returns the handler that passes calls on to a receiver, and the errors that it reports.
func passing(t *testing.T, receiver http.HandlerFunc) (handler http.Handler, failed *[]error) {
	t.Helper()

	web := httptest.NewServer(receiver)
	t.Cleanup(web.Close)

	failed = &[]error{}
	server := &Server{
		Transport: http.DefaultTransport,
		Scheme:    "http",
		Host:      web.Listener.Addr().String(),
		Failed:    func(err error) { *failed = append(*failed, err) },
	}

	return server.Handler(), failed
}

// ask sends a request of a browser to the local port.
func ask(t *testing.T, handler http.Handler, method, path, site string, form url.Values) *httptest.ResponseRecorder {
	t.Helper()

	request := httptest.NewRequestWithContext(t.Context(), method, "http://localhost:8080"+path, strings.NewReader(form.Encode()))
	request.Header.Set("Sec-Fetch-Site", site)

	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}

	w := httptest.NewRecorder()
	handler.ServeHTTP(w, request)

	return w
}

// TestMessageThatIsNotConfirmedIsKept sends a message to a receiver that goes away after it has stored the message. The page has the
// text and the key, by which the receiver recognizes the message if it is sent again.
func TestMessageThatIsNotConfirmedIsKept(t *testing.T) {
	form := url.Values{
		"key":  {"k1"},
		"text": {"My <words>"},
	}

	var stored []string

	handler, failed := passing(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		stored = append(stored, string(body))

		if len(stored) == 1 {
			panic(http.ErrAbortHandler)
		}

		w.WriteHeader(http.StatusSeeOther)
	})

	w := ask(t, handler, http.MethodPost, sendPath, "same-origin", form)
	if w.Code != http.StatusBadGateway || len(*failed) != 1 {
		t.Errorf("the answer is %d, and the errors are %v", w.Code, *failed)
	}

	for _, want := range []string{
		"It may have been sent nevertheless. Send it again as it is: the person gets it once.",
		`name="key" value="k1"`,
		"My &lt;words&gt;</textarea>",
		`action="` + sendPath + `"`,
	} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("the page lacks %s:\n%s", want, w.Body)
		}
	}

	if again := ask(t, handler, http.MethodPost, sendPath, "same-origin", form); again.Code != http.StatusSeeOther {
		t.Errorf("the second answer is %d:\n%s", again.Code, again.Body)
	}

	if diff := cmp.Diff([]string{form.Encode(), form.Encode()}, stored); diff != "" {
		t.Errorf("forms at the receiver (-want +got):\n%s", diff)
	}
}

// TestReceiverThatDoesNotAnswer checks what a browser and a program get.
func TestReceiverThatDoesNotAnswer(t *testing.T) {
	handler, failed := passing(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })

	for name, test := range map[string]struct {
		method, path, site string
		form               url.Values
		status             int
		text               string
	}{
		"a page":            {http.MethodGet, "/console/r/shop/sales/", "none", nil, 502, "The page tries again by itself."},
		"the first page":    {http.MethodGet, "/console/", "none", nil, 502, "The receiver cannot be reached."},
		"another act":       {http.MethodPost, "/console/r/shop/sales/dead-letters/replay", "same-origin", nil, 502, "It may have been done nevertheless."},
		"a large form":      {http.MethodPost, sendPath, "same-origin", url.Values{"text": {strings.Repeat("x", console.MaxForm)}}, 502, "It may have been done nevertheless."},
		"a form elsewhere":  {http.MethodPost, sendPath, "cross-site", url.Values{"text": {"words"}}, 403, "cross-origin"},
		"a call of the API": {http.MethodPost, "/v1/dead-letters/replay", "", nil, 502, "EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			*failed = nil

			w := ask(t, handler, test.method, test.path, test.site, test.form)
			if w.Code != test.status || !strings.Contains(w.Body.String(), test.text) || len(*failed) != 1 {
				t.Errorf("the answer is %d, want %d and %q, with one of the errors %v:\n%s", w.Code, test.status, test.text, *failed, w.Body)
			}
		})
	}
}

// TestLargeFormIsPassedOn checks that a form that is not kept reaches the receiver.
func TestLargeFormIsPassedOn(t *testing.T) {
	var got int

	handler, _ := passing(t, func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = len(body)
	})

	form := url.Values{"text": {strings.Repeat("x", 2*console.MaxForm)}}
	if w := ask(t, handler, http.MethodPost, sendPath, "same-origin", form); w.Code != http.StatusOK || got != len(form.Encode()) {
		t.Errorf("the answer is %d, and %d bytes arrived, want %d", w.Code, got, len(form.Encode()))
	}
}
