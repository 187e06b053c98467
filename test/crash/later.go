// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/outbound"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/folder"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

const (
	// postedTwiceShare of the posts are repeated after they were answered.
	postedTwiceShare = 0.1
	// shortTimeoutShare of the calls of the messages API are given up so soon that many of them took effect.
	shortTimeoutShare = 0.05
	shortTimeout      = 15 * time.Millisecond
	// answerWithin is the time for a later answer. It is short, since its end is awaited.
	answerWithin = 5 * time.Second
)

// reply is one of the replies to a message.
type reply struct {
	message *message
	part    int
}

// key returns the Idempotency-Key of a later reply.
func (r reply) key() string { return fmt.Sprintf("%s-%d", r.message.Event, r.part) }

// poster posts Bird's later answers: those of a person one after the other, in the order in which Bird was asked.
type poster struct {
	ledger *ledger
	fleet  func() fleet

	long, short *http.Client

	mu     sync.Mutex
	rng    *rand.Rand
	ctx    context.Context //nolint:containedctx // it ends the posts, which outlive the requests
	cancel context.CancelFunc
	queues map[int][]*message // by person; the first is being answered
	work   sync.WaitGroup
}

func newPoster(l *ledger, of func() fleet, rng *rand.Rand) *poster {
	p := &poster{
		ledger: l,
		fleet:  of,
		long:   &http.Client{Timeout: deliveryTimeout, Transport: &http.Transport{}},
		short:  &http.Client{Timeout: shortTimeout, Transport: &http.Transport{}},
		rng:    rng,
		queues: map[int][]*message{},
	}
	p.ctx, p.cancel = context.WithCancel(context.Background())

	return p
}

// close ends the posts and waits for them.
func (p *poster) close() {
	p.cancel()
	p.work.Wait()
	p.long.CloseIdleConnections()
	p.short.CloseIdleConnections()
}

// answer posts the answer to a message after a random time.
func (p *poster) answer(m *message) {
	p.ledger.promise(m)

	p.mu.Lock()
	defer p.mu.Unlock()

	p.queues[m.Person] = append(p.queues[m.Person], m)
	if len(p.queues[m.Person]) == 1 {
		p.work.Go(func() { p.post(m) })
	}
}

// post posts the answers to a message and to the messages that the person wrote after it.
func (p *poster) post(m *message) {
	for m != nil {
		for part := range m.Replies {
			select {
			case <-time.After(p.delay()):
			case <-p.ctx.Done():
				return
			}

			p.postReply(reply{m, part})
		}

		p.ledger.keep()

		m = p.next(m.Person)
	}
}

// next returns the next message of a person, or nil if Bird was asked about none.
func (p *poster) next(person int) *message {
	p.mu.Lock()
	defer p.mu.Unlock()

	p.queues[person] = p.queues[person][1:]
	if len(p.queues[person]) == 0 {
		return nil
	}

	return p.queues[person][0]
}

// postReply posts a reply until it is stored, and perhaps once more.
func (p *poster) postReply(r reply) {
	p.ledger.expect(r)

	body := map[string]any{
		"in_reply_to": r.message.Event,
		"response":    r.message.answer(r.part),
		"final":       r.part == r.message.Replies-1,
	}

	times := 1
	if p.happens(postedTwiceShare) {
		times = 2
	}

	for range times {
		posted, err := standin.Post(p.ctx, p.access, r.key(), body)
		if err != nil {
			return // the trial ended early
		}

		isStored := posted.Status == http.StatusAccepted || posted.Status == http.StatusOK && posted.Replayed
		if !isStored || posted.ID != r.event() {
			p.ledger.recordUnexpected(fmt.Sprintf("the messages API answered %d to reply %d to %s: %s", posted.Status, r.part, r.message, posted.Body))
		}
	}
}

// event returns the id that the receiver gives a later reply.
func (r reply) event() string { return outbound.ID(phoneNumberID, r.key()).String() }

// access returns the access to the messages API of a replica. While none is up, calls fail.
func (p *poster) access() standin.MessagesAPI {
	api := standin.MessagesAPI{Key: folder.AssistantKey, Client: p.long}
	if p.happens(shortTimeoutShare) {
		api.Client = p.short
	}

	p.mu.Lock()
	defer p.mu.Unlock()

	if replica := p.fleet().pick(p.rng); replica != nil {
		api.URL = replica.child.MessagesURL()
	}

	return api
}

func (p *poster) delay() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()

	return upTo(p.rng, slowest)
}

func (p *poster) happens(share float64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()

	return p.rng.Float64() < share
}

// promise records that Bird answers a message later.
func (l *ledger) promise(m *message) {
	l.mu.Lock()
	defer l.mu.Unlock()

	m.Later = true
	l.owed++
}

// keep records that Bird has posted the promised answer to a message.
func (l *ledger) keep() {
	l.mu.Lock()
	defer l.mu.Unlock()

	l.owed--
}

// expect records the reply that a later answer makes the receivers send.
func (l *ledger) expect(r reply) {
	l.mu.Lock()
	defer l.mu.Unlock()

	l.posted[r.event()] = r
}
