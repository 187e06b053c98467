// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"fmt"
	"time"
)

// timeouts limit the waits for the database.
type timeouts struct {
	// call limits every call, besides the deadline of its context. It applies on the server too, where a transaction
	// abandoned by its client would keep its locks.
	call time.Duration
	// connect limits an attempt to connect, and the check of an idle connection. It is less than the time allowed for a
	// delivery.
	connect time.Duration
	// idle limits how long a transaction may wait for its client. A frozen client would block every transaction that needs its
	// locked rows.
	idle time.Duration
}

// defaultTimeouts are those of every store outside the tests of this package.
var defaultTimeouts = timeouts{
	call:    15 * time.Second,
	connect: 3 * time.Second,
	idle:    2 * time.Second,
}

// limits returns the statement that configures a transaction. The timeouts end it, and release its locks, after its client
// is gone. The planner settings fit small transactions: starting parallel workers or the JIT compiler, as PostgreSQL does
// for tables without statistics, takes far longer than the work itself, and hash and merge joins would read an entire
// table that merely seems small.
func (t timeouts) limits() string {
	return fmt.Sprintf(`SELECT set_config('max_parallel_workers_per_gather', '0', true), set_config('jit', 'off', true),
	set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),
	set_config('statement_timeout', '%[1]d', true), set_config('lock_timeout', '%[1]d', true),
	set_config('idle_in_transaction_session_timeout', '%[2]d', true)`, t.call.Milliseconds(), t.idle.Milliseconds())
}

// genericPlans continues the statement that limits returns, for transactions with prepared statements. These are planned
// once, perhaps while a table is new and seems small, so the plan must not read an entire table.
const genericPlans = `, set_config('plan_cache_mode', 'force_generic_plan', true), set_config('enable_seqscan', 'off', true)`
