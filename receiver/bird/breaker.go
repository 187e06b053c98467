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

// probeWait is what a call is told to wait while another one probes.
const probeWait = time.Second

// circuit is closed, or open until a time after which one call at a time may probe.
type circuit struct {
	failures int // in a row
	open     bool
	probing  bool
	probeAt  time.Time
	cause    string // what opened it, in the words of its failure
	era      int    // grows as it opens and closes: a call that began before says nothing about the time since
}

// breaker keeps calls away from a target that would not serve them. One circuit is for the target as a whole; each
// method has one more, so that an endpoint the target does not have stops no other. Statuses share no circuit with
// messages: neither can stop the other.
type breaker struct {
	clock clockwork.Clock

	mu               sync.Mutex
	settings         *config.Snapshot // the circuits are about
	target, statuses circuit
	methods          map[Method]*circuit
}

// pass is the permission to make one call. It is handed back with settle.
type pass struct {
	shared, own       *circuit
	sharedEra, ownEra int
}

// admit lets a call through or says when to come again. Another access key, address or setting of Bird closes
// everything.
func (b *breaker) admit(settings *config.Snapshot, m Method) (pass, *failure.Error) {
	b.mu.Lock()
	defer b.mu.Unlock()

	if b.settings == nil || differ(b.settings, settings) {
		b.target = circuit{era: b.target.era + 1}
		b.statuses = circuit{era: b.statuses.era + 1}
		b.methods = map[Method]*circuit{}
	}

	b.settings = settings

	p := pass{shared: &b.target, own: b.methods[m]}
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
			return pass{}, &failure.Error{
				Class:      failure.Configuration,
				Op:         string(m),
				Code:       CodeCircuitOpen,
				RetryAfter: wait,
				Text:       "Bird is not asked until it is probed again: " + c.cause,
			}
		}
	}

	p.shared.probing = p.shared.open
	p.own.probing = p.own.open
	p.sharedEra = p.shared.era
	p.ownEra = p.own.era

	return p, nil
}

func differ(a, b *config.Snapshot) bool {
	return a != b && (a.Secrets.BirdAccessKey != b.Secrets.BirdAccessKey || !reflect.DeepEqual(a.Bird, b.Bird))
}

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

// settle learns from a call that was made: its status and its failure, nil where there was none.
func (b *breaker) settle(p pass, status int, e *failure.Error) {
	b.mu.Lock()
	defer b.mu.Unlock()

	limits := b.settings.Bird.CircuitBreaker

	open := func(c *circuit) {
		*c = circuit{
			open:    true,
			era:     c.era + 1,
			cause:   e.Text,
			probeAt: b.clock.Now().Add(max(limits.OpenDuration, e.RetryAfter)),
		}
	}
	if p.shared.era == p.sharedEra {
		switch {
		case e != nil && e.Class == failure.Transient && status != http.StatusConflict:
			p.shared.failures++
			if p.shared.open || p.shared.failures >= limits.FailureThreshold {
				open(p.shared)
			}
		case status == http.StatusUnauthorized || status == http.StatusPaymentRequired:
			open(p.shared)
		case status != unknown:
			p.shared.close()
		default:
			p.shared.probing = false
		}
	}

	if p.own.era == p.ownEra {
		switch {
		case status == http.StatusForbidden || status == http.StatusNotFound:
			open(p.own)
		case e == nil || e.Class == failure.Permanent:
			p.own.close()
		default:
			p.own.probing = false
		}
	}
}

// giveUp hands a pass back without a lesson: the call was not made, or its caller ended it, which says nothing about
// Bird.
func (b *breaker) giveUp(p pass) {
	b.mu.Lock()
	defer b.mu.Unlock()

	if p.shared.era == p.sharedEra {
		p.shared.probing = false
	}

	if p.own.era == p.ownEra {
		p.own.probing = false
	}
}

func (c *circuit) close() {
	if c.open {
		c.era++
	}

	*c = circuit{era: c.era}
}
