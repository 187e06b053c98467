// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/gate"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/metrics"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const (
	// maxClaim bounds the lanes of one claim, so that replicas share a backlog.
	maxClaim = 128
	// minWait bounds how often the pool looks again at what is due.
	minWait = time.Millisecond
	// settingsCheck is how often the pool asks the gate whether new settings opened a scope for which lanes wait.
	settingsCheck = 250 * time.Millisecond
)

var errStopped = errors.New("the receiver is shutting down")

// process makes one attempt at the head of a leased lane and records its outcome. It returns the next due event of the
// lane, nil if there is none.
type process func(context.Context, head) (*store.Work, error)

// pool processes the lanes of one class, the events of each lane in order, and up to capacity lanes at a time.
type pool struct {
	class    store.Class
	capacity func() int
	process  process
	store    store.Store
	gate     *gate.Gate
	live     *config.Live
	clock    clockwork.Clock
	metrics  *metrics.Metrics
	log      *slog.Logger // sampled
	woken    chan struct{}
	// askSchedule makes the engine read the schedule soon. It never blocks.
	askSchedule func()
	lanes       sync.WaitGroup
	suspects    suspects

	mu       sync.Mutex
	active   map[string]*activeLane
	stopping bool
	claiming bool            // a claim is under way
	claims   bool            // lanes may be due: a claim was asked for
	nextDue  time.Time       // when a lane is due next; zero if none is known
	scopes   map[string]bool // for which lanes wait
}

// activeLane is a lane that this pool has leased.
type activeLane struct {
	ref    store.LeaseRef
	cancel context.CancelCauseFunc
}

func (e *Engine) newPool(class store.Class, capacity func() int, turn chan struct{}, process process) *pool {
	return &pool{
		class:    class,
		capacity: capacity,
		process:  process,
		store:    e.Store,
		gate:     e.gate,
		live:     e.Live,
		clock:    e.Clock,
		metrics:  e.Metrics,
		log:      e.sampled,
		suspects: suspects{turn: turn},
		woken:    make(chan struct{}, 1),
		askSchedule: func() {
			select {
			case e.scheduleAsked <- struct{}{}:
			default:
			}
		},
		active: map[string]*activeLane{},
		scopes: map[string]bool{},
	}
}

// wake makes the pool claim due lanes.
func (p *pool) wake() {
	p.mu.Lock()
	p.claims = true
	p.mu.Unlock()

	p.signal()
}

// signal makes the pool look again at what is due.
func (p *pool) signal() {
	select {
	case p.woken <- struct{}{}:
	default:
	}
}

// postponed records when the lane of an outcome is due, or for which scope it waits.
func (p *pool) postponed(outcome *store.Outcome) {
	if outcome.State != store.Pending {
		return
	}

	p.mu.Lock()
	p.expect(outcome.RetryAt)

	isNew := outcome.WaitsFor != "" && !p.scopes[outcome.WaitsFor] && len(p.scopes) < store.MaxWaitingScopes
	if isNew {
		p.scopes[outcome.WaitsFor] = true
	}
	p.mu.Unlock()

	p.signal()
}

// expect records that a lane is due at a time. The caller holds the lock.
func (p *pool) expect(at time.Time) {
	if p.nextDue.IsZero() || at.Before(p.nextDue) {
		p.nextDue = at
	}
}

// dueAt records that a lane which was given back is due at a time.
func (p *pool) dueAt(at time.Time) {
	p.mu.Lock()
	p.expect(at)
	p.mu.Unlock()

	p.signal()
}

// follow takes over what the store knows.
func (p *pool) follow(schedule store.Schedule) {
	p.mu.Lock()

	if !schedule.NextDue.IsZero() {
		p.expect(schedule.NextDue)
	}

	for _, scope := range schedule.Scopes {
		if len(p.scopes) < store.MaxWaitingScopes {
			p.scopes[scope] = true
		}
	}
	p.mu.Unlock()

	p.signal()
}

