// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"cmp"
	"context"
	"errors"
	"io"
	"iter"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/latency"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

const (
	// inFlight bounds the deliveries that wait for an answer at the same time. Meta sends many at once too.
	inFlight = 32
	// answerTimeout bounds one delivery: Meta waits for 10 seconds and a little.
	answerTimeout = 15 * time.Second
	// maxAnswer bounds the bytes read of an answer.
	maxAnswer = 64 << 10
	// window is how many deliveries are mixed out of order.
	window = 20
	// maxMeasured bounds the times that are kept for the latency.
	maxMeasured = 100_000
)

// Target is the webhook of a receiver.
type Target struct {
	Client    *http.Client
	URL       string
	AppSecret string
}

// Pace says how deliveries are sent.
type Pace struct {
	PerSecond  float64 // 0: one after the other
	Duplicates bool    // each delivery twice
	OutOfOrder bool
	// Progress, if set, gets the counts after each answer.
	Progress func(Result)
}

// Result is the result of sending deliveries.
type Result struct {
	Sent         int         `json:"sent"`
	Acknowledged int         `json:"acknowledged"` // 200
	Refused      int         `json:"refused"`      // another status
	Unanswered   int         `json:"unanswered"`
	Statuses     map[int]int `json:"statuses"` // how often by HTTP status
	// Latency are the times until an answer.
	Latency latency.Summary `json:"latency"`
	// Answer is the body of the first refusal.
	Answer string `json:"answer,omitempty"`
	// Cause is why the first delivery without an answer has none.
	Cause error `json:"-"`
}

// outcome is what became of one delivery.
type outcome struct {
	status int
	answer []byte
	err    error
	took   time.Duration
}

// Send sends deliveries until ctx ends.
func Send(ctx context.Context, target Target, deliveries iter.Seq[Delivery], pace Pace) Result {
	outcomes := make(chan outcome)

	go func() {
		defer close(outcomes)

		var sending sync.WaitGroup
		defer sending.Wait()

		room := make(chan struct{}, inFlight)
		limit := newLimit(pace)

		for delivery := range pace.order(deliveries) {
			if limit != nil && limit.Wait(ctx) != nil || ctx.Err() != nil {
				return
			}

			if limit == nil {
				outcomes <- target.deliver(ctx, delivery)
				continue
			}

			room <- struct{}{}

			sending.Go(func() {
				outcomes <- target.deliver(ctx, delivery)

				<-room
			})
		}
	}()

	return collect(outcomes, pace.Progress)
}

func newLimit(pace Pace) *rate.Limiter {
	if pace.PerSecond <= 0 {
		return nil
	}

	return rate.NewLimiter(rate.Limit(pace.PerSecond), 1)
}

// order returns the deliveries as often and in the order in which they are sent.
func (p Pace) order(deliveries iter.Seq[Delivery]) iter.Seq[Delivery] {
	return func(yield func(Delivery) bool) {
		var mixed []Delivery

		flush := func() bool {
			if p.OutOfOrder {
				reorder(mixed)
			}

			for _, d := range mixed {
				if !yield(d) {
					return false
				}
			}

			mixed = mixed[:0]

			return true
		}

		for d := range deliveries {
			mixed = append(mixed, d)
			if p.Duplicates {
				mixed = append(mixed, d)
			}

			if (!p.OutOfOrder || len(mixed) >= window) && !flush() {
				return
			}
		}

		flush()
	}
}

// reorder moves every delivery to another place, by Sattolo's algorithm.
func reorder(all []Delivery) {
	for i := len(all) - 1; i > 0; i-- {
		j := rand.IntN(i) //nolint:gosec // no secret
		all[i], all[j] = all[j], all[i]
	}
}

func collect(outcomes <-chan outcome, progress func(Result)) Result {
	r := Result{Statuses: map[int]int{}}

	var times []time.Duration

	for o := range outcomes {
		if errors.Is(o.err, context.Canceled) {
			continue
		}

		r.add(o)

		if o.err == nil && len(times) < maxMeasured {
			times = append(times, o.took)
		}

		if progress != nil {
			progress(r)
		}
	}

	r.Latency = latency.Of(times)

	return r
}

func (r *Result) add(o outcome) {
	r.Sent++

	switch {
	case o.err != nil:
		r.Unanswered++

		if r.Cause == nil {
			r.Cause = o.err
		}

		return
	case o.status == http.StatusOK:
		r.Acknowledged++
	default:
		r.Refused++
		r.Answer = cmp.Or(r.Answer, string(o.answer))
	}

	r.Statuses[o.status]++
}

func (t Target) deliver(ctx context.Context, d Delivery) outcome {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()

	request, err := standin.DeliveryRequest(ctx, t.URL, t.AppSecret, d.Body)
	if err != nil {
		return outcome{err: err}
	}

	startedAt := time.Now()

	response, err := t.Client.Do(request)
	if err != nil {
		return outcome{err: err}
	}
	defer response.Body.Close()

	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))

	return outcome{
		status: response.StatusCode,
		answer: answer,
		err:    err,
		took:   time.Since(startedAt),
	}
}
