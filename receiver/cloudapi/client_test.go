// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"go.uber.org/goleak"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/httpclient"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newTestClient(t *testing.T, timeout time.Duration, handle http.HandlerFunc) *Client {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body json.RawMessage

		_ = json.NewDecoder(r.Body).Decode(&body)
		handle(w, r)
	}))
	client := NewClient(config.Fixed(config.Config{
		CloudAPI: config.CloudAPI{BaseURL: server.URL, Timeout: timeout},
	}, config.Secrets{AccessToken: "token"}), 1, clockwork.NewRealClock())
	t.Cleanup(func() { client.Close(); server.Close() })

	return client
}

func TestSend(t *testing.T) {
	client := newTestClient(t, time.Minute, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v27.0/42/messages" || r.Header.Get("Authorization") != "Bearer token" || r.Header.Get("User-Agent") == "" {
			t.Errorf("called %s with %v", r.URL.Path, r.Header)
		}

		w.Write([]byte(`{"messages":[{"id":"wamid.9"}]}`))
	})

	id, err := client.Send(t.Context(), "42", []byte(`{}`))
	if err != nil || id != "wamid.9" {
		t.Errorf("Send() = %q, %v", id, err)
	}
}

func TestSendClassifiesFailures(t *testing.T) {
	code := func(status, code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			fmt.Fprintf(w, `{"error":{"message":"(#%d) +573001234567","code":%d}}`, code, code)
		}
	}

	body := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) }
	}

	for name, tc := range map[string]struct {
		handle http.HandlerFunc
		class  failure.Class
		code   string
	}{
		"expired token":                   {code(401, 190), failure.Configuration, "190"},
		"permission":                      {code(403, 250), failure.Configuration, "250"},
		"throughput":                      {code(400, 130429), failure.RateLimited, "130429"},
		"pair rate":                       {code(400, 131056), failure.RateLimited, "131056"},
		"undeliverable":                   {code(400, 131026), failure.Permanent, "131026"},
		"outside the 24 hours":            {code(400, 131047), failure.TemplateRequired, "131047"},
		"service unavailable":             {code(500, 131016), failure.Ambiguous, "131016"},
		"something went wrong":            {code(500, 131000), failure.Ambiguous, "131000"},
		"unknown code below 500":          {code(400, 999999), failure.Permanent, "999999"},
		"unknown code from 500":           {code(500, 999999), failure.Ambiguous, "999999"},
		"gateway's own page":              {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(502) }, failure.Ambiguous, "http_502"},
		"limited by a gateway":            {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(429) }, failure.RateLimited, "http_429"},
		"200 without an id":               {func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(`{}`)) }, failure.Ambiguous, "bad_response"},
		"200 with an expired token":       {code(200, 190), failure.Configuration, "190"},
		"200 with a missing permission":   {code(200, 200), failure.Configuration, "200"},
		"200 with a limit":                {code(200, 130429), failure.RateLimited, "130429"},
		"200 with something that failed":  {code(200, 131000), failure.Ambiguous, "131000"},
		"200 with an error of no code":    {body(`{"error":{"message":"x"}}`), failure.Ambiguous, "bad_response"},
		"200 with an error of no message": {body(`{"error":null}`), failure.Ambiguous, "bad_response"},
		"redirect is not followed": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusTemporaryRedirect)
		}, failure.Configuration, "http_307"},
		"page of another server":    {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404); fmt.Fprint(w, "<html>404</html>") }, failure.Configuration, "http_404"},
		"error of another API":      {code(404, 404), failure.Configuration, "http_404"},
		"200 with a proxy's page":   {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "\n<!DOCTYPE html>") }, failure.Configuration, "not_graph"},
		"cut off before the answer": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, failure.Ambiguous, "no_connection"},
		"cut off within the answer": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			w.Write([]byte(`{`))
			panic(http.ErrAbortHandler)
		}, failure.Ambiguous, "no_connection"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := newTestClient(t, time.Minute, tc.handle).Send(t.Context(), "42", []byte(`{}`))
			if f := failure.Of(err); f.Class != tc.class || f.Code != tc.code {
				t.Errorf("failure = %+v, want class %s, code %s", f, tc.class, tc.code)
			}
		})
	}
}

// roundTripper is a transport that is one function.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestSendWithoutAnAnswerIsAmbiguous(t *testing.T) {
	client := newTestClient(t, time.Millisecond, nil)
	client.http.Intercept(roundTripper(func(r *http.Request) (*http.Response, error) {
		httptrace.ContextClientTrace(r.Context()).WroteHeaders()
		<-r.Context().Done()

		return nil, r.Context().Err()
	}))

	_, err := client.Send(t.Context(), "42", []byte(`{}`))
	if f := failure.Of(err); f.Class != failure.Ambiguous || f.Code != "timeout" {
		t.Errorf("failure = %+v, want an ambiguous timeout", f)
	}
}

