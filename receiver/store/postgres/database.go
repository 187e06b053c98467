// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const (
	minBackoff, maxBackoff = 100 * time.Millisecond, 5 * time.Second // between attempts to connect to an unreachable server
	schemaBackoff          = time.Second                             // between attempts to migrate the schema
	schemaTimeout          = 6 * time.Hour                           // of one attempt, which may build indexes of a large table
	renewInterval          = time.Second                             // at least, between two replacements of all connections
)

// database is the database that an access leads to: its connections and the state of its schema.
type database struct {
	access    Access
	clock     clockwork.Clock
	configErr error         // why access cannot be used
	pool      *pgxpool.Pool // nil with a configErr
	evidence  evidence
	progress  atomic.Pointer[store.Migration] // of a migration that began

	unprepared atomic.Bool // statements are not prepared, because a pooler does not know prepared ones

	ctx    context.Context // ends when the store moves to another database, or closes
	cancel context.CancelFunc

	mu      sync.Mutex
	backoff time.Duration
	retryAt time.Time // earliest next attempt to connect
	lastErr error     // of the last attempt
	renewed time.Time // when all connections were last replaced
	schema  *migration
	work    sync.WaitGroup
}

// migration is an attempt to migrate the schema.
type migration struct {
	done    chan struct{}
	err     error     // valid once done is closed
	retryAt time.Time // of the next attempt after a failure
}

func newDatabase(access Access, options Options) *database {
	d := &database{access: access, clock: options.Clock}
	d.ctx, d.cancel = context.WithCancel(context.Background())

	config, err := configure(access, options)
	if err != nil {
		d.configErr = err
		return d
	}

	if d.pool, err = pgxpool.NewWithConfig(d.ctx, config); err != nil {
		d.configErr = sanitizeError(d.ctx, err)
	}

	return d
}

// close waits for running transactions and closes the connections.
func (d *database) close() {
	d.cancel()
	d.work.Wait()

	if d.pool != nil {
		d.pool.Close()
	}
}

// acquire returns a connection to a database with a current schema.
func (d *database) acquire(ctx context.Context) (*pgxpool.Conn, error) {
	if err := d.ensureSchema(ctx); err != nil {
		return nil, err
	}

	return d.connect(ctx)
}

// connect returns an idle connection or opens one. While the server is unreachable, it attempts to connect at growing
// intervals and fails at once in between: a delivery that cannot be stored should be refused quickly.
func (d *database) connect(ctx context.Context) (*pgxpool.Conn, error) {
	if d.configErr != nil {
		return nil, d.configErr
	}

	d.mu.Lock()
	waiting := d.clock.Now().Before(d.retryAt)
	reason := d.lastErr
	d.mu.Unlock()

	if waiting {
		return nil, reason
	}

	c, err := d.pool.Acquire(ctx)
	d.mu.Lock()
	defer d.mu.Unlock()

	if err == nil {
		d.backoff = 0
		d.retryAt = time.Time{}

		return c, nil
	}

	if d.ctx.Err() != nil {
		return nil, errDatabaseChanged
	}

	err = sanitizeError(ctx, err)

	stat := d.pool.Stat()
	if ctx.Err() == nil && stat.TotalConns() == stat.ConstructingConns() && !d.clock.Now().Before(d.retryAt) {
		d.backoff = min(max(2*d.backoff, minBackoff), maxBackoff)
		d.retryAt = d.clock.Now().Add(d.backoff/2 + rand.N(d.backoff/2)) //nolint:gosec // jitter is not a secret
		d.lastErr = err
	}

	return nil, err
}

// leaveReadOnly replaces all connections after an error of a server that is read-only. A connection that was opened during a
// failover leads to a standby, and one that was opened while the database was read-only refuses writes, for as long as it is used.
func (d *database) leaveReadOnly(err error) {
	if f, ok := errors.AsType[*fault](err); !ok || f.code != codeReadOnly {
		return
	}

	d.mu.Lock()
	defer d.mu.Unlock()

	now := d.clock.Now()
	if age := now.Sub(d.renewed); age >= 0 && age < renewInterval {
		return
	}

	d.renewed = now
	d.pool.Reset()
}

// ensureSchema returns once the schema is current. The migration continues if the caller's context ends.
func (d *database) ensureSchema(ctx context.Context) error {
	if d.configErr != nil {
		return d.configErr
	}

	d.mu.Lock()

	p := d.schema
	if p == nil || p.failed() && !d.clock.Now().Before(p.retryAt) {
		if d.ctx.Err() != nil {
			d.mu.Unlock()
			return errDatabaseChanged
		}

		p = &migration{done: make(chan struct{})}
		d.schema = p
		d.work.Go(func() {
			ctx, cancel := context.WithTimeout(d.ctx, schemaTimeout)
			defer cancel()

			p.err = d.migrate(ctx)
			d.leaveReadOnly(p.err)
			d.progress.Store(nil)

			p.retryAt = d.clock.Now()
			if !errors.Is(p.err, errUnreachable) {
				p.retryAt = p.retryAt.Add(schemaBackoff)
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
			if m := d.progress.Load(); m != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
				migrating := &store.MigratingError{Migration: *m}
				return &fault{text: migrating.Error(), cause: errors.Join(migrating, ctx.Err())}
			}

			return sanitizeError(ctx, ctx.Err())
		}
	}

	if p.err != nil && d.ctx.Err() != nil {
		return errDatabaseChanged // this is why the migration failed
	}

	return p.err
}

func (m *migration) failed() bool {
	select {
	case <-m.done:
		return m.err != nil
	default:
		return false
	}
}
