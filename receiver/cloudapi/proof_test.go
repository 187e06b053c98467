// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
)

// proofServer answers like a Graph API whose app has the secret, and requires a proof of it. It counts the calls.
type proofServer struct {
	secret   string
	optional bool   // calls without a proof are accepted
	status   int    // of refusals
	answer   string // of calls with a proof
	calls    int
	client   *Client
}

func newProofServer(t *testing.T, secret string, mounted ...string) *proofServer {
	s := &proofServer{
		secret: secret,
		status: http.StatusBadRequest,
		answer: `{"messages":[{"id":"wamid.9"}],"url":"https://example.com","success":true}`,
	}
	server := httptest.NewServer(s)
	s.client = NewClient(config.Fixed(config.Config{
		CloudAPI: config.CloudAPI{BaseURL: server.URL, Timeout: time.Minute},
	}, config.Secrets{AccessToken: "token", AppSecrets: mounted}), 1, clockwork.NewRealClock())
	t.Cleanup(func() { s.client.Close(); server.Close() })

	return s
}

func (s *proofServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.calls++

	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	mac := hmac.New(sha256.New, []byte(s.secret))
	mac.Write([]byte(token))

	proof := r.URL.Query().Get("appsecret_proof")
	isApp := strings.Contains(token, "|")

	refusal := ""
	switch {
	case isApp && proof != "":
		refusal = "an app access token needs no proof"
	case !isApp && proof == "" && !s.optional:
		refusal = "API calls from the server require an appsecret_proof argument"
	case !isApp && proof != "" && proof != hex.EncodeToString(mac.Sum(nil)):
		refusal = "Invalid appsecret_proof provided in the API argument"
	}

	if refusal != "" {
		w.WriteHeader(s.status)
		fmt.Fprintf(w, `{"error":{"message":%q,"type":"GraphMethodException","code":100}}`, refusal)

		return
	}

	fmt.Fprint(w, s.answer)
}

func (s *proofServer) send(t *testing.T) *failure.Error {
	t.Helper()

	if _, err := s.client.Send(t.Context(), "42", []byte(`{}`)); err != nil {
		return failure.Of(err)
	}

	return nil
}

