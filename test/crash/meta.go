// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/folder"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/probe"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

const (
	phoneNumberID = "106540352242922"
	// twiceShare of the deliveries are made twice at the same time.
	twiceShare = 0.1
	// shuffledShare of the messages have their statuses delivered in random order.
	shuffledShare = 0.2
	// maxStatusDelay bounds the delay of the first status of a message.
	maxStatusDelay = 300 * time.Millisecond
	// statusWorkers is how many messages have their statuses delivered at a time, and maxStatuses how many may wait.
	statusWorkers = 128
	maxStatuses   = 100_000

	deliveryTimeout = 2 * time.Second
	firstRepeat     = 20 * time.Millisecond
	lastRepeat      = 320 * time.Millisecond
)

// statuses are delivered for every message that Meta accepted.
var statuses = []string{"sent", "delivered", "read"}

// meta delivers the messages of people, and the statuses of the replies to them.
type meta struct {
	client          *http.Client
	fleet           fleet
	ledger          *ledger
	pending         chan *send
	withoutStatuses float64

	mu  sync.Mutex
	rng *rand.Rand // for withoutStatuses
}

// deliver repeats a delivery until it is answered 200 or ctx ends.
func (m *meta) deliver(ctx context.Context, rng *rand.Rand, body []byte) (deliveries int, acknowledged bool) {
	for wait := firstRepeat; ; wait = min(2*wait, lastRepeat) {
		if to := m.fleet.pick(rng); to != nil {
			var second *replica
			if deliveries == 0 && rng.Float64() < twiceShare {
				second = m.fleet.pick(rng)
			}

			var duplicate sync.WaitGroup

			duplicateAccepted := false
			if second != nil {
				deliveries++

				duplicate.Go(func() { duplicateAccepted = m.post(ctx, second, body) })
			}

			deliveries++
			acknowledged = m.post(ctx, to, body)

			duplicate.Wait()

			if acknowledged || duplicateAccepted {
				return deliveries, true
			}
		}

		if !probe.Sleep(ctx, wait) {
			return deliveries, false
		}
	}
}

func (m *meta) post(ctx context.Context, to *replica, body []byte) bool {
	status, _, err := standin.Deliver(ctx, m.client, to.child.WebhookURL(), folder.AppSecret, body)
	return err == nil && status == http.StatusOK
}

// write is one person: each message follows the acknowledgement of the one before, until writing ends.
func (m *meta) write(ctx, writing context.Context, rng *rand.Rand, person int, every time.Duration) {
	for n := 1; probe.Sleep(writing, upTo(rng, 2*every)); n++ {
		words := fmt.Sprintf("%d of person %d", n, person)

		written := &message{
			Person:  person,
			Number:  n,
			ID:      standin.Wamid(words),
			Words:   words,
			Replies: 1,
		}
		if rng.Float64() < twoRepliesShare {
			written.Replies = 2
		}

		m.ledger.write(written)
		body := standin.TextDelivery(phoneNumberID, waID(person), "Person "+strconv.Itoa(person), written.ID, words, time.Now())
		deliveries, acknowledged := m.deliver(ctx, rng, body)
		m.ledger.acknowledge(written, deliveries, acknowledged)
	}
}

func waID(person int) string { return fmt.Sprintf("57300%07d", person) }

// accepted is the StatusSink of Graph.
func (m *meta) accepted(sent standin.SentMessage) {
	m.mu.Lock()
	defer m.mu.Unlock()

	withoutStatuses := m.rng.Float64() < m.withoutStatuses

	s := m.ledger.accept(sent, withoutStatuses)
	if s == nil || withoutStatuses {
		return
	}

	select {
	case m.pending <- s:
	default:
		m.ledger.recordUnexpected("too many messages wait for their statuses, one was dropped")
	}
}

// deliverStatuses delivers the statuses of messages, each until it is answered 200, until ctx ends.
func (m *meta) deliverStatuses(ctx context.Context, rng *rand.Rand) {
	for {
		select {
		case <-ctx.Done():
			return
		case s := <-m.pending:
			probe.Sleep(ctx, upTo(rng, maxStatusDelay))

			order := slices.Clone(statuses)
			if rng.Float64() < shuffledShare {
				rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
			}

			for _, status := range order {
				body := standin.StatusDelivery(phoneNumberID, s.Message, status, s.To, s.Callback, time.Now())
				if _, acknowledged := m.deliver(ctx, rng, body); !acknowledged {
					return
				}

				m.ledger.recordStatus(s)
			}
		}
	}
}
