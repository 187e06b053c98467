// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jonboulle/clockwork"
)

// callback serves a webhook that accepts Meta's verification with the token "right".
func callback(t *testing.T) string {
	t.Helper()

	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		switch {
		case r.URL.Path == "/moved":
			http.Redirect(w, r, "/", http.StatusFound)
		case query.Get("hub.mode") != "subscribe" || query.Get("hub.verify_token") != "right":
			w.WriteHeader(http.StatusForbidden)
		case r.URL.Path == "/silent":
		default:
			_, _ = io.WriteString(w, query.Get("hub.challenge"))
		}
	}))
	t.Cleanup(server.Close)

	return server.URL
}

// newGraphWithApp returns a Graph with an app; its client closes every connection.
func newGraphWithApp(t *testing.T) *Graph {
	t.Helper()

	client := newCallbackClient()
	client.Transport = &http.Transport{DisableKeepAlives: true}

	return NewGraph(GraphOptions{
		AccessTokens:   []string{"token"},
		AppID:          "77",
		AppSecret:      "s",
		CallbackClient: client,
	})
}

func TestAppSubscription(t *testing.T) {
	graph := newGraphWithApp(t)
	target, client := start(t, graph)
	hook := callback(t)
	call := func(method, path, body, token string) (int, string) {
		return do(t, client, request(t, method, target+path, body, "Authorization", "Bearer "+token,
			"Content-Type", "application/x-www-form-urlencoded"))
	}

	form := func(callbackURL, verifyToken string) string {
		return url.Values{
			"object":       {whatsAppObject},
			"callback_url": {callbackURL},
			"verify_token": {verifyToken},
			"fields":       {"messages,calls"},
		}.Encode()
	}
	for _, tc := range []struct {
		name    string
		path    string
		body    string
		token   string
		status  int
		code    int
		message string
	}{
		{
			name:    "wrong verify token",
			body:    form(hook, "wrong"),
			status:  400,
			code:    2200,
			message: "(#2200) Callback verification failed with the following errors: HTTP Status Code = 403",
		},
		{
			name:    "no challenge in the answer",
			body:    form(hook+"/silent", "right"),
			status:  400,
			code:    2200,
			message: "challenge",
		},
		{name: "redirect", body: form(hook+"/moved", "right"), status: 400, code: 2200, message: "302"},
		{
			name:    "connection refused",
			body:    form("http://127.0.0.1:1", "right"),
			status:  400,
			code:    2200,
			message: "curl_errno",
		},
		{name: "no URL", body: form("", "right"), status: 400, code: 100},
		{name: "URL that is not http", body: form("ftp://x", "right"), status: 400, code: 100},
		{name: "no verify token", body: form(hook, ""), status: 400, code: 100},
		{name: "another object", body: "object=page", status: 400, code: 100},
		{name: "user token", body: form(hook, "right"), token: "token", status: 401, code: 190},
		{name: "another app", path: "/v27.0/78/subscriptions", body: form(hook, "right"), status: 400, code: 100},
		{name: "right", body: form(hook, "right"), status: 200},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := "/v27.0/77/subscriptions"
			token := "77|s"

			if tc.path != "" {
				path = tc.path
			}

			if tc.token != "" {
				token = tc.token
			}

			status, body := call(http.MethodPost, path, tc.body, token)
			if status != tc.status || errorCode(t, body) != tc.code || !strings.Contains(body, tc.message) {
				t.Errorf("%d %s, want %d, code %d, %q", status, body, tc.status, tc.code, tc.message)
			}
		})
	}

	list := func() any {
		_, body := call(http.MethodGet, "/v27.0/77/subscriptions", "", "77|s")
		return object(t, body)["data"]
	}
	field := func(name string) any { return map[string]any{"name": name, "version": "v27.0"} }

	want := []any{map[string]any{
		"object":       whatsAppObject,
		"callback_url": hook,
		"active":       true,
		"fields":       []any{field("messages"), field("calls")},
	}}
	if diff := cmp.Diff(any(want), list()); diff != "" {
		t.Errorf("subscriptions (-want +got):\n%s", diff)
	}

	call(http.MethodDelete, "/v27.0/77/subscriptions?object="+whatsAppObject+"&fields=calls", "", "77|s")

	want[0].(map[string]any)["fields"] = []any{field("messages")}
	if diff := cmp.Diff(any(want), list()); diff != "" {
		t.Errorf("subscriptions without calls (-want +got):\n%s", diff)
	}

	call(http.MethodDelete, "/v27.0/77/subscriptions?object="+whatsAppObject, "", "77|s")

	if diff := cmp.Diff(any([]any{}), list()); diff != "" {
		t.Errorf("subscriptions after DELETE (-want +got):\n%s", diff)
	}
}

