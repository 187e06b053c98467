// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package doctor_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/doctor"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// post posts a request to a handler.
func post(t *testing.T, handler http.Handler, body string) *httptest.ResponseRecorder {
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, doctor.Path, strings.NewReader(body))
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, request)

	return answer
}

func TestHandler(t *testing.T) {
	h := newHarness(t)
	h.start()

	handler := h.doctor().Handler()

	for body, want := range map[string]int{
		`{"only":["disk","configuration"]}`: http.StatusOK,
		`{"only":["no-such-check"]}`:        http.StatusBadRequest,
		`[]`:                                http.StatusBadRequest,
	} {
		if answer := post(t, handler, body); answer.Code != want {
			t.Errorf("%s is answered %d %s, want %d", body, answer.Code, answer.Body, want)
		}
	}

	var report doctor.Report
	if err := json.Unmarshal(post(t, handler, `{"only":["disk","configuration"]}`).Body.Bytes(), &report); err != nil {
		t.Fatal(err)
	}

	if len(report.Checks) != 4 || report.Checks[3].Name != "disk" || report.Version != "test" {
		t.Errorf("the report is %+v, want the checks of the configuration and of the disk", report)
	}
}

// TestOneRequestAtATime checks that a second request is refused while the checks run.
func TestOneRequestAtATime(t *testing.T) {
	h := newHarness(t)
	h.start()

	handler := h.doctor().Handler()
	h.Bird.Faults.Add(standin.Fault{Hang: true})

	first := make(chan int)
	go func() { first <- post(t, handler, `{"only":["ai"]}`).Code }()

	for len(h.Bird.Recorder.Calls()) == 0 {
		if t.Context().Err() != nil {
			t.Fatal("the AI was not probed")
		}
	}

	if answer := post(t, handler, ""); answer.Code != http.StatusConflict || answer.Header().Get("Retry-After") == "" {
		t.Errorf("a second request is answered %d, want 409 with Retry-After", answer.Code)
	}

	h.Bird.Close()

	if code := <-first; code != http.StatusOK {
		t.Errorf("the first request is answered %d, want 200", code)
	}
}

// TestWithoutProcess checks which checks a person's machine skips, and that no public URL is not a failure.
func TestWithoutProcess(t *testing.T) {
	h := newHarness(t)
	h.options.Config.CloudAPI.Subscription = nil
	h.start()

	parts := h.doctor().Dependencies
	parts.Process = nil

	skipped := map[string]bool{}

	report := doctor.New(parts).Run(t.Context(), doctor.Request{Only: []string{"receiver", "public-url", "app-live"}})
	for _, check := range report.Checks {
		skipped[check.Name] = check.State == doctor.Skipped
	}

	if skipped["store"] && skipped["dns"] && skipped["app-live"] && report.Failures == 0 {
		return
	}

	t.Errorf("the report is %+v, want that all checks are skipped", report)
}
