// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/httpclient"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

const maxResponseBytes = 1 << 20

// maxID is the limit of the ids in paths, in bytes.
const maxID = 128

// isID reports whether an id may become part of a path, so that no id changes which endpoint is called.
func isID(id string) bool {
	isForeign := func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && r != '_' && r != '-'
	}

	return id != "" && len(id) <= maxID && !strings.ContainsFunc(id, isForeign)
}

// call is one request to the Graph API.
type call struct {
	op     string // for failures, such as "send message"
	method string
	path   string // below the version
	query  url.Values
	body   []byte // JSON, with POST
	token  string // defaults to the access token
	// proof is the app secret whose proof the call has, or unproven for a call without one. Nil means any proof that Meta
	// accepts.
	proof *string

	// content opens the body instead of body, with its length in bytes and its type.
	content     func() (io.ReadCloser, error)
	length      int64
	contentType string
	timeout     time.Duration // defaults to cloudAPI.timeout
}

// do returns the body of a response with status 200.
func (c *Client) do(ctx context.Context, call call) ([]byte, *failure.Error) {
	settings := c.live.Current()

	token, fault := call.credential(settings)
	if fault != nil {
		return nil, fault
	}

	request := call.request(settings, token)

	var secrets []string
	if call.token == "" && call.proof == nil {
		secrets = settings.Secrets.AppSecrets
	}

	if call.proof != nil {
		request = c.proved(request, *call.proof, token)
	}

	response, fault := c.prove(ctx, request, token, secrets)
	if fault != nil {
		if fault.Class == failure.Configuration {
			fault.Scope = failure.ScopeApp
		}

		return nil, fault
	}

	if response.Status != http.StatusOK || isError(response.Body) {
		return nil, refused(call.op, response, settings.Processing.ErrorPolicies)
	}

	if bytes.HasPrefix(bytes.TrimSpace(response.Body), []byte("<")) { // HTML of a proxy, or of another server
		return nil, &failure.Error{
			Class: failure.Configuration,
			Scope: failure.ScopeApp,
			Op:    call.op,
			Code:  CodeNotGraph,
			Text:  textNotGraph,
		}
	}

	return response.Body, nil
}

// isError reports whether the body of a response with status 200 is an error with a code, and names no message.
func isError(body []byte) bool {
	if !bytes.Contains(body, []byte(`"error"`)) { // as nearly no response does
		return false
	}

	var answer struct {
		Messages json.RawMessage `json:"messages"`
	}

	return json.Unmarshal(body, &answer) == nil && answer.Messages == nil && readError(body, http.StatusOK).Code != whatsapp.NoCode
}

// credential returns the token of the call. It refuses a missing or malformed token.
func (c *call) credential(settings *config.Snapshot) (string, *failure.Error) {
	token := cmp.Or(c.token, settings.Secrets.AccessToken)
	if token == "" {
		return "", &failure.Error{
			Class: failure.Configuration,
			Scope: failure.ScopeApp,
			Op:    c.op,
			Code:  CodeNoAccessToken,
			Text:  "the access token is missing: create its Secret",
		}
	}

	role := config.RoleAccessToken
	if c.token != "" {
		role = config.RoleAppSecret // an app access token contains it
	}

	return token, httpclient.CheckCredential(c.op, failure.ScopeApp, role, token)
}

// request returns the HTTP request of the call, without a proof.
func (c *call) request(settings *config.Snapshot, token string) httpclient.Call {
	header := http.Header{"Authorization": {"Bearer " + token}}

	switch {
	case c.content != nil:
		header.Set("Content-Type", c.contentType)
	case len(c.body) > 0:
		header.Set("Content-Type", "application/json")
	}

	return httpclient.Call{
		Op:      c.op,
		Method:  c.method,
		BaseURL: settings.CloudAPI.BaseURL,
		Path:    []string{settings.CloudAPI.Version, c.path},
		Query:   c.query,
		Header:  header,
		Body:    c.body,
		Content: c.content,
		Length:  c.length,
		Timeout: cmp.Or(c.timeout, settings.CloudAPI.Timeout),
		MaxBody: maxResponseBytes,
	}
}

// prove makes a call with the proof of an app secret. If Meta refuses the proof, which it does before anything else, the
// call is made again with that of the next secret, and then without one. It returns the refusal of a proof if all fail.
func (c *Client) prove(ctx context.Context, call httpclient.Call, token string, secrets []string) (*httpclient.Response, *failure.Error) {
	if len(secrets) == 0 {
		return c.http.Do(ctx, call)
	}

	var refused *httpclient.Response

	for secret := range c.proven.order(secrets) {
		response, fault := c.http.Do(ctx, c.proved(call, secret, token))
		if fault != nil {
			return nil, fault
		}

		if !isProofRefused(response) {
			c.proven.remember(secret)

			return response, nil
		}

		if secret != unproven {
			refused = response
		}
	}

	return refused, nil
}

// proved returns a call with the proof of a secret, or unchanged if the secret is unproven.
func (c *Client) proved(call httpclient.Call, secret, token string) httpclient.Call {
	if secret == unproven {
		return call
	}

	query := url.Values{proofParameter: {c.proven.proof(secret, token)}}
	maps.Copy(query, call.Query)
	call.Query = query

	return call
}

// isProofRefused reports whether Meta refused a call because its proof is wrong or missing.
func isProofRefused(response *httpclient.Response) bool {
	if response.Status == http.StatusOK && !isError(response.Body) {
		return false
	}

	subcode := readError(response.Body, response.Status).Subcode

	return subcode == proofInvalid || subcode == proofMissing
}

// refused classifies a response other than 200 by Meta's error code, as Meta advises, not by its title or HTTP status.
func refused(op string, response *httpclient.Response, policies map[int]config.ErrorPolicy) *failure.Error {
	f := Classify(op, readError(response.Body, response.Status), policies)
	f.RetryAfter = response.RetryAfter

	if f.Class == failure.RateLimited {
		f.RetryAfter = max(f.RetryAfter, regainAccess(response.Header))
	}

	if f.Code == CodeCallbackUnverified {
		f.Text += callbackResponse(response.Body)
	}

	return f
}
