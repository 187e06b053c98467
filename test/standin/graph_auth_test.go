// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// proofOf returns appsecret_proof.
func proofOf(secret, token string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(token))

	return hex.EncodeToString(mac.Sum(nil))
}

func TestAppSecretProof(t *testing.T) {
	const (
		missing = "API calls from the server require an appsecret_proof argument"
		wrong   = "Invalid appsecret_proof provided in the API argument"
	)

	for name, tc := range map[string]struct {
		require bool
		proof   string
		message string // empty if the call is accepted
	}{
		"not required":                    {},
		"not required, right":             {proof: proofOf("secret", "token")},
		"not required, of another app":    {proof: proofOf("other", "token"), message: wrong},
		"required":                        {require: true, message: missing},
		"required, right":                 {require: true, proof: proofOf("secret", "token")},
		"required, of another app":        {require: true, proof: proofOf("other", "token"), message: wrong},
		"required, of another token":      {require: true, proof: proofOf("secret", "old"), message: wrong},
		"required, key and token swapped": {require: true, proof: proofOf("token", "secret"), message: wrong},
	} {
		t.Run(name, func(t *testing.T) {
			graph := NewGraph(GraphOptions{AccessTokens: []string{"token"}, AppSecret: "secret"})
			graph.SetRules(func(r *Rules) { r.RequireAppSecret = tc.require })
			url, client := start(t, graph)
			graph.PutMedia("1001", "image/png", []byte("png"))

			for what, r := range map[string]*http.Request{
				"send":    request(t, http.MethodPost, url+"/v27.0/1/messages?appsecret_proof="+tc.proof, message(`"text":{"body":"hi"}`), "Authorization", "Bearer token"),
				"look up": request(t, http.MethodGet, url+"/v27.0/1001?appsecret_proof="+tc.proof, "", "Authorization", "Bearer token"),
			} {
				status, body := do(t, client, r)
				if tc.message == "" {
					if status != http.StatusOK {
						t.Errorf("%s answered %d %s, want 200", what, status, body)
					}

					continue
				}

				got := object(t, body)["error"].(map[string]any)
				delete(got, "fbtrace_id")

				want := map[string]any{
					"message": tc.message,
					"type":    "GraphMethodException",
					"code":    100.0,
				}

				if diff := cmp.Diff(want, got); status != http.StatusBadRequest || diff != "" {
					t.Errorf("%s answered %d (-want +got):\n%s", what, status, diff)
				}
			}
		})
	}
}

// TestUnseenNumber lets the token see one of two numbers. Meta answers for the other as for an unknown number.
func TestUnseenNumber(t *testing.T) {
	graph := NewGraph(GraphOptions{PhoneNumberIDs: []string{"1", "2"}})
	graph.SetRules(func(r *Rules) { r.UnseenNumbers = []string{"2"} })
	url, client := start(t, graph)

	for number, seen := range map[string]bool{"1": true, "2": false, "3": false} {
		status, body := do(t, client, request(t, http.MethodPost, url+"/v27.0/"+number+"/messages", message(`"text":{"body":"hi"}`), "Authorization", "Bearer token"))
		if seen {
			if status != http.StatusOK {
				t.Errorf("number %s answered %d %s, want 200", number, status, body)
			}

			continue
		}

		failure := object(t, body)["error"].(map[string]any)
		if status != http.StatusBadRequest || failure["code"] != 100.0 || failure["error_subcode"] != 33.0 {
			t.Errorf("number %s answered %d %s, want code 100 and subcode 33", number, status, body)
		}
	}
}

func TestAPIErrorHasEveryFieldOfGraph(t *testing.T) {
	fault := APIError{
		Code:        135000,
		Subcode:     2494010,
		Message:     "Try again",
		Details:     "busy",
		UserTitle:   "Busy",
		UserMessage: "Please try again.",
		Transient:   true,
	}.Fault()

	got := object(t, fault.Body)["error"].(map[string]any)
	delete(got, "fbtrace_id")

	want := map[string]any{
		"message":          "Try again",
		"type":             "OAuthException",
		"code":             135000.0,
		"error_subcode":    2494010.0,
		"is_transient":     true,
		"error_user_title": "Busy",
		"error_user_msg":   "Please try again.",
		"error_data":       map[string]any{"messaging_product": "whatsapp", "details": "busy"},
	}
	if diff := cmp.Diff(want, got); fault.Status != http.StatusBadRequest || diff != "" {
		t.Errorf("status %d (-want +got):\n%s", fault.Status, diff)
	}
}

// TestReplacedAppSecret replaces the secret of the app while the Graph serves.
func TestReplacedAppSecret(t *testing.T) {
	graph := NewGraph(GraphOptions{AppSecret: "old"})
	url, client := start(t, graph)
	graph.SetAppSecret("next")

	for secret, want := range map[string]int{"old": http.StatusBadRequest, "next": http.StatusOK} {
		status, body := do(t, client, request(t, http.MethodPost, url+"/v27.0/1/messages?appsecret_proof="+proofOf(secret, "token"),
			message(`"text":{"body":"hi"}`), "Authorization", "Bearer token"))
		if status != want {
			t.Errorf("a proof of the secret %q answered %d %s, want %d", secret, status, body, want)
		}
	}
}
