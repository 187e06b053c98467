// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import "time"

// reservationTime is how long an admitted event has time to make its call.
const reservationTime = time.Second

// reservation counts the events that were admitted to a scope and have not made their call yet.
type reservation struct {
	n       int
	expires time.Time
}

// reserve admits up to n events to a scope, less those admitted before. The caller holds the lock.
func (g *Gate) reserve(name string, n int, now time.Time) (admitted int, next time.Time) {
	r := g.reserved[name]
	if r == nil {
		if len(g.reserved) >= maxScopes {
			clear(g.reserved)
		}

		r = &reservation{}
		g.reserved[name] = r
	}

	if !now.Before(r.expires) {
		r.n = 0
	}

	n -= r.n
	if n <= 0 {
		return 0, now.Add(reservationTime / 50)
	}

	r.n += n
	r.expires = now.Add(reservationTime)

	return n, now
}

// useReservation counts the call of an admitted event. The caller holds the lock.
func (g *Gate) useReservation(call Call) {
	if !call.Queued {
		return
	}

	for _, scope := range call.Scopes {
		if r := g.reserved[scope.Name]; r != nil && r.n > 0 {
			r.n--
		}
	}
}
