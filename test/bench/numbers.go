// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/folder"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

const (
	manyNumbers = 1000
	manyPeople  = 5000 // senders, in turn
	manyLasts   = time.Minute
	manyThinks  = 500 * time.Millisecond // per request to the AI
	manyWait    = 100 * time.Millisecond // target of the time to the answer on top of the AI's, p99

	// At the lower rate, one more number gets twice as many messages as Meta allows it to answer, for a while.
	numberRate    = 80 // messages/s
	floodRate     = 2 * numberRate
	floodMessages = 10 * floodRate
	floodPeople   = 400
	floodBegin    = 20 * time.Second

	statuses = 3 // per answer: sent, delivered, read
)

// traffic is what people write to the thousand numbers, and the target of its cost.
type traffic struct {
	rate        int // messages/s, to all numbers together
	concurrency int // of the receiver; 0 is the default
	flood       int // messages to one more number
	turn        time.Duration
}

// numbers measures a minute of each rate, in which people write to a thousand business numbers of one receiver. The base line
// is a program that makes the same calls and does nothing else.
func numbers(ctx context.Context, binary string) ([]figure, error) {
	relay, err := installRelay(ctx, filepath.Dir(binary))
	if err != nil {
		return nil, err
	}

	var figures []figure

	for _, t := range []traffic{
		{
			rate:  200,
			flood: floodMessages,
			turn:  1500 * time.Microsecond,
		},
		{
			rate:        500,
			concurrency: 512, // 250 conversations wait for the AI at a time: the default of 256 leaves no room for a peak
			turn:        time.Millisecond,
		},
	} {
		base, err := t.measureRelay(ctx, relay)
		if err != nil {
			return nil, fmt.Errorf("%d messages/s, relay: %w", t.rate, err)
		}

		found, err := t.measure(ctx, binary)
		if err != nil {
			return nil, fmt.Errorf("%d messages/s: %w", t.rate, err)
		}

		figures = append(figures, append(found, base)...)
	}

	return figures, nil
}

// measure measures a minute. All settings but the concurrency are defaults: read receipt, typing indicator, and the
// statuses of each answer, which the AI gets too.
func (t traffic) measure(ctx context.Context, binary string) (_ []figure, err error) {
	progress("numbers: a minute with %s numbers and %d messages/s", thousands(manyNumbers), t.rate)

	settings := config.Config{Processing: config.Processing{Concurrency: t.concurrency}}
	steady := t.rate * int(manyLasts.Seconds())

	p, err := newPeople(binary, settings, nil, steady+t.flood, manyThinks)
	if err != nil {
		return nil, err
	}

	defer func() { err = errors.Join(err, p.end()) }()

	m := newMinute(p, t, steady)

	if err := p.Start(ctx); err != nil {
		return nil, err
	}

	before, err := m.Child.ProcessorTime()
	if err != nil {
		return nil, err
	}

	if err := m.deliver(ctx, m.Child.Address()); err != nil {
		return nil, err
	}

	if err := m.waitAnswered(ctx); err != nil {
		return nil, err
	}

	return m.figures(before)
}

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

// figures returns the figures of the thousand numbers and of the flooded number.
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
		if m.flooded(message) {
			flood = append(flood, at)
		} else {
			waited = append(waited, at.Sub(m.due[message]))
		}
	}

	slices.Sort(waited)
	slices.SortFunc(flood, time.Time.Compare)

	p99 := waited[len(waited)*99/100]
	limit := manyThinks + manyWait
	turn := ((after - before) / time.Duration(len(m.answers))).Round(time.Microsecond)

	figures := []figure{
		{
			name: fmt.Sprintf(
				"%s numbers, %d messages/s, AI of %s: time to the answer, p99",
				thousands(manyNumbers),
				m.rate,
				manyThinks,
			),
			measured: short3(p99),
			target:   "<= " + limit.String(),
			ratio:    times(p99.Seconds() / limit.Seconds()),
			verdict:  verdict(p99 <= limit),
		},
		{name: "  p50", measured: short3(waited[len(waited)/2])},
		{
			name:     "  processor time of the receiver per message with its three statuses",
			measured: turn.String(),
			target:   "<= " + m.turn.String(),
			ratio:    times(turn.Seconds() / m.turn.Seconds()),
			verdict:  verdict(turn <= m.turn),
		},
		{name: "  memory, peak", measured: fmt.Sprintf("%.0f MB", megabytes(memory.Peak))},
	}
	if len(flood) > 1 {
		figures = append(figures, floodFigure(flood))
	}

	return figures, nil
}

// floodFigure returns the rate of the answers of the flooded number, given their times in order.
func floodFigure(answers []time.Time) figure {
	sent := float64(len(answers)-1) / answers[len(answers)-1].Sub(answers[0]).Seconds()

	return figure{
		name: fmt.Sprintf(
			"  one flooded number, %d messages/s for %d s: its answers/s",
			floodRate,
			floodMessages/floodRate,
		),
		measured: fmt.Sprintf("%.1f", sent),
		target:   fmt.Sprintf("<= %d", numberRate),
		ratio:    times(sent / numberRate),
		verdict:  verdict(sent <= numberRate+1),
	}
}