func (p *pool) run(ctx context.Context, drain time.Duration) {
	work, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)

	var renewal sync.WaitGroup
	renewal.Go(func() { p.renewLeases(work) })

	p.wake() // what is due at the start

	for ctx.Err() == nil {
		more, err := p.claimDue(ctx, work)
		if err != nil && ctx.Err() == nil {
			p.log.Error("claim lanes", "class", p.class, "error", err)
		}

		if more {
			continue
		}

		next, err := p.claimWaiting(ctx, work)
		if err != nil && ctx.Err() == nil {
			p.log.Error("claim waiting lanes", "class", p.class, "error", err)
		}

		p.waitForWork(ctx, next)
	}

	p.mu.Lock()
	p.stopping = true
	p.mu.Unlock()
	p.suspects.stopAlone()

	timer := p.clock.AfterFunc(drain, func() { cancel(errStopped) })

	p.lanes.Wait()
	timer.Stop()
	cancel(errStopped)
	renewal.Wait()
}

// waitForWork returns on a wake-up, when a lane is due, when a scope may open, or when ctx ends.
func (p *pool) waitForWork(ctx context.Context, scopeOpens time.Time) {
	p.mu.Lock()
	next := p.nextDue
	isFull := len(p.active) >= p.capacity()
	p.mu.Unlock()

	if isFull { // the next released lane wakes the pool
		next = time.Time{}
		scopeOpens = time.Time{}
	}

	if next.IsZero() || !scopeOpens.IsZero() && scopeOpens.Before(next) {
		next = scopeOpens
	}

	wait := time.Hour
	if !next.IsZero() {
		wait = max(next.Sub(p.clock.Now()), minWait)
	}

	timer := p.clock.NewTimer(wait)
	defer timer.Stop()

	select {
	case <-ctx.Done():
	case <-p.woken:
	case <-timer.Chan():
	}
}

// room returns how many lanes may be leased now.
func (p *pool) room() int {
	p.mu.Lock()
	defer p.mu.Unlock()

	return min(p.capacity()-len(p.active), maxClaim)
}

// claimDue leases due lanes up to the free capacity, if any may be due. It reports whether more lanes may be due and
// capacity is left.
func (p *pool) claimDue(ctx, work context.Context) (more bool, err error) {
	limit := p.room()
	if limit <= 0 || p.isAlone() {
		return false, nil // the end of a lane makes the pool look again
	}

	now := p.clock.Now()

	p.mu.Lock()
	isTime := !p.nextDue.IsZero() && !now.Before(p.nextDue)
	isDue := p.claims || isTime
	p.claims = false

	p.claiming = isDue

	if isTime {
		p.nextDue = time.Time{}
	}
	p.mu.Unlock()

	if !isDue {
		return false, nil
	}

	defer p.endClaim()

	if isTime {
		p.askSchedule() // for the time after this one
	}

	leases, err := p.store.Claim(ctx, p.class, now, now.Add(p.live.Current().Processing.Lease), limit)
	if err != nil {
		return false, err
	}

	p.start(ctx, work, leases, false)

	if more = len(leases) == limit; more {
		p.mu.Lock()
		p.claims = true
		p.mu.Unlock()
	}

	return more, nil
}

// claimWaiting leases lanes that wait for a scope, as many as the scope admits. It returns when to ask again; zero if no
// lane waits.
func (p *pool) claimWaiting(ctx, work context.Context) (next time.Time, err error) {
	p.mu.Lock()
	scopes := slices.Sorted(maps.Keys(p.scopes))
	p.mu.Unlock()

	defer p.endClaim()

	for _, scope := range scopes {
		limit := p.room()
		if limit <= 0 || p.isAlone() {
			return time.Time{}, nil
		}

		admitted, opens := p.gate.Admit(scope, limit)
		now := p.clock.Now()

		// A new credential opens a scope before its next probe.
		next = sooner(next, sooner(opens, now.Add(settingsCheck)))

		if admitted == 0 {
			continue
		}

		p.mu.Lock()
		p.claiming = true
		p.mu.Unlock()

		leases, err := p.store.ClaimWaiting(ctx, p.class, scope, now.Add(p.live.Current().Processing.Lease), admitted)
		if err != nil {
			return now.Add(settingsCheck), err
		}

		if len(leases) < admitted {
			p.drained(scope)
		}

		p.start(ctx, work, leases, true)
	}

	return next, nil
}

