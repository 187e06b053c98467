// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"regexp"
	"strconv"
	"sync/atomic"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/httpclient"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

const (
	maxAnswerBytes = 1 << 20
	userAgent      = "whatsapp-webhook-receiver"
)

// graphID is what an id may be that goes into a path, so that none leads to another place.
var graphID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)

func isID(id string) bool { return graphID.MatchString(id) }

// call is one request to the Graph API.
type call struct {
	op     string // for errors, such as "send message"
	method string
	path   string // below the version
	query  url.Values
	body   []byte // JSON, with POST
	token  string // where it is not the access token
}

// do returns the body of the answer, which was 200. Errors are of type *failure.Error.
func (c *Client) do(ctx context.Context, call call) ([]byte, error) {
	op := call.op
	settings := c.live.Current()

	token := cmp.Or(call.token, settings.Secrets.AccessToken)
	if token == "" {
		return nil, &failure.Error{
			Class: failure.Configuration,
			Scope: failure.ScopeApp,
			Op:    op,
			Code:  CodeNoAccessToken,
			Text:  "the access token is missing: create its Secret",
		}
	}

	ctx, cancel := context.WithTimeout(ctx, settings.CloudAPI.Timeout)
	defer cancel()

	var written atomic.Bool

	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteHeaders: func() { written.Store(true) }, // from here on Meta may have read all of a small body
	})

	address, err := url.Parse(settings.CloudAPI.BaseURL)
	if err != nil {
		return nil, badURL(op)
	}

	address = address.JoinPath(settings.CloudAPI.Version, call.path)
	address.RawQuery = call.query.Encode()

	request, err := http.NewRequestWithContext(ctx, call.method, address.String(), bytes.NewReader(call.body))
	if err != nil {
		return nil, badURL(op)
	}

	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("User-Agent", userAgent)

	if len(call.body) > 0 {
		request.Header.Set("Content-Type", "application/json")
	}

	response, err := c.http.Do(request)
	if err != nil {
		return nil, unanswered(op, err, written.Load())
	}
	defer response.Body.Close()

	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswerBytes))
	if err != nil {
		return nil, unanswered(op, err, true)
	}

	if response.StatusCode != http.StatusOK {
		return nil, c.refused(op, response, answer, settings.Processing.ErrorPolicies)
	}

	return answer, nil
}

func badURL(op string) error {
	return &failure.Error{
		Class: failure.Configuration,
		Op:    op,
		Code:  httpclient.CodeBadURL,
		Text:  "cloudAPI.baseURL is no URL",
	}
}

// unanswered classifies a call that got no answer. The cause is not repeated: its text names addresses.
func unanswered(op string, cause error, written bool) error {
	text := "the connection to Meta failed"

	code := "no_connection"
	if errors.Is(cause, context.DeadlineExceeded) {
		text = "Meta did not answer in time"
		code = httpclient.CodeTimeout
	}

	if written {
		return &failure.Error{
			Class: failure.Ambiguous,
			Op:    op,
			Code:  code,
			Text:  text + " after the request was sent",
		}
	}

	return &failure.Error{
		Class: failure.Transient,
		Op:    op,
		Code:  code,
		Text:  text,
	}
}

// refused classifies an answer other than 200 by Meta's code, as Meta advises, not by title or HTTP status.
func (c *Client) refused(op string, response *http.Response, answer []byte, policies map[int]config.ErrorPolicy) error {
	code := errorBodyCode(answer)
	e := &failure.Error{
		Op:         op,
		Code:       strconv.Itoa(code),
		RetryAfter: failure.ParseRetryAfter(response.Header.Get("Retry-After"), c.clock.Now()),
	}
	e.Class, e.Scope, e.Text = Meaning(code, response.StatusCode, policies)

	if code == whatsapp.NoCode {
		e.Code = httpclient.StatusCode(response.StatusCode)
	}

	if e.Code == CodeCallbackUnverified {
		e.Text += verificationAnswer(answer)
	}

	return e
}
