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
)

const (
	// answerTimeout is how long a connection waits for an answer.
	answerTimeout = 15 * time.Second
	// tick is how often what has become due is given to the connections.
	tick = time.Millisecond
	// redialPause keeps connections that are refused from spinning.
	redialPause = 20 * time.Millisecond
)

// arrival is a message and when it is to be delivered; the time to its answer counts from then.
type arrival struct {
	message int
	due     time.Time
}

// tally is what became of deliveries.
type tally struct {
	took    []time.Duration // from when it was due to each 200
	stored  []time.Duration // from when it was sent to each 200
	refused []time.Duration // from when it was sent to each 503 with Retry-After
	bare    int             // 503 without it
	other   int             // any other answer
	reset   int             // the connection ended without an answer
	silent  int             // no answer came in time
	missed  int             // no connection was free for a second, so that it was not delivered
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

// unexplained are deliveries that were answered neither 200 nor 503 with Retry-After.
func (t *tally) unexplained() int { return t.bare + t.other + t.reset + t.silent }

// percentile sorts durations.
func percentile(of []time.Duration, share float64) time.Duration {
	if len(of) == 0 {
		return 0
	}

	slices.Sort(of)

	return of[min(int(share*float64(len(of))), len(of)-1)]
}

// load delivers what comes out of arrivals, over so many connections that each wait for the answer before the next, and
// notes the outcome of each message. A connection that is told to come again later rests first.
func (p *place) load(ctx context.Context, arrivals <-chan arrival, connections int, rest time.Duration) tally {
	began := time.Now()
	tallies := make([]tally, connections)

	var senders sync.WaitGroup
	for c := range connections {
		senders.Go(func() { tallies[c] = p.send(ctx, arrivals, rest) })
	}

	senders.Wait()

	var all tally
	for _, t := range tallies {
		all.add(t)
	}

	all.elapsed = time.Since(began)

	return all
}

func (p *place) send(ctx context.Context, arrivals <-chan arrival, rest time.Duration) (t tally) {
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
		p.ledger.write(a.message)

		if c == nil {
			var err error
			if c, err = dial(ctx, p.address()); err != nil {
				t.reset++

				pause(ctx, redialPause)

				continue
			}
		}

		request = w.write(request[:0], a.message)
		sent := time.Now()

		status, retryAfter, err := c.post(request)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			t.silent++
		case err != nil:
			t.reset++
		case status == http.StatusOK:
			t.took = append(t.took, time.Since(a.due))
			t.stored = append(t.stored, time.Since(sent))

			p.ledger.acknowledge(a.message)
		case status == http.StatusServiceUnavailable && retryAfter != "":
			t.refused = append(t.refused, time.Since(sent))
			p.ledger.refused.Add(1)

			if rest > 0 {
				pause(ctx, rest)
			}
		case status == http.StatusServiceUnavailable:
			t.bare++
		default:
			t.other++
		}

		if err != nil || c.ended {
			_ = c.Close()
			c = nil
		}
	}

	return t
}

// connection speaks HTTP at the least cost.
type connection struct {
	net.Conn
	answers *bufio.Reader
	ended   bool // by the answer before
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

// closedLoop gives out messages as fast as they are taken, until ctx ends.
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

// from is every message from first on, as long as the ledger has room.
func from(first int64) iter.Seq[int] {
	return func(yield func(int) bool) {
		for message := int(first); message < maxMessages; message++ {
			if !yield(message) {
				return
			}
		}
	}
}

// openLoop gives out messages by the clock, whatever becomes of them. Of those that wait for a connection there are at
// most a second's: the others are counted in missed, which is to be read when all is over.
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

// pause waits, and tells whether ctx was there all the time.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()

	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
