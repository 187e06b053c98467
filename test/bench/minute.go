// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/folder"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// minute is the traffic of the measurement.
type minute struct {
	*people
	traffic
	steady   int         // messages to the thousand numbers; those to the flooded number follow
	statuses chan status // that Meta has to deliver

	mu         sync.Mutex
	due        []time.Time // by message: when it was to be written
	answeredAt []time.Time // by message: when its answer was accepted
}

func newMinute(p *people, t traffic, steady int) *minute {
	m := &minute{
		people:     p,
		traffic:    t,
		steady:     steady,
		answeredAt: make([]time.Time, len(p.answers)),
		statuses:   make(chan status, statuses*len(p.answers)),
	}
	p.onAnswer = m.recordAnswer

	return m
}

func (m *minute) recordAnswer(message int) {
	m.mu.Lock()
	m.answeredAt[message] = time.Now()
	m.mu.Unlock()

	for _, kind := range []string{"sent", "delivered", "read"} {
		m.statuses <- status{message, kind} // never blocks: the channel has room for all
	}
}

// status is a status of the answer to a message.
type status struct {
	message int
	kind    string
}

func (m *minute) statusDelivery(s status) []byte {
	number, person := m.addressed(s.message)

	return signed(
		folder.AppSecret,
		standin.StatusDelivery(number, "wamid."+strconv.Itoa(s.message), s.kind, person, "", time.Now()),
	)
}

// flooded reports whether a message is to the flooded number.
func (m *minute) flooded(message int) bool { return message >= m.steady }

// addressed returns the business number and the sender of a message.
func (m *minute) addressed(message int) (number, person string) {
	if m.flooded(message) {
		return "106540352242000", fmt.Sprintf("5731%07d", message%floodPeople)
	}

	return strconv.Itoa(106540352243000 + message%manyNumbers), fmt.Sprintf("5730%07d", message%manyPeople)
}

// deliver delivers every message when it is due, and the statuses of each answer at once.
func (m *minute) deliver(ctx context.Context, address string) error {
	order := m.schedule(time.Now().Add(time.Second))

	delivering, ctx := errgroup.WithContext(ctx)
	delivering.Go(func() error { return m.deliverMessages(ctx, address, order) })
	delivering.Go(func() error { return m.deliverStatuses(ctx, address) })

	return delivering.Wait()
}

// schedule sets when each message is due, and returns the messages in that order.
func (m *minute) schedule(begin time.Time) []int {
	order := make([]int, len(m.answers))
	m.due = make([]time.Time, len(m.answers))

	for i := range order {
		order[i] = i

		m.due[i] = begin.Add(time.Duration(i) * time.Second / time.Duration(m.rate))
		if m.flooded(i) {
			m.due[i] = begin.Add(floodBegin + time.Duration(i-m.steady)*time.Second/floodRate)
		}
	}

	slices.SortFunc(
		order,
		func(a, b int) int { return cmp.Or(m.due[a].Compare(m.due[b]), cmp.Compare(a, b)) },
	)

	return order
}

func (m *minute) deliverMessages(ctx context.Context, address string, order []int) error {
	var next atomic.Int64

	_, err := loadFrom(ctx, address, pathConnections, func(ctx context.Context) []byte {
		i := int(next.Add(1)) - 1
		if i >= len(order) || sleep(ctx, time.Until(m.due[order[i]])) != nil {
			return nil
		}

		message := order[i]
		number, person := m.addressed(message)
		text := fmt.Sprintf("%0*d", digits, message)
		id := standin.Wamid(strconv.Itoa(message))

		return signed(folder.AppSecret, standin.TextDelivery(number, person, "Ana", id, text, time.Now()))
	})

	return err
}

func (m *minute) deliverStatuses(ctx context.Context, address string) error {
	var posted atomic.Int64

	_, err := loadFrom(ctx, address, pathConnections, func(ctx context.Context) []byte {
		if int(posted.Add(1)) > statuses*len(m.answers) {
			return nil
		}

		select {
		case next := <-m.statuses:
			return m.statusDelivery(next)
		case <-ctx.Done():
			return nil
		}
	})

	return err
}
