// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
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

// accepted reports whether a credential is known. If known is empty, any non-empty credential is accepted.
func accepted(known []string, credential string) bool {
	if len(known) == 0 {
		return credential != ""
	}

	return slices.ContainsFunc(known, func(k string) bool {
		return subtle.ConstantTimeCompare([]byte(k), []byte(credential)) == 1
	})
}

// authorizeUser accepts the access token of a user or system user, and checks the proof of the app secret.
func (g *Graph) authorizeUser(r *http.Request) *problem {
	if !accepted(g.options.AccessTokens, bearer(r)) {
		return invalidToken()
	}

	if p := g.tokenProblem(); p != nil {
		return p
	}

	return g.checkProof(r)
}

func invalidToken() *problem {
	return &problem{
		code:     190,
		title:    "Invalid OAuth access token - Cannot parse access token",
		verbatim: true,
	}
}

// checkProof checks appsecret_proof, the HMAC-SHA256 of the access token under the app secret. Meta refuses a wrong one
// always, and a missing one if the app requires it. An app access token contains the secret and needs none.
//
// Source: https://developers.facebook.com/docs/graph-api/guides/secure-requests
func (g *Graph) checkProof(r *http.Request) *problem {
	proof := r.URL.Query().Get("appsecret_proof")
	secret := g.appSecret()

	switch {
	case proof == "" && g.Rules().RequireAppSecret:
		return badMethod(0, "API calls from the server require an appsecret_proof argument")
	case proof == "" || secret == "":
		return nil
	}

	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(bearer(r)))

	if want := hex.EncodeToString(mac.Sum(nil)); subtle.ConstantTimeCompare([]byte(proof), []byte(want)) != 1 {
		return badMethod(0, "Invalid appsecret_proof provided in the API argument")
	}

	return nil
}

// systemUser is the id of the user of the access tokens.
const systemUser = "122000000000000001"

// tokenProblem returns why the access tokens are no longer valid, or nil.
func (g *Graph) tokenProblem() *problem {
	switch {
	case g.Rules().TokenRevoked:
		return &problem{
			code:     190,
			subcode:  460,
			title:    "Error validating access token: The session has been invalidated",
			verbatim: true,
		}
	case g.tokenExpired():
		return &problem{
			code:     190,
			subcode:  463,
			title:    "Error validating access token: Session has expired",
			verbatim: true,
		}
	}

	return nil
}

func (g *Graph) tokenExpired() bool {
	return !g.options.TokenExpiresAt.IsZero() && !g.options.Clock.Now().Before(g.options.TokenExpiresAt)
}

func (g *Graph) authorizeApp(r *http.Request) *problem {
	if g.options.AppID != "" && r.PathValue("id") != g.options.AppID {
		return unknownObject(r, r.PathValue("id"))
	}

	if accepted(g.appTokens(), bearer(r)) {
		return nil
	}

	return &problem{
		code:  190,
		title: "This method must be called with an app access_token.",
	}
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

	return []string{g.options.AppID + "|" + g.appSecret()}
}

// debugToken serves GET /debug_token. It returns all fields of an expired token, but only an error for an unknown token.
func (g *Graph) debugToken(r *http.Request) (any, *problem) {
	token := r.URL.Query().Get("input_token")
	if token == "" {
		return nil, invalid("The parameter input_token is required.")
	}

	if !accepted(g.options.AccessTokens, token) {
		return map[string]any{"data": map[string]any{
			"error":    map[string]any{"code": 190, "message": "Invalid OAuth access token - Cannot parse access token"},
			"is_valid": false,
			"scopes":   []string{},
		}}, nil
	}

	expires := int64(0)
	if at := g.options.TokenExpiresAt; !at.IsZero() {
		expires = at.Unix()
	}

	rules := g.Rules()

	scopes := g.options.TokenScopes
	if rules.TokenScopes != nil {
		scopes = rules.TokenScopes
	}

	granular := []map[string]any{}
	for _, scope := range scopes {
		granular = append(granular, map[string]any{"scope": scope})
	}

	invalid := g.tokenProblem()

	data := map[string]any{
		"app_id":                 cmp.Or(rules.TokenApp, g.options.AppID),
		"type":                   "SYSTEM_USER",
		"application":            "Stand-in",
		"data_access_expires_at": 0,
		"expires_at":             expires,
		"is_valid":               invalid == nil,
		"issued_at":              1700000000,
		"scopes":                 scopes,
		"granular_scopes":        granular,
		"user_id":                systemUser,
	}
	if invalid != nil {
		data["error"] = map[string]any{
			"code":    invalid.code,
			"subcode": invalid.subcode,
			"message": invalid.title,
		}
	}

	return map[string]any{"data": data}, nil
}
