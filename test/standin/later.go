// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Later is a reply that comes after the request has been answered: it is posted to the messages API.
type Later struct {
	// After is the wait before the first message.
	After time.Duration
	// Responses are posted one after the other, each as the response of a message. The last one is final.
	Responses []any
	// Handoff, if set, is posted with the last one.
	Handoff any
}

// LaterMessage is a message that a stand-in posted to the messages API.
type LaterMessage struct {
	// EventID is the event id of the question.
	EventID string `json:"event_id"`
	// IdempotencyKey is the key of the message.
	IdempotencyKey string `json:"idempotency_key"`
	// Posted is the result; it is incomplete if Err is not empty.
	Posted Posted `json:"posted"`
	// Err says why there is no result.
	Err string `json:"err,omitempty"`
}

// poster posts later replies in the background until it is closed.
type poster struct {
	access func() MessagesAPI
	log    *Log[LaterMessage]

	mu      sync.Mutex
	closed  bool
	ctx     context.Context //nolint:containedctx // it ends the goroutines of the poster, which outlive a request
	cancel  context.CancelFunc
	pending sync.WaitGroup
}

func newPoster(access func() MessagesAPI, keep int) *poster {
	ctx, cancel := context.WithCancel(context.Background())

	return &poster{
		access: access,
		log:    newLog(keep, func(m LaterMessage) int { return len(m.Posted.Body) }),
		ctx:    ctx,
		cancel: cancel,
	}
}

// start posts the messages of a reply in the background. It reports false if there is no messages API to post to.
func (p *poster) start(reply Later, request map[string]any) bool {
	p.mu.Lock()
	defer p.mu.Unlock()

	if p.access == nil || p.closed {
		return false
	}

	p.pending.Go(func() { p.post(reply, request) })

	return true
}

func (p *poster) post(reply Later, request map[string]any) {
	select {
	case <-p.ctx.Done():
		return
	case <-time.After(reply.After):
	}

	eventID, _ := request["event_id"].(string)

	for i, response := range reply.Responses {
		last := i == len(reply.Responses)-1
		message := map[string]any{
			"in_reply_to": eventID,
			"response":    response,
			"final":       last,
		}

		if last && reply.Handoff != nil {
			message["handoff"] = reply.Handoff
		}

		entry := LaterMessage{EventID: eventID, IdempotencyKey: fmt.Sprintf("%s-%d", eventID, i+1)}

		posted, err := Post(p.ctx, p.access, entry.IdempotencyKey, message)
		entry.Posted = posted

		if err != nil {
			entry.Err = err.Error()
		}

		p.log.add(entry)
	}
}

// close ends the posting and waits for it.
func (p *poster) close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()

	p.cancel()
	p.pending.Wait()
}
