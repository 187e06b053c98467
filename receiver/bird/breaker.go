// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package bird

import (
	"net/http"
	"reflect"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
)

// probeWait is the RetryAfter of a call refused while another call probes.
const probeWait = time.Second

// circuit is closed, or open until probeAt, or half-open: from then on one call at a time may probe.
type circuit struct {
	failures   int // in a row
	open       bool
	probing    bool
	probeAt    time.Time
	cause      string // the text of the failure that opened it
	generation int    // grows whenever the circuit opens or closes: the result of a call from an earlier one is ignored
}

// breaker refuses calls to an endpoint that would fail. The target has one circuit, and each method has one more, so that
// an endpoint that Bird lacks does not stop the others. Statuses and messages have separate circuits: neither
// stops the other.
type breaker struct {
	clock clockwork.Clock

	mu       sync.Mutex
	settings *config.Snapshot // of the circuits
	target   circuit
	statuses circuit
	methods  map[Method]*circuit
}

// permit allows one call, which ends with record or release.
type permit struct {
	shared           *circuit
	own              *circuit
	sharedGeneration int
	ownGeneration    int
}

// allow lets a call through, or returns a failure with the time until the next probe. A new access key, address or
// setting of Bird closes all circuits.
func (b *breaker) allow(settings *config.Snapshot, m Method) (permit, *failure.Error) {
	b.mu.Lock()
	defer b.mu.Unlock()

	if b.settings == nil || changed(b.settings, settings) {
		b.target = circuit{generation: b.target.generation + 1}
		b.statuses = circuit{generation: b.statuses.generation + 1}
		b.methods = map[Method]*circuit{}
	}

	b.settings = settings

	p := permit{shared: &b.target, own: b.methods[m]}
	if m == NotifyStatus {
		p.shared = &b.statuses
	}

	if p.own == nil {
		p.own = &circuit{}
		b.methods[m] = p.own
	}

	now := b.clock.Now()
	for _, c := range []*circuit{p.shared, p.own} {
		if wait := c.wait(now); wait > 0 {
			return permit{}, &failure.Error{
				Class:      failure.Configuration,
				Op:         string(m),
				Code:       CodeCircuitOpen,
				RetryAfter: wait,
				Text:       "the circuit breaker is open until the next probe of Bird: " + c.cause,
			}
		}
	}

	p.shared.probing = p.shared.open
	p.own.probing = p.own.open
	p.sharedGeneration = p.shared.generation
	p.ownGeneration = p.own.generation

	return p, nil
}

func changed(a, b *config.Snapshot) bool {
	return a != b && (a.Secrets.BirdAccessKey != b.Secrets.BirdAccessKey || !reflect.DeepEqual(a.Bird, b.Bird))
}

// wait returns the time until a call may pass, or 0.
func (c *circuit) wait(now time.Time) time.Duration {
	switch {
	case !c.open:
		return 0
	case c.probing:
		return probeWait
	default:
		return c.probeAt.Sub(now)
	}
}

// record updates the circuits with the result of a call: its status and its failure, or nil.
func (b *breaker) record(p permit, status int, f *failure.Error) {
	b.mu.Lock()
	defer b.mu.Unlock()

	if p.shared.generation == p.sharedGeneration {
		b.recordShared(p.shared, status, f)
	}

	if p.own.generation == p.ownGeneration {
		b.recordOwn(p.own, status, f)
	}
}

func (b *breaker) recordShared(c *circuit, status int, f *failure.Error) {
	switch {
	case f != nil && f.Class == failure.Transient && status != http.StatusConflict:
		c.failures++
		if c.open || c.failures >= b.settings.Bird.CircuitBreaker.FailureThreshold {
			b.open(c, f)
		}
	case status == http.StatusUnauthorized || status == http.StatusPaymentRequired:
		b.open(c, f)
	case status != unknown:
		c.close()
	default:
		c.probing = false
	}
}

func (b *breaker) recordOwn(c *circuit, status int, f *failure.Error) {
	switch {
	case status == http.StatusForbidden || status == http.StatusNotFound:
		b.open(c, f)
	case f == nil || f.Class == failure.Permanent:
		c.close()
	default:
		c.probing = false
	}
}

func (b *breaker) open(c *circuit, f *failure.Error) {
	*c = circuit{
		open:       true,
		generation: c.generation + 1,
		cause:      f.Text,
		probeAt:    b.clock.Now().Add(max(b.settings.Bird.CircuitBreaker.OpenDuration, f.RetryAfter)),
	}
}

// release ends a permit without a result: the call was not made, or its caller cancelled it, so that the state of Bird
// remains unknown.
func (b *breaker) release(p permit) {
	b.mu.Lock()
	defer b.mu.Unlock()

	if p.shared.generation == p.sharedGeneration {
		p.shared.probing = false
	}

	if p.own.generation == p.ownGeneration {
		p.own.probing = false
	}
}

func (c *circuit) close() {
	if c.open {
		c.generation++
	}

	*c = circuit{generation: c.generation}
}
