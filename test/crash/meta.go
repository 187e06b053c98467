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
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

const (
	phoneNumberID = "106540352242922"
	// twiceShare of the deliveries are made twice at the same time.
	twiceShare = 0.1
	// shuffledShare of the messages have their statuses told in any order.
	shuffledShare = 0.2
	// slowestTelling bounds how long Meta takes to begin with the statuses of a message.
	slowestTelling = 300 * time.Millisecond
	// tellers is how many messages' statuses are told at a time, and maxToTell how many may wait for that.
	tellers   = 128
	maxToTell = 100_000

	deliveryTimeout = 2 * time.Second
	firstRepeat     = 20 * time.Millisecond
	lastRepeat      = 320 * time.Millisecond
)

// statuses are told of every message that Meta accepted.
var statuses = []string{"sent", "delivered", "read"}

// meta delivers what people write, and tells what became of what was sent to them.
type meta struct {
	client *http.Client
	fleet  fleet
	ledger *ledger
	toTell chan *send
	untold float64

	mu  sync.Mutex
	rng *rand.Rand // of untold
}

// deliver repeats a delivery until it is answered 200 or ctx ends.
func (m *meta) deliver(ctx context.Context, rng *rand.Rand, body []byte) (deliveries int, acknowledged bool) {
	for wait := firstRepeat; ; wait = min(2*wait, lastRepeat) {
		if to := m.fleet.pick(rng); to != "" {
			second := ""
			if deliveries == 0 && rng.Float64() < twiceShare {
				second = m.fleet.pick(rng)
			}

			var again sync.WaitGroup

			taken := false
			if second != "" {
				deliveries++

				again.Go(func() { taken = m.post(ctx, second, body) })
			}

			deliveries++
			acknowledged = m.post(ctx, to, body)

			again.Wait()

			if acknowledged || taken {
				return deliveries, true
			}
		}

		if !pause(ctx, wait) {
			return deliveries, false
		}
	}
}

func (m *meta) post(ctx context.Context, to string, body []byte) bool {
	status, _, err := standin.Deliver(ctx, m.client, to, folder.AppSecret, body)
	return err == nil && status == http.StatusOK
}

// write is one person, who writes a message, waits for its acknowledgement, and then writes the next, while writing lasts.
func (m *meta) write(ctx, writing context.Context, rng *rand.Rand, person int, every time.Duration) {
	for n := 1; pause(writing, upTo(rng, 2*every)); n++ {
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

// accepted is Graph's StatusSink.
func (m *meta) accepted(sent standin.SentMessage) {
	m.mu.Lock()
	defer m.mu.Unlock()

	untold := m.rng.Float64() < m.untold

	s := m.ledger.accept(sent, untold)
	if s == nil || untold {
		return
	}

	select {
	case m.toTell <- s:
	default:
		m.ledger.wonder("so many messages wait for their statuses to be told that one was given up")
	}
}

// tellStatuses delivers the statuses of messages, each until it is answered 200, until ctx ends.
func (m *meta) tellStatuses(ctx context.Context, rng *rand.Rand) {
	for {
		select {
		case <-ctx.Done():
			return
		case s := <-m.toTell:
			pause(ctx, upTo(rng, slowestTelling))

			told := slices.Clone(statuses)
			if rng.Float64() < shuffledShare {
				rng.Shuffle(len(told), func(i, j int) { told[i], told[j] = told[j], told[i] })
			}

			for _, status := range told {
				body := standin.StatusDelivery(phoneNumberID, s.Message, status, s.To, s.Callback, time.Now())
				if _, acknowledged := m.deliver(ctx, rng, body); !acknowledged {
					return
				}

				m.ledger.tell(s)
			}
		}
	}
}