func TestCallsProveTheAppSecret(t *testing.T) {
	s := newProofServer(t, "secret", "secret")
	for name, call := range map[string]func() error{
		"send":      func() error { _, err := s.client.Send(t.Context(), "42", []byte(`{}`)); return err },
		"mark read": func() error { return s.client.MarkRead(t.Context(), "42", "wamid.1") },
		"look up":   func() error { _, err := s.client.MediaInfo(t.Context(), "42", "7"); return err },
		"subscribe": func() error { return s.client.SubscribeAccount(t.Context(), "9") },
		"as the app": func() error {
			return s.client.SubscribeApp(t.Context(), App{ID: "5", Secret: "secret"}, Destination{}, nil)
		},
	} {
		if err := call(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheAppSecretThatWorksIsRemembered(t *testing.T) {
	s := newProofServer(t, "c", "a", "b", "c", "d")

	if f := s.send(t); f != nil || s.calls != 3 {
		t.Errorf("the first send made %d calls and failed with %v, want success at the third", s.calls, f)
	}

	if f := s.send(t); f != nil || s.calls != 4 {
		t.Errorf("two sends made %d calls and failed with %v, want one call for the second", s.calls, f)
	}

	s.secret = "d" // the app's secret was replaced

	if f := s.send(t); f != nil || s.calls != 8 {
		t.Errorf("three sends made %d calls and failed with %v, want all secrets tried again", s.calls, f)
	}
}

func TestRefusedProofIsAConfigurationError(t *testing.T) {
	for name, tc := range map[string]struct {
		mounted []string
		text    string
		calls   int
	}{
		"no secret":              {nil, "mount the app's secret", 1},
		"secrets of another app": {[]string{"x", "y"}, "access token was issued for", 3},
	} {
		t.Run(name, func(t *testing.T) {
			s := newProofServer(t, "secret", tc.mounted...)

			f := s.send(t)
			if f == nil || f.Class != failure.Configuration || f.Scope != failure.ScopeApp || !strings.Contains(f.Text, tc.text) {
				t.Errorf("failure = %+v, want a configuration error of the app with %q", f, tc.text)
			}

			if s.calls != tc.calls {
				t.Errorf("%d calls, want %d", s.calls, tc.calls)
			}
		})
	}
}

// The access token can be of another app than the mounted secrets. That app may not require a proof.
func TestNoProofIsSentIfTheTokenIsOfAnotherApp(t *testing.T) {
	s := newProofServer(t, "secret", "x", "y")
	s.optional = true

	if f := s.send(t); f != nil || s.calls != 3 {
		t.Errorf("the first send made %d calls and failed with %v, want success without a proof", s.calls, f)
	}

	if f := s.send(t); f != nil || s.calls != 4 {
		t.Errorf("two sends made %d calls and failed with %v, want one call for the second", s.calls, f)
	}

	s.optional = false
	s.secret = "y"

	if f := s.send(t); f != nil || s.calls != 7 {
		t.Errorf("three sends made %d calls and failed with %v, want the proof once it is required", s.calls, f)
	}
}

// A gateway can answer every call with 200.
func TestRefusalOfAProofWithStatus200(t *testing.T) {
	s := newProofServer(t, "y", "x", "y")
	s.status = http.StatusOK

	if f := s.send(t); f != nil || s.calls != 2 {
		t.Errorf("%d calls failed with %v, want success with the second secret", s.calls, f)
	}
}

// A refusal of the message itself is not a reason to try another secret.
func TestRefusedMessageIsSentOnce(t *testing.T) {
	calls := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		calls++

		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error":{"code":131026}}`)
	}))
	t.Cleanup(server.Close)

	client := NewClient(config.Fixed(config.Config{
		CloudAPI: config.CloudAPI{BaseURL: server.URL, Timeout: time.Minute},
	}, config.Secrets{AccessToken: "token", AppSecrets: []string{"a", "b"}}), 1, clockwork.NewRealClock())
	t.Cleanup(client.Close)

	if _, err := client.Send(t.Context(), "42", []byte(`{}`)); failure.Of(err).Code != "131026" || calls != 1 {
		t.Errorf("%d calls failed with %v, want one", calls, err)
	}
}

func TestOrderOfSecrets(t *testing.T) {
	var p proven

	secrets := []string{"a", "b", "c"}
	if got, want := slices.Collect(p.order(secrets)), []string{"a", "b", "c", unproven}; !slices.Equal(got, want) {
		t.Errorf("order = %q at first, want %q", got, want)
	}

	p.remember("b")

	if got, want := slices.Collect(p.order(secrets)), []string{"b", "a", "c", unproven}; !slices.Equal(got, want) {
		t.Errorf("order = %q, want %q", got, want)
	}

	if got, want := slices.Collect(p.order([]string{"d"})), []string{"d", unproven}; !slices.Equal(got, want) {
		t.Errorf("order = %q without the remembered secret, want %q", got, want)
	}

	p.remember(unproven)

	if got, want := slices.Collect(p.order([]string{"d"})), []string{unproven, "d"}; !slices.Equal(got, want) {
		t.Errorf("order = %q once calls work without a proof, want %q", got, want)
	}
}

func TestProofFollowsSecretAndToken(t *testing.T) {
	var p proven

	for _, pair := range [][2]string{{"a", "token"}, {"a", "token"}, {"a", "other"}, {"b", "other"}, {"a", "token"}} {
		if got, want := p.proof(pair[0], pair[1]), appSecretProof(pair[0], pair[1]); got != want {
			t.Errorf("proof of %v = %s, want %s", pair, got, want)
		}
	}
}
