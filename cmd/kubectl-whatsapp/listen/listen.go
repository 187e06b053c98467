// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package listen copies the questions of a running receiver to a bridge on this machine. What that bridge answers is shown
// and never sent.
package listen

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/bridgetest"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/answer"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant/contract"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant/flow"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/questions"
)

const (
	// maxLine bounds a line of the stream, in bytes. A question with all that Meta sends is far smaller.
	maxLine = 4 << 20
	// inFlight bounds the questions that the bridge has at the same time, and maxQueued the waiting ones. Further ones
	// are lost: the stream is read without a pause, since the receiver ends a stream that pauses.
	inFlight  = 8
	maxQueued = 64
	// silence is how long nothing may come before the connection counts as broken. The receiver writes every ten seconds.
	silence = 30 * time.Second
	// firstDelay and lastDelay are the shortest and the longest pause before the receiver is called again.
	firstDelay = 500 * time.Millisecond
	lastDelay  = 10 * time.Second
)

// ErrEnded ends the copying when Options.Each returns it.
var ErrEnded = errors.New("ended")

// Bridge is the bridge on this machine.
type Bridge struct {
	URL        string
	Flow       bool // one URL for everything
	Key        string
	AuthScheme config.AuthScheme
	Timeout    time.Duration // of one answer; 0: that of the contract
}

// Options select the questions to copy.
type Options struct {
	// Open opens the stream of questions. It returns a response with status 200, or an error after which Retry decides.
	Open  func(context.Context) (*http.Response, error)
	Retry func(error) bool
	Bridge
	// Each gets each question with the answer of the bridge. An error ends the copying.
	Each func(Result) error
	// Lost gets how many questions were lost, since the bridge or the connection is slow.
	Lost func(int64)
	// Connected and Broken are called when the stream begins and breaks.
	Connected func()
	Broken    func(cause error, pause time.Duration)
}

// Result is a question with the answers of the receiver's AI and of the bridge.
type Result struct {
	Question *questions.Question `json:"question"`
	Bridge   Outcome             `json:"bridge"`
}

// Outcome is what the bridge answered.
type Outcome struct {
	Kinds        []answer.Kind `json:"kinds"`
	Texts        []string      `json:"texts"`
	Handoff      bool          `json:"handoff"`
	Later        bool          `json:"later"`
	Failure      string        `json:"failure,omitempty"` // its text
	Milliseconds int64         `json:"milliseconds"`
}

// copier copies questions to one bridge.
type copier struct {
	Options

	ai     assistant.AI
	mu     sync.Mutex // of Each and Lost
	ended  error
	cancel context.CancelFunc
}

// Run copies questions until ctx ends or Each returns an error.
func Run(ctx context.Context, o Options) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()

	client := assistant.NewClient(map[config.Protocol]assistant.Driver{
		config.ProtocolContract: contract.Driver{},
		config.ProtocolFlow:     flow.Driver{},
	}, nil, inFlight, clockwork.NewRealClock())
	defer client.Close()

	c := &copier{
		Options: o,
		ai:      client.Of(o.settings().Current()),
		cancel:  cancel,
	}

	for pause := firstDelay; ; pause = min(2*pause, lastDelay) {
		connected, err := c.stream(ctx)
		if ctx.Err() != nil {
			return c.result(ctx)
		}

		if err != nil && !o.Retry(err) {
			return err
		}

		if connected {
			pause = firstDelay
		}

		o.Broken(err, pause)

		select {
		case <-ctx.Done():
			return c.result(ctx)
		case <-time.After(pause):
		}
	}
}

func (c *copier) result(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()

	if c.ended != nil {
		return c.ended
	}

	return ctx.Err()
}

// settings returns the configuration of a receiver in front of the bridge.
func (b Bridge) settings() *config.Live {
	bird := config.Bird{BaseURL: b.URL, AuthScheme: b.AuthScheme}

	if b.Flow {
		bird.Protocol = config.ProtocolFlow
		bird.Flow.Timeout = b.Timeout
	} else {
		bird.Endpoints = map[string]config.Endpoint{}
		for _, m := range bridgetest.Methods() {
			bird.Endpoints[string(m)] = config.Endpoint{Timeout: b.Timeout, Enabled: new(true)}
		}
	}

	return config.Fixed(config.Config{Bird: bird}, config.Secrets{BirdAccessKey: b.Key})
}

// stream copies questions until the stream ends. connected reports whether it began.
func (c *copier) stream(ctx context.Context) (connected bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()

	response, err := c.Open(ctx)
	if err != nil {
		return false, err
	}
	defer response.Body.Close()

	c.Connected()

	broken := time.AfterFunc(silence, cancel)
	defer broken.Stop()

	queue := make(chan *questions.Question, maxQueued)

	var asking sync.WaitGroup
	defer asking.Wait()
	defer close(queue)

	for range inFlight {
		asking.Go(func() {
			for q := range queue {
				c.forward(ctx, q)
			}
		})
	}

	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, maxLine)

	for lines.Scan() {
		broken.Reset(silence)

		var line questions.Line
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return true, fmt.Errorf("read a line of the receiver: %w", err)
		}

		switch {
		case line.Kind == questions.KindLost:
			c.lose(line.Lost)
		case line.Kind == questions.KindQuestion && line.Question != nil:
			select {
			case queue <- line.Question:
			default:
				c.lose(1)
			}
		}
	}

	if err := lines.Err(); err != nil {
		return true, fmt.Errorf("read the questions: %w", err)
	}

	return true, errors.New("the receiver has ended the stream")
}

func (c *copier) lose(n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()

	c.Lost(n)
}

// forward asks the bridge and reports both answers.
func (c *copier) forward(ctx context.Context, q *questions.Question) {
	outcome := c.ask(ctx, q)

	c.mu.Lock()
	defer c.mu.Unlock()

	if c.ended != nil || ctx.Err() != nil {
		return
	}

	if err := c.Each(Result{Question: q, Bridge: outcome}); err != nil {
		c.ended = err
		c.cancel()
	}
}

func (c *copier) ask(ctx context.Context, q *questions.Question) Outcome {
	outcome := Outcome{Kinds: []answer.Kind{}, Texts: []string{}}

	request, err := decode(q)
	if err != nil {
		outcome.Failure = err.Error()
		return outcome
	}

	if !c.ai.Enabled(q.Method) {
		outcome.Failure = "a flow is not asked about this"
		return outcome
	}

	startedAt := time.Now()
	given, err := c.ai.Ask(ctx, request)
	outcome.Milliseconds = time.Since(startedAt).Milliseconds()
	outcome.Handoff = given.Handoff != nil
	outcome.Later = given.Later || given.Empty && c.Flow

	if err != nil {
		outcome.Failure = failure.Of(err).Text
	}

	for _, reply := range given.Replies {
		outcome.Kinds = append(outcome.Kinds, reply.Kind)
		outcome.Texts = append(outcome.Texts, reply.Text)
	}

	return outcome
}
