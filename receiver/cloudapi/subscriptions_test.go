// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
)

var app = App{ID: "77", Secret: "app-secret-value"}

func TestAppAccessToken(t *testing.T) {
	client := newTestClient(t, time.Minute, func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Authorization"); got != "Bearer 77|app-secret-value" || r.URL.Path != "/v27.0/77/subscriptions" {
			t.Errorf("called %s with %q", r.URL.Path, got)
		}

		fmt.Fprint(w, `{"data":[{"object":"page","callback_url":"x"},{"object":"whatsapp_business_account","callback_url":"https://hooks","active":true,"fields":[{"name":"messages"},{"name":"calls"}]}]}`)
	})

	got, err := client.AppSubscription(t.Context(), app)
	if err != nil {
		t.Fatal(err)
	}

	if diff := cmp.Diff(&AppSubscription{
		CallbackURL: "https://hooks",
		Active:      true,
		Fields:      []string{"messages", "calls"},
	}, got); diff != "" {
		t.Errorf("AppSubscription() (-want +got):\n%s", diff)
	}
}

func TestInspectToken(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		answer string
		want   TokenInfo
		code   string
	}{
		"valid": {
			status: 200,
			answer: `{"data":{"app_id":77,"is_valid":true,"expires_at":1800000000,"data_access_expires_at":0,"scopes":["a","b"]}}`,
			want: TokenInfo{
				Valid:     true,
				AppID:     "77",
				ExpiresAt: time.Unix(1800000000, 0).UTC(),
				Scopes:    []string{"a", "b"},
			},
		},
		"invalid": {status: 200, answer: `{"data":{"error":{"code":190},"is_valid":false,"scopes":[]}}`},
		"no data": {
			status: 200,
			answer: `{}`,
			code:   "bad_response",
		},
		"app refused": {
			status: 401,
			answer: `{"error":{"code":190,"message":"the-token and app-secret-value"}}`,
			code:   "190",
		},
		"unknown parameter": {
			status: 400,
			answer: `{"error":{"code":100}}`,
			code:   "100",
		},
		"Meta is down": {
			status: 503,
			answer: `{"error":{"code":2}}`,
			code:   "2",
		},
	} {
		t.Run(name, func(t *testing.T) {
			client := newTestClient(t, time.Minute, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Query().Get("input_token") != "the-token" {
					t.Errorf("called %s", r.URL)
				}

				w.WriteHeader(tc.status)
				fmt.Fprint(w, tc.answer)
			})

			got, err := client.InspectToken(t.Context(), app, "the-token")
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("InspectToken() (-want +got):\n%s", diff)
			}

			if (err == nil) != (tc.code == "") || (err != nil && failure.Of(err).Code != tc.code) {
				t.Errorf("error %v, want code %q", err, tc.code)
			}
		})
	}
}

// TestManagementErrorsContainNoSecret checks that errors contain neither the token nor the app secret of their calls.
func TestManagementErrorsContainNoSecret(t *testing.T) {
	for name, handle := range map[string]http.HandlerFunc{
		"cut off":    func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"no answer":  func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"redirected": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.String(), http.StatusFound) },
		"echoed": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprintf(w, `{"error":{"code":2200,"message":"%s %s HTTP Status Code = 502"}}`, r.URL, r.Header.Get("Authorization"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			timeout := time.Minute
			if name == "no answer" {
				timeout = 50 * time.Millisecond
			}

			client := newTestClient(t, timeout, handle)
			_, inspected := client.InspectToken(t.Context(), app, "the-token")
			subscribed := client.SubscribeApp(t.Context(), app, Destination{"https://hooks", "the-token"}, nil)

			overridden := client.OverrideNumber(t.Context(), "42", Destination{"https://hooks", "the-token"})
			for _, err := range []error{inspected, subscribed, overridden} {
				if err == nil || failure.Of(err).Class == failure.Ambiguous {
					t.Errorf("error %v, want a failure of another class than ambiguous", err)
				}

				if text := fmt.Sprint(err); strings.Contains(text, "the-token") || strings.Contains(text, "app-secret-value") {
					t.Errorf("the error contains a secret: %s", text)
				}
			}

			if name == "echoed" && !strings.Contains(subscribed.Error(), "; it answered HTTP 502") {
				t.Errorf("error %v, want the answer of the callback", subscribed)
			}
		})
	}
}

func TestManagementRefusesInvalidIDs(t *testing.T) {
	client := newTestClient(t, time.Minute, func(_ http.ResponseWriter, r *http.Request) { t.Errorf("called %s", r.URL) })

	const id = "../42"

	_, app := client.AppSubscription(t.Context(), App{ID: id})
	_, account := client.AccountSubscription(t.Context(), id, "77")

	_, number := client.NumberCallbacks(t.Context(), id)
	for _, err := range []error{app, account, number} {
		if failure.Of(err).Code != "bad_id" {
			t.Errorf("error %v, want the id refused", err)
		}
	}
}
