// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package flow asks a flow of Bird, or of any other platform, that has one URL for everything (docs/bird-contract.md).
package flow

import (
	"errors"
	"net/http"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/answer"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/httpclient"
)

// Driver implements assistant.Driver.
type Driver struct{}

var peer = assistant.Peer{Name: "the flow", Setting: "bird.baseURL"}

// Peer implements assistant.Driver.
func (Driver) Peer() assistant.Peer { return peer }

// Enabled implements assistant.Driver. A flow answers every run, so no run starts for messages that need no answer: stickers,
// reactions, edits, deletions, and statuses unless the configuration enables them.
func (Driver) Enabled(settings *config.Snapshot, m assistant.Method) bool {
	switch m {
	case assistant.NotifyStatus:
		return settings.Bird.Flow.Statuses
	case assistant.ProcessOther, assistant.ProcessEdit, assistant.ProcessRevoke,
		assistant.AnalyzeImage, assistant.AnalyzeVideo, assistant.TranscribeAudio, assistant.ParseDocument:
		return false
	}

	return true
}

// Analyzes implements assistant.Driver.
func (Driver) Analyzes(*config.Snapshot, assistant.Method) bool { return false }

// TakesFile implements assistant.Driver.
func (Driver) TakesFile(*config.Snapshot, assistant.Method, string) bool { return true }

// TakesOther implements assistant.Driver.
func (Driver) TakesOther(*config.Snapshot, string) bool { return true }

// Credentials implements assistant.Driver.
func (Driver) Credentials(settings *config.Snapshot) []assistant.Credential {
	var credentials []assistant.Credential

	if settings.Bird.AuthScheme != config.AuthNone {
		credentials = append(credentials, assistant.Credential{
			Role:  config.RoleBirdAccessKey,
			Value: settings.Secrets.BirdAccessKey,
		})
	}

	if settings.Bird.Flow.SignatureHeader != "" {
		credentials = append(credentials, assistant.Credential{
			Role:  config.RoleFlowSigningKey,
			Value: settings.Secrets.FlowSigningKey,
		})
	}

	return credentials
}

// Encode implements assistant.Driver. Media that the flow refuses as too large are omitted once.
func (Driver) Encode(settings *config.Snapshot, r assistant.Request) (*assistant.Call, error) {
	request, err := newRequest(settings, r)
	if err != nil {
		return nil, err
	}

	call, err := newCall(settings, request.payload())
	if err != nil || request.transport != assistant.InBase64 {
		return call, err
	}

	call.Smaller = func(refusal *httpclient.Response) *assistant.Call {
		if refusal.Status != http.StatusRequestEntityTooLarge || request.omit() != nil {
			return nil
		}

		smaller, err := newCall(settings, request.payload())
		if err != nil {
			return nil // no smaller form is left: the refusal is the result
		}

		return smaller
	}

	return call, nil
}

func newCall(settings *config.Snapshot, payload *assistant.Payload) (*assistant.Call, error) {
	header := http.Header{"Content-Type": {payload.ContentType()}}
	assistant.Authorize(header, settings)

	if name := settings.Bird.Flow.SignatureHeader; name != "" {
		signature, err := sign(payload, settings.Secrets.FlowSigningKey)
		if err != nil {
			return nil, err
		}

		header.Set(name, signature)
	}

	return &assistant.Call{
		BaseURL: settings.Bird.BaseURL,
		Header:  header,
		Content: payload.Open,
		Length:  payload.Size(),
		Timeout: settings.Bird.Flow.Timeout,
	}, nil
}

// Address implements assistant.Driver: a flow has one address.
func (Driver) Address(assistant.Method) assistant.Method { return assistant.ProcessText }

// Refused implements assistant.Driver. A refusal may concern one message only, such as one that a firewall in front of the
// flow blocks. The gate therefore counts several refusals before it closes the scope of the address.
func (Driver) Refused(r assistant.Request, response *httpclient.Response) *failure.Error {
	f := assistant.Refused(peer, assistant.ProcessText, response) // no method of a flow is optional
	f.Op = string(r.Method)

	switch response.Status {
	case http.StatusNotFound, http.StatusGone:
		f.Class = failure.Configuration
		f.Scope = failure.ScopeAIMethod
		f.Text = "the flow does not exist or is not published: publish it, and check bird.baseURL"
	case http.StatusMethodNotAllowed:
		f.Text = "the flow takes no POST: set the method of its trigger to POST"
	}

	return f
}

// Answer implements assistant.Driver.
func (Driver) Answer(settings *config.Snapshot, _ assistant.Request, response *httpclient.Response) (answer.Answer, error) {
	return assistant.ReadAnswer(settings, response)
}

// Analysis implements assistant.Driver.
func (Driver) Analysis(assistant.Method, []byte) (assistant.Analysis, error) {
	return assistant.Analysis{}, errors.New("a flow has no analysis methods")
}
