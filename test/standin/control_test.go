// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestGraphControl(t *testing.T) {
	graph := NewGraph(GraphOptions{})
	url, client := start(t, graph)
	call := func(method, path, body string) (int, string) {
		t.Helper()
		return do(t, client, request(t, method, url+path, body, "Authorization", "Bearer t"))
	}
	send := func() int {
		status, _ := call(http.MethodPost, "/v27.0/"+testNumber+"/messages", message(`"text":{"body":"hi"}`))
		return status
	}

	status, body := call(http.MethodPost, "/_standin/faults", `{
		"method": "POST",
		"pathPrefix": "/`+testNumber+`/messages",
		"graphError": {"code": 130429, "details": "slow"},
		"retryAfter": "3",
		"times": 1
	}`)
	if status != http.StatusCreated || object(t, body)["id"] != 1.0 {
		t.Fatalf("adding a fault: %d %s", status, body)
	}

	call(http.MethodPost, "/_standin/faults",
		`{"method":"DELETE","delay":"1.5s","hang":true,"cut":"after","afterEffect":true}`)
	_, body = call(http.MethodGet, "/_standin/faults", "")
	second := object(t, body)["faults"].([]any)[1]

	want := map[string]any{
		"id":     2.0,
		"played": 0.0,
		"fault": map[string]any{
			"method":      "DELETE",
			"delay":       "1.5s",
			"hang":        true,
			"cut":         "after",
			"afterEffect": true,
		},
	}
	if diff := cmp.Diff(any(want), second); diff != "" {
		t.Errorf("second fault (-want +got):\n%s", diff)
	}

	if got := graph.Faults.Active()[1].Fault.Delay; got != 1500*time.Millisecond {
		t.Errorf("delay %s", got)
	}

	first := send()
	again := send()

	if first != 400 || again != 200 {
		t.Errorf("sends answered %d and %d, want 400 and 200", first, again)
	}

	for _, tc := range []struct {
		path   string
		status int
	}{{"/2", 204}, {"/2", 404}, {"/1", 404}, {"/x", 404}, {"", 204}} {
		if got, body := call(http.MethodDelete, "/_standin/faults"+tc.path, ""); got != tc.status {
			t.Errorf("DELETE %q: %d %s, want %d", tc.path, got, body, tc.status)
		}
	}

	if len(graph.Faults.Active()) != 0 {
		t.Errorf("active faults: %+v", graph.Faults.Active())
	}

	_, body = call(http.MethodGet, "/_standin/calls?method=POST&path=/"+testNumber, "")
	record := object(t, body)

	calls := record["calls"].([]any)
	if record["total"] != 2.0 || len(calls) != 2 {
		t.Fatalf("calls: %s", body)
	}

	recorded := calls[0].(map[string]any)
	if recorded["fault"] != "status 400" || recorded["status"] != 400.0 ||
		!strings.Contains(recorded["body"].(string), `"hi"`) {
		t.Errorf("first call %v", recorded)
	}

	_, body = call(http.MethodGet, "/_standin/sent", "")
	if sent := object(t, body); sent["total"] != 1.0 || !strings.Contains(body, `"text":"hi"`) {
		t.Errorf("sent: %s", body)
	}

	call(http.MethodDelete, "/_standin/calls", "")

	if graph.Recorder.Total() != 0 || graph.SentLog.Total() != 0 {
		t.Error("calls are recorded after DELETE")
	}

	for _, path := range []string{"/_standin/media/m1", "/_standin/media/m2?sha256=00"} {
		r := request(t, http.MethodPut, url+path, "picture", "Content-Type", "image/png")
		if status, body := do(t, client, r); status != http.StatusNoContent {
			t.Errorf("PUT %s: %d %s", path, status, body)
		}
	}

	if _, body := call(http.MethodGet, "/v27.0/m1", ""); object(t, body)["mime_type"] != "image/png" {
		t.Errorf("lookup of a stored medium: %s", body)
	}

	if _, body := call(http.MethodGet, "/v27.0/m2", ""); object(t, body)["sha256"] != "00" {
		t.Errorf("lookup of a medium stored with a SHA-256: %s", body)
	}
}

func TestBirdControl(t *testing.T) {
	bird := NewBird(BirdOptions{})
	url, client := start(t, bird)
	do(t, client, request(t, http.MethodPost, url+"/v1/messages/text", `{"method":"process_text_message","text":"hi"}`, "X-API-Key", "k"))

	_, body := do(t, client, request(t, http.MethodGet, url+"/_standin/asked", ""))
	if asked := object(t, body); asked["total"] != 1.0 || !strings.Contains(body, "process_text_message") {
		t.Errorf("asked: %s", body)
	}

	if status, _ := do(t, client, request(t, http.MethodGet, url+"/_standin/healthz", "")); status != http.StatusOK {
		t.Errorf("healthz: %d", status)
	}

	if got := bird.Recorder.Total(); got != 1 {
		t.Errorf("%d calls recorded, want 1: the control API is not recorded", got)
	}
}

func TestControlRejectsInvalidFaults(t *testing.T) {
	bird := NewBird(BirdOptions{})

	url, client := start(t, bird)
	for body, want := range map[string]string{
		`{`:                                   "reading the fault",
		`{"statuss":500}`:                     "statuss",
		`{"status":99}`:                       "status 99",
		`{"cut":"middle"}`:                    "before, after or midbody",
		`{"delay":"2"}`:                       "delay",
		`{"delay":"-2s"}`:                     "negative",
		`{"cut":"before","afterEffect":true}`: "exclude",
	} {
		status, answer := do(t, client, request(t, http.MethodPost, url+"/_standin/faults", body))
		if status != http.StatusBadRequest || !strings.Contains(answer, want) {
			t.Errorf("%s: %d %s, want 400 with %q", body, status, answer, want)
		}
	}

	for range maxFaults {
		bird.Faults.Add(Fault{})
	}

	if status, _ := do(t, client, request(t, http.MethodPost, url+"/_standin/faults", `{}`)); status != http.StatusConflict {
		t.Errorf("one fault too many: %d, want 409", status)
	}
}

func TestRulesThroughTheControlAPI(t *testing.T) {
	graph := NewGraph(GraphOptions{})
	url, client := start(t, graph)

	status, body := do(t, client, request(t, http.MethodPut, url+"/_standin/rules", `{"requireAppSecret":true}`))
	if status != http.StatusNoContent || !graph.Rules().RequireAppSecret {
		t.Errorf("setting a rule answered %d %s, rules are %+v", status, body, graph.Rules())
	}

	status, body = do(t, client, request(t, http.MethodPut, url+"/_standin/rules", `{"noSuchRule":true}`))
	if status != http.StatusBadRequest || !graph.Rules().RequireAppSecret {
		t.Errorf("an unknown rule answered %d %s, rules are %+v", status, body, graph.Rules())
	}

	if _, body = do(t, client, request(t, http.MethodGet, url+"/_standin/rules", "")); object(t, body)["requireAppSecret"] != true {
		t.Errorf("the rules are %s", body)
	}
}
