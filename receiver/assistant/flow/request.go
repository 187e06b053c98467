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
func (q *request) complete(setting config.MediaTransport) error {
	if q.media == nil {
		return q.fit()
	}

	if setting == config.TransportURL && q.media.Link != "" {
		return q.omit()
	}

	if err := q.carry(assistant.InBase64); err != nil || q.payload().Size() <= q.limit {
		return err
	}

	return q.omit()
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

func (q *request) set(property string, value any) error {
	raw, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encode %s: %w", property, err)
	}

	q.properties[property] = raw

	return nil
}

// carry encodes the request with a transport of its media.
func (q *request) carry(how assistant.Transport) (err error) {
	q.transport = how

	if q.properties["media"], err = q.media.Describe(how); err != nil {
		return err
	}

	return q.encode()
}

// omit leaves the bytes of the media out. A link takes their place if there is one.
func (q *request) omit() error {
	how := assistant.Omitted
	if q.media.Link != "" {
		how = assistant.AsLink
	}

	if err := q.carry(how); err != nil {
		return err
	}

	return q.fit()
}

func (q *request) encode() (err error) {
	if q.body, err = json.Marshal(q.properties); err != nil {
		return fmt.Errorf("encode the request: %w", err)
	}

	return nil
}

// payload returns the body of the request.
func (q *request) payload() *assistant.Payload {
	if q.transport != assistant.InBase64 {
		return assistant.NewJSON(q.body)
	}

	head := fmt.Appendf(nil, `%s,%q:"`, q.body[:len(q.body)-1], q.method.MediaKey())

	return assistant.NewBase64(head, q.media, []byte(`"}`))
}
