// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"iter"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/probe"
)

const (
	// answerTimeout bounds the wait of a connection for an answer.
	answerTimeout = time.Minute
	// tick is the interval at which due messages are handed to the connections.
	tick = time.Millisecond
	// redialDelay keeps refused connections from spinning.
	redialDelay = 20 * time.Millisecond
)

// arrival is a message and the time at which it is due. Latency counts from then.
type arrival struct {
	message int
	due     time.Time
}

// tally counts the outcomes of deliveries.
type tally struct {
	took    []time.Duration // to each 200, from the time it was due
	stored  []time.Duration // to each 200, from the time it was sent
	refused []time.Duration // to each 503 with Retry-After, from the time it was sent
	bare    int             // 503 without it
	other   int             // any other answer
	reset   int             // the connection ended without an answer
	silent  int             // no answer came in time
	missed  int             // not delivered, since no connection was free for a second
	elapsed time.Duration
}

func (t *tally) add(other tally) {
	t.took = append(t.took, other.took...)
	t.stored = append(t.stored, other.stored...)
	t.refused = append(t.refused, other.refused...)
	t.bare += other.bare
	t.other += other.other
	t.reset += other.reset
	t.silent += other.silent
	t.missed += other.missed
}

// unexplained counts the deliveries that got neither 200 nor 503 with Retry-After.
func (t *tally) unexplained() int { return t.bare + t.other + t.reset + t.silent }

// percentile sorts durations.
func percentile(of []time.Duration, share float64) time.Duration {
	if len(of) == 0 {
		return 0
	}

	slices.Sort(of)

	return of[min(int(share*float64(len(of))), len(of)-1)]
}

// load delivers arrivals over a number of connections and records the outcome of each message. A connection sends its
// next delivery after the answer to the last, and rests after a 503.
func (s *subject) load(ctx context.Context, arrivals <-chan arrival, connections int, rest time.Duration) tally {
	began := time.Now()
	tallies := make([]tally, connections)

	var senders sync.WaitGroup
	for c := range connections {
		senders.Go(func() { tallies[c] = s.send(ctx, arrivals, rest) })
	}

	senders.Wait()

	var all tally
	for _, t := range tallies {
		all.add(t)
	}

	all.elapsed = time.Since(began)

	return all
}

func (s *subject) send(ctx context.Context, arrivals <-chan arrival, rest time.Duration) (t tally) {
	w := newWriter()

	var (
		request []byte
		c       *connection
	)
	defer func() {
		if c != nil {
			_ = c.Close()
		}
	}()

	for a := range arrivals {
		s.ledger.write(a.message)

		if c == nil {
			var err error
			if c, err = dial(ctx, s.Child.Address()); err != nil {
				t.reset++

				probe.Sleep(ctx, redialDelay)

				continue
			}
		}

		request = w.write(request[:0], a.message)
		sent := time.Now()

		status, retryAfter, err := c.post(request)
		isRefused := s.count(&t, a, sent, status, retryAfter, err)

		if isRefused && rest > 0 {
			probe.Sleep(ctx, rest)
		}

		if err != nil || c.ended {
			_ = c.Close()
			c = nil
		}
	}

	return t
}

// count counts the outcome of a delivery that was sent at a time, and reports whether it was refused with Retry-After.
func (s *subject) count(t *tally, a arrival, sent time.Time, status int, retryAfter string, err error) (isRefused bool) {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		t.silent++
	case err != nil:
		t.reset++
	case status == http.StatusOK:
		t.took = append(t.took, time.Since(a.due))
		t.stored = append(t.stored, time.Since(sent))

		s.ledger.acknowledge(a.message)
	case status == http.StatusServiceUnavailable && retryAfter != "":
		t.refused = append(t.refused, time.Since(sent))
		s.ledger.refused.Add(1)

		return true
	case status == http.StatusServiceUnavailable:
		t.bare++
	default:
		t.other++
	}

	return false
}

// connection is a minimal HTTP client, since the load shares the machine with the receiver.
type connection struct {
	net.Conn
	answers *bufio.Reader
	ended   bool // by the previous answer
}

func dial(ctx context.Context, address string) (*connection, error) {
	dialer := net.Dialer{Timeout: answerTimeout}

	c, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}

	return &connection{Conn: c, answers: bufio.NewReaderSize(c, 1<<10)}, nil
}

func (c *connection) post(request []byte) (status int, retryAfter string, err error) {
	if err := c.SetDeadline(time.Now().Add(answerTimeout)); err != nil {
		return 0, "", err
	}

	if _, err := c.Write(request); err != nil {
		return 0, "", err
	}

	response, err := http.ReadResponse(c.answers, nil)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()

	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return 0, "", err
	}

	c.ended = response.Close

	return response.StatusCode, response.Header.Get("Retry-After"), nil
}

// closedLoop emits messages as fast as they are accepted, until ctx ends.
func closedLoop(ctx context.Context, messages iter.Seq[int]) <-chan arrival {
	arrivals := make(chan arrival)
	go func() {
		defer close(arrivals)

		for message := range messages {
			select {
			case arrivals <- arrival{message: message, due: time.Now()}:
			case <-ctx.Done():
				return
			}
		}
	}()

	return arrivals
}

// from yields every message from first up to the size of the ledger.
func from(first int64) iter.Seq[int] {
	return func(yield func(int) bool) {
		for message := int(first); message < maxMessages; message++ {
			if !yield(message) {
				return
			}
		}
	}
}

// openLoop emits messages at a constant rate, whatever their outcome. At most one second's worth waits for a connection;
// the rest is counted in missed. Read missed after the last arrival.
func openLoop(ctx context.Context, first, perSecond int, span time.Duration) (_ <-chan arrival, missed *int) {
	arrivals := make(chan arrival, perSecond)

	missed = new(int)
	go func() {
		defer close(arrivals)

		clock := time.NewTicker(tick)
		defer clock.Stop()

		began := time.Now()
		for n := 0; ; {
			passed := min(time.Since(began), span)
			for ; n < int(passed.Seconds()*float64(perSecond)); n++ {
				due := began.Add(time.Duration(float64(n) / float64(perSecond) * float64(time.Second)))
				select {
				case arrivals <- arrival{message: first + n, due: due}:
				default:
					*missed++
				}
			}

			if passed == span {
				return
			}

			select {
			case <-clock.C:
			case <-ctx.Done():
				return
			}
		}
	}()

	return arrivals, missed
}