func (p *pool) endClaim() {
	p.mu.Lock()
	defer p.mu.Unlock()

	p.claiming = false
}

// busy reports whether lanes are claimed or processed.
func (p *pool) busy() bool {
	p.mu.Lock()
	defer p.mu.Unlock()

	return p.claiming || len(p.active) > 0
}

// drained records that no lane waits for a scope any more.
func (p *pool) drained(scope string) {
	p.mu.Lock()
	delete(p.scopes, scope)
	p.mu.Unlock()

	p.gate.Drained(scope)
}

func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}

	return a
}

// start processes leased lanes, each in a goroutine of its own. queued reports whether they waited for a scope.
func (p *pool) start(ctx, work context.Context, leases []store.Lease, queued bool) {
	for _, lease := range p.withoutSuspects(ctx, work, leases) {
		laneCtx, l := p.activate(work, lease)
		p.lanes.Go(func() {
			defer p.release(l)

			p.processLane(laneCtx, lease, queued)
		})
	}
}

// activate takes capacity for a lane, and returns the context of its attempts.
func (p *pool) activate(work context.Context, lease store.Lease) (context.Context, *activeLane) {
	ctx, cancel := context.WithCancelCause(work)
	l := &activeLane{ref: lease.LeaseRef, cancel: cancel}

	p.mu.Lock()
	defer p.mu.Unlock()

	p.active[lease.Lane] = l

	return ctx, l
}

// release frees the capacity that a lane took.
func (p *pool) release(l *activeLane) {
	l.cancel(nil)

	p.mu.Lock()
	if p.active[l.ref.Lane] == l {
		delete(p.active, l.ref.Lane)
	}
	p.mu.Unlock()

	p.signal()
}

// renewLeases renews the leases of the active lanes until ctx ends, and cancels attempts whose lease is lost.
func (p *pool) renewLeases(ctx context.Context) {
	for {
		timer := p.clock.NewTimer(p.live.Current().Processing.Lease / 3)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.Chan():
		}

		refs := p.activeRefs()
		if len(refs) == 0 {
			continue
		}

		lost, err := p.store.Renew(ctx, refs, p.clock.Now().Add(p.live.Current().Processing.Lease))
		if err != nil {
			if ctx.Err() == nil {
				p.log.Error("renew leases", "class", p.class, "error", err)
			}

			continue
		}

		p.cancelLost(lost)
	}
}

func (p *pool) activeRefs() []store.LeaseRef {
	p.mu.Lock()
	defer p.mu.Unlock()

	refs := make([]store.LeaseRef, 0, len(p.active))
	for _, l := range p.active {
		refs = append(refs, l.ref)
	}

	return refs
}

func (p *pool) cancelLost(lost []store.LeaseRef) {
	p.mu.Lock()
	defer p.mu.Unlock()

	for _, ref := range lost {
		if l := p.active[ref.Lane]; l != nil && l.ref == ref {
			l.cancel(store.ErrLeaseLost)
		}
	}
}

func (p *pool) isStopping() bool {
	p.mu.Lock()
	defer p.mu.Unlock()

	return p.stopping
}

// processLane processes the events of a leased lane in order, until none is due, an attempt cannot be recorded, the lease
// is lost, or the pool stops.
func (p *pool) processLane(ctx context.Context, lease store.Lease, queued bool) {
	for work := &lease.Work; work != nil; {
		if p.isStopping() {
			p.giveBack(ctx, lease.LeaseRef, p.clock.Now())
			return
		}

		work = p.attempt(ctx, lease.LeaseRef, work, queued)
		queued = false
	}
}
