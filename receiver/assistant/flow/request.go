// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package flow

import (
	"cmp"
	"encoding/json"
	"fmt"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
)

// request is a request in the form of a flow: the properties of the contract, with a text whatever the type.
type request struct {
	method     assistant.Method
	properties map[string]json.RawMessage
	media      *assistant.Media // nil: none
	transport  assistant.Transport
	limit      int64 // of the body, in bytes
	body       []byte
}

func newRequest(settings *config.Snapshot, r assistant.Request) (*request, error) {
	fields, err := assistant.EncodeBody(r.Method, r.Body)
	if err != nil {
		return nil, err
	}

	q := &request{
		method: r.Method,
		media:  r.Media,
		limit:  settings.Bird.Flow.MaxBodyBytes,
	}
	if err := json.Unmarshal(fields, &q.properties); err != nil {
		return nil, fmt.Errorf("encode the message: %w", err)
	}

	if err := q.set("text", textOf(r)); err != nil {
		return nil, err
	}

	if err := q.complete(settings.Bird.Media.Transport); err != nil {
		return nil, err
	}

	return q, nil
}

// complete encodes the request. Its media are in it if all of it fits, unless they are to be linked.
func (r *request) complete(setting config.MediaTransport) error {
	if r.media == nil {
		return r.fit()
	}

	if setting == config.TransportURL && r.media.Link != "" {
		return r.omit()
	}

	if err := r.carry(assistant.InBase64); err != nil || r.payload().Size() <= r.limit {
		return err
	}

	return r.omit()
}

// textOf returns the text that a flow reads if it reads nothing else: the person's own words, if there are any.
func textOf(r assistant.Request) string {
	var words string

	switch body := r.Body.(type) {
	case assistant.ImageMessage:
		words = body.Caption
	case assistant.VideoMessage:
		words = body.Caption
	case assistant.DocumentMessage:
		words = body.Caption
	case assistant.ListInteraction:
		words = body.ListTitle
	case assistant.StatusNotification:
		words = "[status " + body.Status + "]"
	}

	return cmp.Or(words, r.Text)
}

func (r *request) set(property string, value any) error {
	raw, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encode %s: %w", property, err)
	}

	r.properties[property] = raw

	return nil
}

// carry encodes the request with a transport of its media.
func (r *request) carry(how assistant.Transport) (err error) {
	r.transport = how

	if r.properties["media"], err = r.media.Describe(how); err != nil {
		return err
	}

	return r.encode()
}

// omit leaves the bytes of the media out. A link takes their place if there is one.
func (r *request) omit() error {
	how := assistant.Omitted
	if r.media.Link != "" {
		how = assistant.AsLink
	}

	if err := r.carry(how); err != nil {
		return err
	}

	return r.fit()
}

func (r *request) encode() (err error) {
	if r.body, err = json.Marshal(r.properties); err != nil {
		return fmt.Errorf("encode the request: %w", err)
	}

	return nil
}

// payload returns the body of the request.
func (r *request) payload() *assistant.Payload {
	if r.transport != assistant.InBase64 {
		return assistant.NewJSON(r.body)
	}

	head := fmt.Appendf(nil, `%s,%q:"`, r.body[:len(r.body)-1], r.method.MediaKey())

	return assistant.NewBase64(head, r.media, []byte(`"}`))
}