func TestSendWithoutConnectionIsTransient(t *testing.T) {
	client := NewClient(config.Fixed(config.Config{CloudAPI: config.CloudAPI{BaseURL: "http://127.0.0.1:1"}}, config.Secrets{AccessToken: "token"}), 1, clockwork.NewRealClock())
	defer client.Close()

	_, err := client.Send(t.Context(), "42", []byte(`{}`))
	if f := failure.Of(err); f.Class != failure.Transient {
		t.Errorf("failure = %+v, want transient", f)
	}
}

func TestSendWithoutUsableTokenIsAConfigurationError(t *testing.T) {
	for token, code := range map[string]string{
		"":              CodeNoAccessToken,
		"token\nsecond": httpclient.CodeBadCredential,
	} {
		settings := config.Fixed(config.Config{
			CloudAPI: config.CloudAPI{BaseURL: "http://127.0.0.1:1"},
		}, config.Secrets{AccessToken: token})
		client := NewClient(settings, 1, clockwork.NewRealClock())

		_, err := client.Send(t.Context(), "42", []byte(`{}`))
		if f := failure.Of(err); f.Class != failure.Configuration || f.Scope != failure.ScopeApp || f.Code != code {
			t.Errorf("token %q: failure = %+v, want the configuration error %s of the app", token, f, code)
		}

		_, err = client.AppSubscription(t.Context(), App{ID: "7", Secret: "secret\nsecond"})
		if f := failure.Of(err); token != "" && !strings.Contains(f.Text, config.RoleAppSecret) {
			t.Errorf("failure = %+v, want one that names the app secret", f)
		}

		client.Close()
	}
}

func TestSendReportsTheScope(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"error":{"code":%q}}`, strings.Split(r.URL.Path, "/")[2])
	}))
	defer server.Close()

	client := NewClient(config.Fixed(config.Config{
		CloudAPI:   config.CloudAPI{BaseURL: server.URL},
		Processing: config.Processing{ErrorPolicies: map[int]config.ErrorPolicy{131026: {Class: "rate_limited", Scope: "recipient"}}},
	}, config.Secrets{AccessToken: "token"}), 1, clockwork.NewRealClock())
	defer client.Close()

	for code, want := range map[string]failure.Error{
		"130429": {Class: failure.RateLimited, Scope: failure.ScopeNumber},
		"131056": {Class: failure.RateLimited, Scope: failure.ScopePair},
		"131026": {Class: failure.RateLimited, Scope: failure.ScopeRecipient},
		"190":    {Class: failure.Configuration, Scope: failure.ScopeApp},
	} {
		_, err := client.Send(t.Context(), code, []byte(`{}`))
		if f := failure.Of(err); f.Class != want.Class || f.Scope != want.Scope || f.RetryAfter != 7*time.Second {
			t.Errorf("code %s: failure = %+v, want class %s, scope %s and 7 s", code, f, want.Class, want.Scope)
		}
	}
}

// Meta says in a header when it expects to accept calls again.
func TestSendReportsWhenAccessReturns(t *testing.T) {
	usage := func(minutes string) string {
		return `{"42":[{"type":"whatsapp","call_count":101,"estimated_time_to_regain_access":0}],` +
			`"43":[{"type":"whatsapp","total_time":1,"estimated_time_to_regain_access":` + minutes + `}]}`
	}
	for name, tc := range map[string]struct {
		code   int
		header string
		want   time.Duration
	}{
		"limited for minutes": {80007, usage("19"), 19 * time.Minute},
		"more than a day":     {80007, usage("1e9"), 24 * time.Hour},
		"less than nothing":   {80007, usage("-5"), 0},
		"as text":             {80007, usage(`"19"`), 19 * time.Minute},
		"not limited":         {131026, usage("19"), 0},
		"no header":           {80007, "", 0},
		"not JSON":            {80007, "19", 0},
	} {
		t.Run(name, func(t *testing.T) {
			client := newTestClient(t, time.Minute, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("X-Business-Use-Case-Usage", tc.header)
				w.WriteHeader(http.StatusBadRequest)
				fmt.Fprintf(w, `{"error":{"code":%d}}`, tc.code)
			})

			_, err := client.Send(t.Context(), "42", []byte(`{}`))
			if f := failure.Of(err); f.RetryAfter != tc.want {
				t.Errorf("failure = %+v, want a wait of %v", f, tc.want)
			}
		})
	}
}

func TestIDsCannotChangeThePath(t *testing.T) {
	client := newTestClient(t, time.Minute, func(http.ResponseWriter, *http.Request) { t.Error("called") })
	for _, id := range []string{"", "..", "../../me", "1/2", "1?x=y", "1%2f2", "1#", strings.Repeat("1", 129)} {
		_, sendErr := client.Send(t.Context(), id, []byte(`{}`))

		_, mediaErr := client.MediaInfo(t.Context(), "42", id)
		for _, err := range []error{sendErr, mediaErr} {
			if f := failure.Of(err); f.Class != failure.Permanent || (id != "" && strings.Contains(f.Error(), id+" ")) {
				t.Errorf("id %q: failure = %+v, want permanent, without the id", id, f)
			}
		}
	}
}
