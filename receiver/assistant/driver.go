// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package assistant

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/answer"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/httpclient"
)

// Driver encodes the requests of one protocol and decodes its responses. Its methods call nothing, and are safe for
// concurrent use.
type Driver interface {
	// Peer returns how failures name the server and its setting.
	Peer() Peer

	// Enabled reports whether the AI is asked with m.
	Enabled(settings *config.Snapshot, m Method) bool

	// Analyzes reports whether files go to the analysis method m, so that the AI is asked with the result as a text.
	Analyzes(settings *config.Snapshot, m Method) bool

	// TakesFile reports whether a file of a MIME type goes to the method m. Otherwise the request has no media, and the
	// file is not downloaded.
	TakesFile(settings *config.Snapshot, m Method, mimeType string) bool

	// TakesOther reports whether the AI is asked with ProcessOther about messages of a type, when that is enabled.
	TakesOther(settings *config.Snapshot, messageType string) bool

	// Address returns the method that stands for all methods with the address of m. The gate counts their refusals together.
	Address(m Method) Method

	// Credentials returns the secrets that every call needs.
	Credentials(settings *config.Snapshot) []Credential

	// Encode returns the call that makes a request. Its errors may be of type *failure.Error.
	Encode(settings *config.Snapshot, r Request) (*Call, error)

	// Refused classifies a response other than 2xx.
	Refused(r Request, response *httpclient.Response) *failure.Error

	// Answer decodes the 2xx response to a Process method. Its errors name the problem and never repeat the content. An error
	// of type *failure.Error means that the response is a refusal.
	Answer(settings *config.Snapshot, r Request, response *httpclient.Response) (answer.Answer, error)

	// Analysis decodes the 2xx response to an analysis method. Its errors are as those of Answer.
	Analysis(m Method, body []byte) (Analysis, error)
}

// Peer is the server of a protocol, as failures name it.
type Peer struct {
	Name    string // such as Bird
	Setting string // of its address, such as bird.baseURL
}

// Credential is a secret that calls need. An empty Value is missing.
type Credential struct {
	Role  string // in package config
	Value string
}

// Call is one HTTP call. The client adds the headers that all protocols have.
type Call struct {
	BaseURL string
	Path    []string    // below BaseURL
	Header  http.Header // with Content-Type and the credentials; the client adds to it
	// Content opens the body, as often as it has to be sent. Its errors may be of type *failure.Error.
	Content func() (io.ReadCloser, error)
	Length  int64 // of Content, in bytes
	Timeout time.Duration
	// Anonymous calls have no Idempotency-Key, which contains Meta's id of the message, in which the phone number is encoded.
	Anonymous bool
	// Smaller returns the call to make in place of this one, which the server has refused, or nil. That call may have a
	// smaller form in turn. The field is nil if the request has no smaller form.
	Smaller func(refusal *httpclient.Response) *Call
}

// ReadAnswer decodes a 2xx response in any of the forms of the contract. If empty answers mean that the answer comes later, a
// JSON object without an answer is empty too: what a flow returns before it goes on by itself is not documented.
func ReadAnswer(settings *config.Snapshot, response *httpclient.Response) (answer.Answer, error) {
	given, err := answer.Read(answer.Response{
		Status:      response.Status,
		ContentType: response.Header.Get("Content-Type"),
		Body:        response.Body,
	})
	if _, isMissing := errors.AsType[*answer.MissingError](err); isMissing && settings.Bird.EmptyAnswer == config.EmptyLater {
		return answer.Answer{Empty: true}, nil
	}

	return given, err
}

// Analysis is the result of an analysis method.
type Analysis struct {
	// Result is the complete JSON object of the contract, for [TextMessage.Analysis].
	Result json.RawMessage
	// Transcript is the text of an audio, or empty if the AI is not confident enough.
	Transcript string
}
