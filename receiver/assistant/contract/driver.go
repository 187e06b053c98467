// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package contract speaks the Bird bridge contract (docs/bird-contract.md): a path for each method below one address.
package contract

import (
	"fmt"
	"net/http"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/answer"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/httpclient"
)

// Driver implements assistant.Driver.
type Driver struct{}

var peer = assistant.Peer{Name: "Bird", Setting: "bird.baseURL"}

// Peer implements assistant.Driver.
func (Driver) Peer() assistant.Peer { return peer }

// Enabled implements assistant.Driver. By default all methods are enabled except ProcessOther.
func (Driver) Enabled(settings *config.Snapshot, m assistant.Method) bool {
	return *endpoint(settings.Bird, m).Enabled
}

// Analyzes implements assistant.Driver.
func (d Driver) Analyzes(settings *config.Snapshot, m assistant.Method) bool {
	return settings.Bird.Media.Mode == config.MediaAnalyze && d.Enabled(settings, m)
}

// TakesFile implements assistant.Driver.
func (Driver) TakesFile(*config.Snapshot, assistant.Method, string) bool { return true }

// TakesOther implements assistant.Driver.
func (Driver) TakesOther(*config.Snapshot, string) bool { return true }

// Credentials implements assistant.Driver.
func (Driver) Credentials(settings *config.Snapshot) []assistant.Credential {
	return []assistant.Credential{{Role: config.RoleBirdAccessKey, Value: settings.Secrets.BirdAccessKey}}
}

// Encode implements assistant.Driver. Media that is too large in base64 is sent once more as multipart.
func (Driver) Encode(settings *config.Snapshot, r assistant.Request) (*assistant.Call, error) {
	var how assistant.Transport
	if r.Media != nil {
		how = chooseTransport(settings.Bird.Media.Transport, r.Media)
	}

	call, err := newCall(settings, r, how)
	if err != nil || how != assistant.InBase64 {
		return call, err
	}

	call.Smaller = func(refusal *httpclient.Response) *assistant.Call {
		if refusal.Status != http.StatusRequestEntityTooLarge {
			return nil
		}

		streamed, err := newCall(settings, r, assistant.InMultipart)
		if err != nil {
			return nil // no smaller form is left: the refusal is the result
		}

		return streamed
	}

	return call, nil
}

func newCall(settings *config.Snapshot, r assistant.Request, how assistant.Transport) (*assistant.Call, error) {
	payload, err := encode(r, how)
	if err != nil {
		return nil, err
	}

	target := endpoint(settings.Bird, r.Method)
	header := http.Header{"Content-Type": {payload.ContentType()}}
	assistant.Authorize(header, settings)

	return &assistant.Call{
		BaseURL: settings.Bird.BaseURL,
		Path:    []string{target.Path},
		Header:  header,
		Content: payload.Open,
		Length:  payload.Size(),
		Timeout: target.Timeout,
	}, nil
}

// Address implements assistant.Driver: each method has its own path.
func (Driver) Address(m assistant.Method) assistant.Method { return m }

// Refused implements assistant.Driver.
func (Driver) Refused(r assistant.Request, response *httpclient.Response) *failure.Error {
	return assistant.Refused(peer, r.Method, response)
}

// Answer implements assistant.Driver.
func (Driver) Answer(settings *config.Snapshot, _ assistant.Request, response *httpclient.Response) (answer.Answer, error) {
	return assistant.ReadAnswer(settings, response)
}

// Analysis implements assistant.Driver.
func (Driver) Analysis(m assistant.Method, body []byte) (assistant.Analysis, error) {
	return parseAnalysis(m, body)
}

// encode returns the body of r. The transport is ignored without media.
func encode(r assistant.Request, how assistant.Transport) (*assistant.Payload, error) {
	fields, err := assistant.EncodeBody(r.Method, r.Body)
	if err != nil {
		return nil, err
	}

	if r.Media == nil {
		return assistant.NewJSON(fields), nil
	}

	about, err := r.Media.Describe(how)
	if err != nil {
		return nil, err
	}

	fields = append(fields[:len(fields)-1], `,"media":`...)
	fields = append(fields, about...)

	switch how {
	case assistant.AsLink:
		return assistant.NewJSON(append(fields, '}')), nil
	case assistant.InBase64:
		fields = fmt.Appendf(fields, `,%q:"`, r.Method.MediaKey())

		return assistant.NewBase64(fields, r.Media, []byte(`"}`)), nil
	}

	payload := assistant.Part{
		Name:        "payload",
		ContentType: "application/json",
		Body:        append(fields, '}'),
	}

	return assistant.NewMultipart([]assistant.Part{payload}, "media", r.Media)
}
