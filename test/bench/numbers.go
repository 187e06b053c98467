// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/folder"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

const (
	manyNumbers  = 1000
	manyPeople   = 5000 // who write to them, in turn
	manyRate     = 200  // messages/s, to all numbers together
	manyMessages = 60 * manyRate
	manyThinks   = 500 * time.Millisecond // that the AI takes
	// mostWait is how long people may wait for their answer, the AI's time included, while one number is flooded.
	mostWait = 2 * time.Second

	// One number more is written to twice as often as Meta lets it answer, for a while.
	numberRate    = 80 // messages/s
	floodRate     = 2 * numberRate
	floodMessages = 10 * floodRate
	floodPeople   = 400
	floodBegin    = 20 * time.Second

	statuses = 3 // of each answer: sent, delivered, read
)

// numbers lets people write to a thousand business numbers of one receiver for a minute, at a steady rate. Everything is as
// it is by default: read receipt and typing indicator, and statuses of each answer, which the AI is told of.
func numbers(ctx context.Context, binary string) (_ []figure, err error) {
	progress("numbers: a minute of %s of them", thousands(manyNumbers))

	p, err := newPeople(binary, config.Config{}, nil, manyMessages+floodMessages, manyThinks)
	if err != nil {
		return nil, err
	}

	defer func() { err = errors.Join(err, p.end()) }()

	m := &minute{
		people:     p,
		answeredAt: make([]time.Time, len(p.answers)),
		statuses:   make(chan status, statuses*len(p.answers)),
	}
	p.onAnswer = m.recordAnswer

	if err := p.Start(ctx); err != nil {
		return nil, err
	}

	before, err := m.Child.ProcessorTime()
	if err != nil {
		return nil, err
	}

	if err := m.pass(ctx); err != nil {
		return nil, err
	}

	return m.figures(before)
}

// minute is what happens in it.
type minute struct {
	*people
	statuses chan status // that Meta has to deliver

	mu         sync.Mutex
	due        []time.Time // by message: when it was to be written
	answeredAt []time.Time // by message: when its answer was accepted
}

func (m *minute) recordAnswer(message int) {
	m.mu.Lock()
	m.answeredAt[message] = time.Now()
	m.mu.Unlock()

	for _, kind := range []string{"sent", "delivered", "read"} {
		m.statuses <- status{message, kind} // has room for all
	}
}

// status is one of a message's answer.
type status struct {
	message int
	kind    string
}

func (s status) delivery() []byte {
	number, person := addressed(s.message)
	return signed(folder.AppSecret, standin.StatusDelivery(number, "wamid."+strconv.Itoa(s.message), s.kind, person, "", time.Now()))
}

// flooded says whether a message is to the number that is flooded.
func flooded(message int) bool { return message >= manyMessages }

// addressed are the business number that a message is to, and the person who writes it.
func addressed(message int) (number, person string) {
	if flooded(message) {
		return "106540352242000", fmt.Sprintf("5731%07d", message%floodPeople)
	}

	return strconv.Itoa(106540352243000 + message%manyNumbers), fmt.Sprintf("5730%07d", message%manyPeople)
}

// pass has all messages delivered when they are due, and the statuses of each answer at once, until all of it is worked.
func (m *minute) pass(ctx context.Context) error {
	order := make([]int, len(m.answers))
	m.due = make([]time.Time, len(m.answers))

	begin := time.Now().Add(time.Second)
	for i := range order {
		order[i] = i

		m.due[i] = begin.Add(time.Duration(i) * time.Second / manyRate)
		if flooded(i) {
			m.due[i] = begin.Add(floodBegin + time.Duration(i-manyMessages)*time.Second/floodRate)
		}
	}

	slices.SortFunc(order, func(a, b int) int { return cmp.Or(m.due[a].Compare(m.due[b]), cmp.Compare(a, b)) })

	var mu sync.Mutex

	next := 0
	posted := 0
	going, ctx := errgroup.WithContext(ctx)
	going.Go(func() error {
		_, err := loadFrom(ctx, m.Child.Address(), pathConnections, func(ctx context.Context) []byte {
			mu.Lock()
			i := next
			next++
			mu.Unlock()

			if i >= len(order) || sleep(ctx, time.Until(m.due[order[i]])) != nil {
				return nil
			}

			number, person := addressed(order[i])
			body := standin.TextDelivery(number, person, "Ana", standin.Wamid(strconv.Itoa(order[i])), fmt.Sprintf("%0*d", digits, order[i]), time.Now())

			return signed(folder.AppSecret, body)
		})

		return err
	})
	going.Go(func() error {
		_, err := loadFrom(ctx, m.Child.Address(), pathConnections, func(ctx context.Context) []byte {
			mu.Lock()
			i := posted
			posted++
			mu.Unlock()

			if i >= statuses*len(m.answers) {
				return nil
			}

			select {
			case told := <-m.statuses:
				return told.delivery()
			case <-ctx.Done():
				return nil
			}
		})

		return err
	})

	if err := going.Wait(); err != nil {
		return err
	}

	return m.waitAnswered(context.WithoutCancel(ctx))
}

// figures are those of people who write to the thousand, and of the number that is flooded.
func (m *minute) figures(before time.Duration) ([]figure, error) {
	after, err := m.Child.ProcessorTime()
	if err != nil {
		return nil, err
	}

	memory, err := m.Child.Memory()
	if err != nil {
		return nil, err
	}

	var (
		waited []time.Duration
		flood  []time.Time
	)
	for message, at := range m.answeredAt {
		if flooded(message) {
			flood = append(flood, at)
		} else {
			waited = append(waited, at.Sub(m.due[message]))
		}
	}

	slices.Sort(waited)
	slices.SortFunc(flood, time.Time.Compare)

	p99 := waited[len(waited)*99/100]
	sent := float64(len(flood)-1) / flood[len(flood)-1].Sub(flood[0]).Seconds()

	return []figure{
		{
			name:     fmt.Sprintf("%s numbers, %d messages/s, AI of %s: time to the answer, p99", thousands(manyNumbers), manyRate, manyThinks),
			measured: short3(p99),
			target:   "< " + mostWait.String(),
			ratio:    times(p99.Seconds() / mostWait.Seconds()),
			verdict:  verdict(p99 < mostWait),
		},
		{name: "  p50", measured: short3(waited[len(waited)/2])},
		{
			name:     fmt.Sprintf("  one number more, written to %d times a second for %d s: its answers/s", floodRate, floodMessages/floodRate),
			measured: fmt.Sprintf("%.1f", sent),
			target:   fmt.Sprintf("<= %d", numberRate),
			ratio:    times(sent / numberRate),
			verdict:  verdict(sent <= numberRate+1),
		},
		{name: "  processor time of the receiver, a message with its three statuses", measured: ((after - before) / time.Duration(len(m.answers))).Round(time.Microsecond).String()},
		{name: "  memory, largest", measured: fmt.Sprintf("%.0f MB", megabytes(memory.Peak))},
	}, nil
}
