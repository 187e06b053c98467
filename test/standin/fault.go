// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// CutPoint is where a fault closes the connection.
//
// Go's http.Transport by itself repeats a request on a fresh connection when a reused one closes before the first
// byte of an answer and the request is a GET or carries an Idempotency-Key: such a client may never show a CutBefore
// or CutAfter with Times 1 to its caller.
type CutPoint string

const (
	// CutBefore closes the connection with no answer and no effect.
	CutBefore CutPoint = "before"
	// CutAfter lets the call take effect, then closes the connection with no answer: the ambiguous send.
	CutAfter CutPoint = "after"
	// CutMidBody announces the whole answer, sends half of its body, then closes the connection.
	CutMidBody CutPoint = "midbody"
)

// Fault says which calls go wrong and how. Its parts are played in the order effect, Delay, then Hang, Cut or Status;
// a fault with nothing but a Delay makes the call slow.
type Fault struct {
	// Method is the HTTP method; "" is any.
	Method string
	// PathPrefix is how the path begins, with or without Graph's version: /v26.0/123/messages or /123/messages.
	PathPrefix string

	// Status, when set, is answered with Body and, when set, a Retry-After header, and the call has no effect.
	Status     int
	Body       string
	RetryAfter string
	// Delay passes before the call takes effect, or after it with AfterEffect.
	Delay time.Duration
	// Hang gives no answer until the client has gone or the stand-in is closed.
	Hang bool
	Cut  CutPoint
	// AfterEffect lets the call take effect first: a 500 or a time-out for a message that was sent.
	AfterEffect bool

	// Times is how many calls the fault is played on; 0 is until it is removed.
	Times int
}

// Validate says what in a fault cannot be played.
func (f Fault) Validate() error {
	switch {
	case f.Status != 0 && (f.Status < 200 || f.Status > 599):
		return fmt.Errorf("status %d is not one of 200 to 599", f.Status)
	case !slices.Contains([]CutPoint{"", CutBefore, CutAfter, CutMidBody}, f.Cut):
		return fmt.Errorf("cut %q is not one of before, after, midbody", f.Cut)
	case f.Cut == CutBefore && f.AfterEffect:
		return fmt.Errorf("cut %q and afterEffect exclude each other", f.Cut)
	case f.Delay < 0 || f.Times < 0:
		return fmt.Errorf("delay %s and times %d must not be negative", f.Delay, f.Times)
	}

	return nil
}

// takesEffect reports whether the handler runs although the fault then decides the answer.
func (f Fault) takesEffect() bool {
	return f.AfterEffect || f.Cut == CutAfter || (f.Cut == CutMidBody && f.Status == 0)
}

// String is the name under which calls are recorded, such as "after effect, delay 2s, status 500".
func (f Fault) String() string {
	var parts []string
	if f.AfterEffect {
		parts = append(parts, "after effect")
	}

	if f.Delay > 0 {
		parts = append(parts, "delay "+f.Delay.String())
	}

	if f.Hang {
		parts = append(parts, "hang")
	}

	if f.Status != 0 {
		parts = append(parts, fmt.Sprintf("status %d", f.Status))
	}

	if f.Cut != "" {
		parts = append(parts, "cut "+string(f.Cut))
	}

	return strings.Join(parts, ", ")
}

// ActiveFault is a fault in force.
type ActiveFault struct {
	ID    int
	Fault Fault
	// Played is the number of calls it was played on so far.
	Played int
}

// Faults is the ordered list of faults in force. The first that matches a call is played. The zero value is empty
// and ready; it is safe for concurrent use.
type Faults struct {
	mu     sync.Mutex
	lastID int
	active []*ActiveFault
}

// Add puts a fault, one that Validate passes, at the end of the list and returns the id to remove it by.
func (f *Faults) Add(fault Fault) (id int) {
	f.mu.Lock()
	defer f.mu.Unlock()

	f.lastID++
	f.active = append(f.active, &ActiveFault{ID: f.lastID, Fault: fault})

	return f.lastID
}

// Remove ends a fault and reports whether it was in force. Calls it already holds are not let go.
func (f *Faults) Remove(id int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()

	before := len(f.active)
	f.active = slices.DeleteFunc(f.active, func(a *ActiveFault) bool { return a.ID == id })

	return len(f.active) < before
}

// Clear ends every fault.
func (f *Faults) Clear() {
	f.mu.Lock()
	defer f.mu.Unlock()

	f.active = nil
}

// Active lists the faults in force, in the order they are tried.
func (f *Faults) Active() []ActiveFault {
	f.mu.Lock()
	defer f.mu.Unlock()

	list := make([]ActiveFault, len(f.active))
	for i, a := range f.active {
		list[i] = *a
	}

	return list
}

// take returns the fault for a request and counts it; one that has been played out leaves the list.
func (f *Faults) take(r *http.Request) (Fault, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()

	for i, a := range f.active {
		if !matches(a.Fault.Method, a.Fault.PathPrefix, r.Method, r.URL.Path) {
			continue
		}

		a.Played++
		if a.Fault.Times > 0 && a.Played >= a.Fault.Times {
			f.active = slices.Delete(f.active, i, i+1)
		}

		return a.Fault, true
	}

	return Fault{}, false
}
