// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"crypto/subtle"
	"net/http"
	"slices"
	"strings"
)

func bearer(r *http.Request) string {
	token, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !found {
		return ""
	}
	return strings.TrimSpace(token)
}

// accepted reports whether a credential is one of those known; with none known any but the empty one is.
func accepted(known []string, credential string) bool {
	if len(known) == 0 {
		return credential != ""
	}
	return slices.ContainsFunc(known, func(k string) bool {
		return subtle.ConstantTimeCompare([]byte(k), []byte(credential)) == 1
	})
}

func (g *Graph) authorizeUser(r *http.Request) *problem {
	if accepted(g.options.AccessTokens, bearer(r)) {
		return nil
	}
	return &problem{code: 190, title: "Invalid OAuth access token - Cannot parse access token", status: http.StatusUnauthorized}
}

func (g *Graph) authorizeApp(r *http.Request) *problem {
	if g.options.AppID != "" && r.PathValue("id") != g.options.AppID {
		return unknownObject(r.PathValue("id"))
	}
	if accepted(g.appTokens(), bearer(r)) {
		return nil
	}
	return &problem{code: 190, title: "This method must be called with an app access_token.", status: http.StatusUnauthorized}
}

func (g *Graph) authorizeAny(r *http.Request) *problem {
	if g.options.AppID != "" && accepted(g.appTokens(), bearer(r)) {
		return nil
	}
	return g.authorizeUser(r)
}

func (g *Graph) appTokens() []string {
	if g.options.AppID == "" {
		return nil
	}
	return []string{g.options.AppID + "|" + g.options.AppSecret}
}

// debugToken serves GET /debug_token; a token of the app does not expire and holds both WhatsApp permissions.
func (g *Graph) debugToken(r *http.Request) (any, *problem) {
	token := r.URL.Query().Get("input_token")
	if token == "" {
		return nil, invalid("The parameter input_token is required.")
	}
	if !accepted(g.options.AccessTokens, token) {
		return map[string]any{"data": map[string]any{
			"error":    map[string]any{"code": 190, "message": "Invalid OAuth access token - Cannot parse access token"},
			"is_valid": false, "scopes": []string{},
		}}, nil
	}
	scopes := []string{"whatsapp_business_management", "whatsapp_business_messaging"}
	granular := []map[string]any{{"scope": scopes[0]}, {"scope": scopes[1]}}
	return map[string]any{"data": map[string]any{
		"app_id": g.options.AppID, "type": "SYSTEM_USER", "application": "Stand-in",
		"data_access_expires_at": 0, "expires_at": 0, "is_valid": true, "issued_at": 1700000000,
		"scopes": scopes, "granular_scopes": granular, "user_id": "122000000000000001",
	}}, nil
}
