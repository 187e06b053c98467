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

// CutPoint is the point at which a fault closes the connection.
//
// Go's http.Transport retries a request on a new connection if a reused connection closes before the first byte of the
// answer and the request is a GET or carries an Idempotency-Key. Its caller may then never see a CutBefore or CutAfter
// with Times 1.
type CutPoint string

const (
	// CutBefore closes the connection without an answer; the call has no effect.
	CutBefore CutPoint = "before"
	// CutAfter lets the call take effect, then closes the connection without an answer: the ambiguous send.
	CutAfter CutPoint = "after"
	// CutMidBody sends the headers and half of the body of the answer, then closes the connection.
	CutMidBody CutPoint = "midbody"
)

// Fault describes which calls fail and how. It is played in the order effect, Delay, then Hang, Cut or Status. A fault
// with only a Delay makes the call slow.
type Fault struct {
	// Method is the HTTP method; empty matches any.
	Method string
	// PathPrefix matches the start of the path, with or without Graph's version: /v27.0/123/messages or /123/messages.
	PathPrefix string

	// Status is the status of the answer, if not 0. The call then has no effect.
	Status int
	// Body is the body of the answer with Status.
	Body string
	// RetryAfter is the Retry-After header of the answer with Status; empty sends none.
	RetryAfter string
	// Delay is the wait before the call takes effect, or after the effect with AfterEffect.
	Delay time.Duration
	// Hang gives no answer until the client disconnects or the stand-in is closed.
	Hang bool
	// Cut closes the connection at this point; empty leaves it open.
	Cut CutPoint
	// AfterEffect lets the call take effect first: a 500 or a timeout for a message that was sent.
	AfterEffect bool

	// Times is how many calls the fault is played on; with 0 it stays until it is removed.
	Times int
}

// Validate returns an error if the fault cannot be played.
func (f Fault) Validate() error {
	switch {
	case f.Status != 0 && (f.Status < 200 || f.Status > 599):
		return fmt.Errorf("status %d is not between 200 and 599", f.Status)
	case !slices.Contains([]CutPoint{"", CutBefore, CutAfter, CutMidBody}, f.Cut):
		return fmt.Errorf("cut %q is unknown: want before, after or midbody", f.Cut)
	case f.Cut == CutBefore && f.AfterEffect:
		return fmt.Errorf("cut %q and afterEffect exclude each other", f.Cut)
	case f.Delay < 0 || f.Times < 0:
		return fmt.Errorf("delay %s and times %d must not be negative", f.Delay, f.Times)
	}

	return nil
}

// takesEffect reports whether the handler runs before the fault determines the answer.
func (f Fault) takesEffect() bool {
	return f.AfterEffect || f.Cut == CutAfter || (f.Cut == CutMidBody && f.Status == 0)
}

// String returns the name that the record of a call shows, such as "after effect, delay 2s, status 500".
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

// ActiveFault is a fault that has been added and not removed.
type ActiveFault struct {
	// ID is the id that Remove takes.
	ID int
	// Fault is the fault as it was added.
	Fault Fault
	// Played is the number of calls it was played on.
	Played int
}

// Faults is the ordered list of active faults. The first match is played on a call. The zero value is ready to use.
// It is safe for concurrent use.
type Faults struct {
	mu     sync.Mutex
	lastID int
	active []*ActiveFault
}

// Add appends a valid fault to the list and returns its id.
func (f *Faults) Add(fault Fault) (id int) {
	f.mu.Lock()
	defer f.mu.Unlock()

	f.lastID++
	f.active = append(f.active, &ActiveFault{ID: f.lastID, Fault: fault})

	return f.lastID
}

// Remove removes a fault and reports whether it was active. Calls that it already delays or hangs stay blocked.
func (f *Faults) Remove(id int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()

	before := len(f.active)
	f.active = slices.DeleteFunc(f.active, func(a *ActiveFault) bool { return a.ID == id })

	return len(f.active) < before
}

// Clear removes every fault.
func (f *Faults) Clear() {
	f.mu.Lock()
	defer f.mu.Unlock()

	f.active = nil
}

// Active returns the active faults in the order in which they are matched.
func (f *Faults) Active() []ActiveFault {
	f.mu.Lock()
	defer f.mu.Unlock()

	list := make([]ActiveFault, len(f.active))
	for i, a := range f.active {
		list[i] = *a
	}

	return list
}

// take returns the fault for a request and counts the call. It removes a fault that was played Times times.
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
