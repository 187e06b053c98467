// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package assistant

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/httpclient"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/tracing"
)

// maxSmaller bounds how many smaller forms of a request are sent. It is as many as a driver has at most.
const maxSmaller = 6

// call makes a request and returns the 2xx response.
func (p *protocol) call(ctx context.Context, settings *config.Snapshot, r Request) (*httpclient.Response, *failure.Error) {
	if fault := p.checkCredentials(settings, r.Method); fault != nil {
		return nil, fault
	}

	call, err := p.Encode(settings, r)
	if fault, ok := errors.AsType[*failure.Error](err); ok {
		return nil, fault
	}

	if err != nil {
		return nil, &failure.Error{
			Class: failure.Permanent,
			Op:    string(r.Method),
			Code:  CodeBadRequest,
			Text:  "the message cannot be encoded",
		}
	}

	response, fault := p.sendFitting(ctx, call, r)

	switch {
	case fault != nil:
		return nil, fault
	case isRefusal(response):
		return nil, p.Refused(r, response)
	case response.Truncated:
		return nil, badResponse(r.Method, fmt.Sprintf("the answer is larger than %d bytes", MaxResponseBytes))
	}

	return response, nil
}

// sendFitting makes a call. If the server refuses it, and the call has a smaller form for that refusal, it sends the smaller
// form. It returns the last response. All forms together have the timeout of two calls, so slow refusals do not block the
// conversation.
func (p *protocol) sendFitting(ctx context.Context, call *Call, r Request) (*httpclient.Response, *failure.Error) {
	ctx, cancel := context.WithTimeout(ctx, 2*call.Timeout)
	defer cancel()

	response, fault := p.send(ctx, call, r)

	for range maxSmaller {
		if fault != nil || !isRefusal(response) || call.Smaller == nil {
			break
		}

		if call = call.Smaller(response); call == nil {
			break
		}

		response, fault = p.send(ctx, call, r)
	}

	return response, fault
}

func isRefusal(response *httpclient.Response) bool {
	return response.Status < 200 || response.Status > 299
}

func (p *protocol) checkCredentials(settings *config.Snapshot, m Method) *failure.Error {
	for _, credential := range p.Credentials(settings) {
		if credential.Value == "" {
			return &failure.Error{
				Class: failure.Configuration,
				Scope: failure.ScopeAI,
				Op:    string(m),
				Code:  CodeNoAccessKey,
				Text:  "the secret " + credential.Role + " for " + p.Peer().Name + " is missing: create it",
			}
		}

		if fault := httpclient.CheckCredential(string(m), failure.ScopeAI, credential.Role, credential.Value); fault != nil {
			return fault
		}
	}

	return nil
}

// send makes one call and returns the response, whatever its status.
func (p *protocol) send(ctx context.Context, call *Call, r Request) (*httpclient.Response, *failure.Error) {
	response, fault := p.http.Do(ctx, httpclient.Call{
		Op:         string(r.Method),
		Method:     http.MethodPost,
		BaseURL:    call.BaseURL,
		Path:       call.Path,
		Header:     header(ctx, call, r),
		Content:    call.Content,
		Length:     call.Length,
		Timeout:    call.Timeout,
		MaxBody:    MaxResponseBytes,
		Idempotent: true,
	})
	if fault == nil {
		return response, nil
	}

	fault.Op = string(r.Method)
	if fault.Code != CodeNoMedia {
		fault.Scope = failure.ScopeAI
	}

	return nil, fault
}

// header returns the headers of a call, with the headers of every protocol.
func header(ctx context.Context, call *Call, r Request) http.Header {
	var id [16]byte

	rand.Read(id[:]) // crypto/rand never fails

	h := call.Header
	h.Set("Accept", "application/json")

	if !call.Anonymous {
		h.Set("Idempotency-Key", r.IdempotencyKey())
	}

	h.Set("X-Request-Id", hex.EncodeToString(id[:]))
	h.Set("X-Attempt", strconv.Itoa(r.Attempt))
	tracing.Inject(ctx, h)

	return h
}
