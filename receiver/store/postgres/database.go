// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jonboulle/clockwork"
)

const (
	leastRest, mostRest = 100 * time.Millisecond, 5 * time.Second // between attempts to connect while nobody answers
	schemaRest          = time.Second                             // between attempts to bring the schema up to date
	schemaTimeout       = 10 * time.Minute                        // of one attempt, which may build an index
)

// database is what one access leads to: its connections, and what is known of it.
type database struct {
	access Access
	clock  clockwork.Clock
	fault  error         // what keeps access from being used at all
	pool   *pgxpool.Pool // nil with a fault

	ending context.Context // ends when the database is left
	end    context.CancelFunc

	mu     sync.Mutex
	rest   time.Duration
	until  time.Time // no attempt to connect before
	reason error     // of the attempt before
	schema *preparation
	work   sync.WaitGroup
}

// preparation is an attempt to bring the schema up to date.
type preparation struct {
	done  chan struct{}
	err   error     // valid when done
	again time.Time // of the next attempt after a failure
}

func newDatabase(access Access, maxConnections int, clock clockwork.Clock) *database {
	d := &database{access: access, clock: clock}
	d.ending, d.end = context.WithCancel(context.Background())

	config, err := configure(access, maxConnections)
	if err != nil {
		d.fault = err
		return d
	}

	if d.pool, err = pgxpool.NewWithConfig(d.ending, config); err != nil {
		d.fault = conceal(d.ending, err)
	}

	return d
}

// close waits for the transactions that are under way.
func (d *database) close() {
	d.end()
	d.work.Wait()

	if d.pool != nil {
		d.pool.Close()
	}
}

// acquire returns a connection to a database whose schema is up to date.
func (d *database) acquire(ctx context.Context) (*pgxpool.Conn, error) {
	if err := d.prepared(ctx); err != nil {
		return nil, err
	}

	return d.connect(ctx)
}

// connect takes a free connection or makes one. While nobody answers, attempts become rare and the calls between them fail
// at once: a delivery that cannot be stored is better refused soon.
func (d *database) connect(ctx context.Context) (*pgxpool.Conn, error) {
	if d.fault != nil {
		return nil, d.fault
	}

	d.mu.Lock()
	resting := d.clock.Now().Before(d.until)
	reason := d.reason
	d.mu.Unlock()

	if resting {
		return nil, reason
	}

	c, err := d.pool.Acquire(ctx)
	d.mu.Lock()
	defer d.mu.Unlock()

	if err == nil {
		d.rest = 0
		d.until = time.Time{}

		return c, nil
	}

	if d.ending.Err() != nil {
		return nil, errLeft
	}

	err = conceal(ctx, err)

	stat := d.pool.Stat()
	if ctx.Err() == nil && stat.TotalConns() == stat.ConstructingConns() && !d.clock.Now().Before(d.until) {
		d.rest = min(max(2*d.rest, leastRest), mostRest)
		d.until = d.clock.Now().Add(d.rest/2 + rand.N(d.rest/2)) //nolint:gosec // jitter is not a secret
		d.reason = err
	}

	return nil, err
}

// prepared returns once the schema is up to date. The attempt outlives a caller who leaves.
func (d *database) prepared(ctx context.Context) error {
	if d.fault != nil {
		return d.fault
	}

	d.mu.Lock()

	p := d.schema
	if p == nil || p.failed() && !d.clock.Now().Before(p.again) {
		if d.ending.Err() != nil {
			d.mu.Unlock()
			return errLeft
		}

		p = &preparation{done: make(chan struct{})}
		d.schema = p
		d.work.Go(func() {
			ctx, cancel := context.WithTimeout(d.ending, schemaTimeout)
			defer cancel()

			p.err = d.migrate(ctx)

			p.again = d.clock.Now()
			if !errors.Is(p.err, errAway) {
				p.again = p.again.Add(schemaRest)
			}

			close(p.done)
		})
	}
	d.mu.Unlock()

	select {
	case <-p.done:
	default:
		select {
		case <-p.done:
		case <-ctx.Done():
			return conceal(ctx, ctx.Err())
		}
	}

	if p.err != nil && d.ending.Err() != nil {
		return errLeft // which is what ended the attempt
	}

	return p.err
}

func (p *preparation) failed() bool {
	select {
	case <-p.done:
		return p.err != nil
	default:
		return false
	}
}
