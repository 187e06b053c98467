// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package assistant

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/answer"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/httpclient"
)

// MaxResponseBytes is the size up to which a response is read.
const MaxResponseBytes = 1 << 20

// Client holds the connections to the AI, in each protocol. It is safe for concurrent use.
type Client struct {
	protocols map[config.Protocol]*protocol
	clock     clockwork.Clock
	observe   func(Asked) // nil: none
}

// Asked is a question and what came of it.
type Asked struct {
	Request Request
	Answer  answer.Answer
	Err     error
	At      time.Time // of the question
	Took    time.Duration
}

// AI is the AI of one configuration: its protocol, address and credentials. Use one AI for all calls of an attempt: a request
// for one protocol may lack properties that another protocol needs.
//
// Errors of its methods are of type *failure.Error. A call may be repeated: it has the Idempotency-Key of its request,
// unless it is anonymous. Whether a call may be made now is for the caller to decide (package gate).
type AI struct {
	settings *config.Snapshot
	protocol *protocol
	client   *Client
}

// protocol is a driver with the connections to its peer.
type protocol struct {
	Driver

	http *httpclient.Client
}

// NewClient returns a client that speaks the protocols of drivers, with a pool of up to connections idle connections each. It
// trusts the authorities, as PEM, in addition to those of the system; nil stands for none.
func NewClient(
	drivers map[config.Protocol]Driver,
	authorities func() string,
	connections int,
	clock clockwork.Clock,
) *Client {
	c := &Client{protocols: map[config.Protocol]*protocol{}, clock: clock}

	for name, driver := range drivers {
		peer := driver.Peer()
		c.protocols[name] = &protocol{
			Driver: driver,
			http: httpclient.New(httpclient.Options{
				Clock:       clock,
				Peer:        peer.Name,
				Setting:     peer.Setting,
				Connections: connections,
				Authorities: authorities,
			}),
		}
	}

	return c
}

// Close closes the idle connections.
func (c *Client) Close() {
	for _, p := range c.protocols {
		p.http.Close()
	}
}

// Intercept replaces the transport of all protocols, for tools that record questions and answers.
func (c *Client) Intercept(transport http.RoundTripper) {
	for _, p := range c.protocols {
		p.http.Intercept(transport)
	}
}

// Observe sets a function that is called with every question after the call, in every protocol, before the answer is used. The
// function must return at once. Observe must be called before the first question.
func (c *Client) Observe(observe func(Asked)) { c.observe = observe }

// Of returns the AI of a configuration.
func (c *Client) Of(settings *config.Snapshot) AI {
	return AI{
		settings: settings,
		protocol: c.protocols[settings.Protocol()],
		client:   c,
	}
}

// Enabled reports whether the AI is asked with m.
func (a AI) Enabled(m Method) bool {
	return a.protocol.Enabled(a.settings, m)
}

// Analyzes reports whether files go to the analysis method m, so that the AI is asked with the result as a text.
func (a AI) Analyzes(m Method) bool {
	return a.protocol.Analyzes(a.settings, m)
}

// TakesFile reports whether a file of a MIME type goes to the method m. Otherwise the request has no media.
func (a AI) TakesFile(m Method, mimeType string) bool {
	return a.protocol.TakesFile(a.settings, m, mimeType)
}

// TakesOther reports whether the AI is asked with ProcessOther about messages of a type, when that is enabled.
func (a AI) TakesOther(messageType string) bool {
	return a.protocol.TakesOther(a.settings, messageType)
}

// Address returns the method that stands for all methods with the address of m.
func (a AI) Address(m Method) Method { return a.protocol.Address(m) }

// Ask sends a request to the AI and returns its answer.
func (a AI) Ask(ctx context.Context, r Request) (answer.Answer, error) {
	at := a.client.clock.Now()
	given, err := a.ask(ctx, r)

	if a.client.observe != nil {
		a.client.observe(Asked{
			Request: r,
			Answer:  given,
			Err:     err,
			At:      at,
			Took:    a.client.clock.Since(at),
		})
	}

	return given, err
}

func (a AI) ask(ctx context.Context, r Request) (answer.Answer, error) {
	response, fault := a.protocol.call(ctx, a.settings, r)
	if fault != nil {
		return answer.Answer{}, fault
	}

	decoded, err := a.protocol.Answer(a.settings, r, response)
	if refusal, ok := errors.AsType[*failure.Error](err); ok {
		return answer.Answer{}, refusal
	}

	if err != nil {
		return answer.Answer{}, badResponse(r.Method, err.Error())
	}

	return decoded, nil
}

// Analyze calls one of the analysis methods with the media of r.
func (a AI) Analyze(ctx context.Context, r Request) (Analysis, error) {
	response, fault := a.protocol.call(ctx, a.settings, r)
	if fault != nil {
		return Analysis{}, fault
	}

	analysis, err := a.protocol.Analysis(r.Method, response.Body)
	if err != nil {
		return Analysis{}, badResponse(r.Method, err.Error())
	}

	return analysis, nil
}

// Notify reports the change of a message's status. The response is ignored.
func (a AI) Notify(ctx context.Context, r Request) error {
	if _, fault := a.protocol.call(ctx, a.settings, r); fault != nil {
		return fault
	}

	return nil
}