func TestOverrides(t *testing.T) {
	graph := newGraphWithApp(t)
	target, client := start(t, graph)
	hook := callback(t)
	account := "/v27.0/9001/subscribed_apps"
	number := "/v27.0/" + testNumber
	override := `{"override_callback_uri":"` + hook + `","verify_token":"right"}`

	app := func(uri string) map[string]any {
		app := map[string]any{"whatsapp_business_api_data": map[string]any{
			"id":   "77",
			"link": "https://www.facebook.com/games/?app_id=77",
			"name": "Stand-in",
		}}
		if uri != "" {
			app["override_callback_uri"] = uri
		}

		return app
	}
	for _, step := range []struct {
		name   string
		method string
		path   string
		body   string
		status int
		code   int
		want   map[string]any
	}{
		{name: "not subscribed", method: "GET", path: account, status: 200, want: map[string]any{"data": []any{}}},
		{name: "override too early", method: "POST", path: account, body: override, status: 400, code: 100},
		{name: "subscribe", method: "POST", path: account, status: 200, want: map[string]any{"success": true}},
		{name: "subscribed", method: "GET", path: account, status: 200, want: map[string]any{"data": []any{app("")}}},
		{
			name:   "override with the wrong token",
			method: "POST",
			path:   account,
			body:   strings.Replace(override, "right", "wrong", 1),
			status: 400,
			code:   2200,
		},
		{
			name:   "override too long",
			method: "POST",
			path:   account,
			body:   strings.Replace(override, hook, hook+"/"+strings.Repeat("x", 200), 1),
			status: 400,
			code:   100,
		},
		{
			name:   "override",
			method: "POST",
			path:   account,
			body:   override,
			status: 200,
			want:   map[string]any{"success": true},
		},
		{name: "overridden", method: "GET", path: account, status: 200, want: map[string]any{"data": []any{app(hook)}}},
		{name: "number without configuration", method: "POST", path: number, body: `{}`, status: 400, code: 100},
		{
			name:   "number without override",
			method: "POST",
			path:   number,
			body:   `{"webhook_configuration":{}}`,
			status: 400,
			code:   100,
		},
		{
			name:   "number with the wrong token",
			method: "POST",
			path:   number,
			body:   `{"webhook_configuration":{"override_callback_uri":"` + hook + `","verify_token":"wrong"}}`,
			status: 400,
			code:   2200,
		},
		{
			name:   "number",
			method: "POST",
			path:   number,
			body:   `{"webhook_configuration":` + override + `}`,
			status: 200,
			want:   map[string]any{"success": true},
		},
		{
			name:   "number overridden",
			method: "GET",
			path:   number + "?fields=webhook_configuration",
			status: 200,
			want: map[string]any{
				"id": testNumber, "webhook_configuration": map[string]any{"phone_number": hook, "whatsapp_business_account": hook},
			},
		},
		{
			name:   "number override removed",
			method: "POST",
			path:   number,
			body:   `{"webhook_configuration":{"override_callback_uri":""}}`,
			status: 200,
			want:   map[string]any{"success": true},
		},
		{name: "account override removed", method: "POST", path: account, status: 200, want: map[string]any{"success": true}},
		{
			name:   "number without override again",
			method: "GET",
			path:   number + "?fields=webhook_configuration",
			status: 200,
			want: map[string]any{
				"id": testNumber, "webhook_configuration": map[string]any{},
			},
		},
		{name: "unsubscribe", method: "DELETE", path: account, status: 200, want: map[string]any{"success": true}},
		{name: "unsubscribed", method: "GET", path: account, status: 200, want: map[string]any{"data": []any{}}},
	} {
		r := request(t, step.method, target+step.path, step.body, "Authorization", "Bearer token")
		status, body := do(t, client, r)

		if status != step.status || errorCode(t, body) != step.code {
			t.Errorf("%s: %d %s, want %d, code %d", step.name, status, body, step.status, step.code)
		}

		if step.want != nil {
			if diff := cmp.Diff(step.want, object(t, body)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", step.name, diff)
			}
		}
	}
}

func TestDebugToken(t *testing.T) {
	target, client := start(t, newGraphWithApp(t))
	for _, tc := range []struct {
		name, query, token string
		status             int
		valid              any
	}{
		{name: "of the account", query: "?input_token=token", token: "77|s", status: 200, valid: true},
		{name: "by itself", query: "?input_token=token", token: "token", status: 200, valid: true},
		{name: "unknown", query: "?input_token=other", token: "77|s", status: 200, valid: false},
		{name: "none", token: "77|s", status: 400},
		{name: "not allowed", query: "?input_token=token", token: "other", status: 401},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := request(t, http.MethodGet, target+"/v27.0/debug_token"+tc.query, "", "Authorization", "Bearer "+tc.token)
			status, body := do(t, client, r)

			data, _ := object(t, body)["data"].(map[string]any)
			if status != tc.status || data["is_valid"] != tc.valid {
				t.Errorf("%d %s, want %d, is_valid %v", status, body, tc.status, tc.valid)
			}
		})
	}
}

func TestExpiredToken(t *testing.T) {
	at := time.Unix(1800000000, 0)
	graph := NewGraph(GraphOptions{
		AccessTokens:   []string{"token"},
		AppID:          "77",
		AppSecret:      "s",
		TokenExpiresAt: at,
		TokenScopes:    []string{"whatsapp_business_messaging"},
		Clock:          clockwork.NewFakeClockAt(at),
	})
	target, client := start(t, graph)
	_, body := do(t, client, request(t, http.MethodGet, target+"/v27.0/debug_token?input_token=token", "",
		"Authorization", "Bearer 77|s"))

	data, _ := object(t, body)["data"].(map[string]any)
	if data["is_valid"] != false || data["expires_at"] != 1.8e9 ||
		cmp.Diff([]any{"whatsapp_business_messaging"}, data["scopes"]) != "" {
		t.Errorf("debug_token = %s, want the token expired, with one scope", body)
	}

	status, body := do(t, client, request(t, http.MethodGet, target+"/v27.0/9001/subscribed_apps", "",
		"Authorization", "Bearer token"))
	if status != http.StatusUnauthorized || errorCode(t, body) != 190 {
		t.Errorf("a call with the expired token: %d %s, want 401, code 190", status, body)
	}
}
