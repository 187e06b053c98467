// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package messagesapi

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/outbound"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/signature"
)

// caller is who makes a request.
type caller struct {
	role outbound.Role
	// requestID is the webhook-id of a signed request, else empty.
	requestID string
}

// credential is a key with its role.
type credential struct {
	role outbound.Role
	key  string
}

// credentials returns the keys of the configured roles, and the roles of secrets that have none. Keys of desks come last, so
// that a key in both roles is a desk's.
func credentials(settings *config.Snapshot) (all []credential, missing []string) {
	roles := settings.MessagesAPI.Roles

	for _, role := range []struct {
		role   outbound.Role
		name   config.MessagesRole
		secret string
		keys   []string
	}{
		{outbound.Assistant, config.MessagesAssistant, config.RoleAssistantKey, settings.Secrets.AssistantKeys},
		{outbound.Desk, config.MessagesDesk, config.RoleDeskKey, settings.Secrets.DeskKeys},
	} {
		if !slices.Contains(roles, role.name) {
			continue
		}

		if len(role.keys) == 0 {
			missing = append(missing, role.secret)
		}

		for _, key := range role.keys {
			all = append(all, credential{role.role, key})
		}
	}

	return all, missing
}

// authenticate sets the caller and the body of a request. The body is read once a bearer token is known to be right, or to
// check a signature.
func (a *API) authenticate(w http.ResponseWriter, req *request) error {
	known, missing := credentials(req.settings)
	if len(known) == 0 {
		a.Log.Error("request to the messages API answered 503: it has no keys", "missing", missing)

		return unavailable("the messages API has no keys yet: create the secret " + strings.Join(missing, " or "))
	}

	header := req.Header
	isSigned := header.Get("Authorization") == "" && signature.ID(header) != ""

	var found bool

	if !isSigned {
		req.caller.role, found = bearer(header, known)
		if !found {
			return a.unauthorized()
		}
	}

	if err := a.readBody(w, req); err != nil {
		return err
	}

	if isSigned {
		req.caller.role, found = signer(header, req.body, known, a.Clock.Now())
		if !found {
			return a.unauthorized()
		}

		req.caller.requestID = signature.ID(header)
	}

	return nil
}

// bearer returns the role of the key in a header. It compares every key in constant time, so that timing does not reveal
// which key matched or how closely, and digests, which hide their lengths.
//
// Source: https://www.rfc-editor.org/rfc/rfc6750#section-2.1
func bearer(header http.Header, known []credential) (role outbound.Role, found bool) {
	scheme, token, _ := strings.Cut(header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", false
	}

	given := sha256.Sum256([]byte(strings.TrimSpace(token)))

	for _, c := range known {
		wanted := sha256.Sum256([]byte(c.key))
		if subtle.ConstantTimeCompare(given[:], wanted[:]) == 1 {
			role = c.role
			found = true
		}
	}

	return role, found
}

// signer returns the role of the key with which a request is signed. It tries every key.
func signer(header http.Header, body []byte, known []credential, now time.Time) (role outbound.Role, found bool) {
	for _, c := range known {
		if signature.NewKey(c.key).Verify(header, body, now) == nil {
			role = c.role
			found = true
		}
	}

	return role, found
}

// unauthorized refuses a request without a right credential. It does not say why.
func (a *API) unauthorized() error {
	if !a.refusals.AllowN(a.Clock.Now(), 1) {
		return tooMany("too many requests with wrong credentials")
	}

	a.Log.Warn("request to the messages API refused: it has no key or signature that is known")

	return &problem{
		status:  http.StatusUnauthorized,
		code:    "unauthorized",
		message: "give a key as a bearer token, or a signature by Standard Webhooks",
		header: http.Header{
			"Www-Authenticate": {`Bearer realm="messages"`},
			"Connection":       {"close"}, // the rest of the body stays unread
		},
	}
}
