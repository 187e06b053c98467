// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package dev

import (
	"errors"
	"net/http"
	"sync"
	"time"
)

const (
	// slowAnswer is how long the AI takes while it is slow.
	slowAnswer = 15 * time.Second
	// retryAfter is the wait, in seconds, that the AI asks for while it answers 429.
	retryAfter = "5"
	// dayLater is how far 24-hours-later sets the clock ahead.
	dayLater = 24*time.Hour + time.Minute
)

var errNoFault = errors.New("there is no such fault")

// allFaults are the faults in display order.
var allFaults = []Fault{
	{
		Name:  FaultAIDown,
		Group: "AI",
		Title: "AI is down",
		What: "Every question is answered 503. The receiver keeps the messages and asks again, after 1 s, 2 s, 4 s and so on. " +
			"After ten failures of several messages it stops asking and probes every 5 s. Nothing is lost.",
	},
	{
		Name:  FaultAISlow,
		Group: "AI",
		Title: "AI is slow",
		What: "Every answer takes 15 s longer. The person sees “typing”. Messages of other people are answered meanwhile; " +
			"those of the same person wait, so that the answers stay in order.",
	},
	{
		Name:  FaultAI429,
		Group: "AI",
		Title: "AI answers 429",
		What: "Every question is answered 429 with Retry-After: 5. The receiver waits for that time, and then asks as " +
			"often as the AI takes. No attempt is spent.",
	},
	{
		Name:  FaultAIGarbage,
		Group: "AI",
		Title: "AI answers garbage",
		What: "Every answer is a page of HTML. The receiver sends none of it: the person gets the fallback text, and the message " +
			"becomes a dead letter that can be replayed.",
	},
	{
		Name:  FaultBadSignature,
		Group: "Meta",
		Title: "Bad signature",
		Once:  true,
		What: "Before the next message the same delivery comes with a forged signature. The receiver answers 401 and stores " +
			"nothing. The one that Meta signed is taken.",
	},
	{
		Name:  FaultDuplicate,
		Group: "Meta",
		Title: "Duplicate",
		Once:  true,
		What: "The next message is delivered three times at once. The receiver answers 200 each time, stores it once, asks once " +
			"and answers once.",
	},
	{
		Name:  FaultOutOfOrder,
		Group: "Meta",
		Title: "Out of order",
		What: "A message is delivered after the next one, or after 5 s, and the statuses of an answer come in the reverse order. " +
			"The receiver answers in the order of arrival, and keeps the furthest status.",
	},
	{
		Name:  FaultRateLimit,
		Group: "Meta",
		Title: "Rate limit",
		What: "Meta refuses every message with 131056: too many to this person. The receiver pauses the conversation for " +
			"1 s, 4 s, 16 s and so on, and keeps the answer: the AI is not asked again. No attempt is spent.",
	},
	{
		Name:  FaultSendUnknown,
		Group: "Meta",
		Title: "Send of unknown outcome",
		Once:  true,
		What: "The connection breaks after Meta has accepted the next answer. The receiver does not send it again at once, which " +
			"could make two: it waits for a status, which proves that it arrived.",
	},
	{
		Name:  FaultTokenRefused,
		Group: "Meta",
		Title: "Token refused",
		What: "Meta refuses the access token with 190. The receiver stops sending and keeps the answers. It tries again every 5 s. " +
			"No attempt is spent.",
	},
	{
		Name:  FaultDayLater,
		Group: "Conversation",
		Title: "24 hours later",
		Once:  true,
		What: "The clock is set ahead by a day. Then the AI writes unasked, and the receiver refuses it with window_closed: Meta " +
			"takes only templates now. The next message of the person opens the window again.",
	},
	{
		Name:  FaultPeople,
		Group: "Conversation",
		Title: "People take over",
		What: "People have the conversation. The AI is not asked, and an answer in progress is withheld. The receiver reports each message " +
			"to the desk, which repeats it here.",
	},
}

// faults holds the faults and whether they are on. It is safe for concurrent use.
type faults struct {
	server *Server

	mu   sync.Mutex
	list []Fault
	off  map[string]chan struct{} // closed when the fault is turned off
	acts map[string]bool          // whether a fault that acts once has begun
}

func newFaults(s *Server) *faults {
	return &faults{
		server: s,
		list:   append([]Fault{}, allFaults...),
		off:    map[string]chan struct{}{},
		acts:   map[string]bool{},
	}
}

func (f *faults) all() []Fault {
	f.mu.Lock()
	defer f.mu.Unlock()

	return append([]Fault{}, f.list...)
}

func (f *faults) isOn(name string) bool {
	on, _ := f.until(name)

	return on
}

// until reports whether a fault is on, and returns the channel that is closed when it is turned off.
func (f *faults) until(name string) (on bool, off <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()

	off, on = f.off[name]

	return on, off
}

// takeOnce reports whether a one-shot fault is on and not in use. It marks the fault as in use. The caller turns it off with
// turnOff.
func (f *faults) takeOnce(name string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()

	if _, on := f.off[name]; !on || f.acts[name] {
		return false
	}

	f.acts[name] = true

	return true
}

// turnOff turns a fault off, and adds a trace.
func (f *faults) turnOff(name, detail string) {
	fault, changed, err := f.set(name, false)
	if err != nil || !changed {
		return // it was turned off meanwhile
	}

	f.server.journal.add(Trace{
		Kind:   TraceFault,
		Level:  LevelOK,
		Title:  "Fault over: " + fault.Title,
		Detail: detail,
		Code:   name,
	})
}

// set turns a fault on or off, and reports whether that changed it.
func (f *faults) set(name string, on bool) (fault Fault, changed bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()

	for i := range f.list {
		fault := &f.list[i]
		if fault.Name != name {
			continue
		}

		if fault.On == on {
			return *fault, false, nil
		}

		fault.On = on
		fault.Since = nil

		if on {
			fault.Since = new(f.server.clock.Now())
			f.off[name] = make(chan struct{})
			f.acts[name] = false
		} else {
			close(f.off[name])
			delete(f.off, name)
		}

		f.server.stream.publish(StreamFault, *fault)

		return *fault, true, nil
	}

	return Fault{}, false, errNoFault
}

// turn turns a fault on or off, and adds a trace.
func (f *faults) turn(name string, on bool) (Fault, error) {
	if !on {
		f.turnOff(name, "")
		return f.get(name)
	}

	fault, changed, err := f.set(name, true)
	if changed {
		f.server.journal.add(Trace{
			Kind:   TraceFault,
			Level:  LevelWarning,
			Title:  "Fault: " + fault.Title,
			Detail: fault.What,
			Code:   name,
		})
	}

	return fault, err
}

func (f *faults) get(name string) (Fault, error) {
	for _, fault := range f.all() {
		if fault.Name == name {
			return fault, nil
		}
	}

	return Fault{}, errNoFault
}

// clear turns all faults off.
func (f *faults) clear() {
	for _, fault := range allFaults {
		_, _, _ = f.set(fault.Name, false)
	}
}

// putFault turns a fault on or off.
func (s *Server) putFault(w http.ResponseWriter, r *http.Request) {
	wanted, ok := readJSON[Switch](w, r)
	if !ok {
		return
	}

	fault, err := s.turnFault(r, r.PathValue("name"), wanted)
	if err != nil {
		writeError(w, statusOf(err), err)
		return
	}

	writeJSON(w, http.StatusOK, fault)
}

func (s *Server) turnFault(r *http.Request, name string, wanted Switch) (Fault, error) {
	switch name {
	case FaultDayLater, FaultPeople:
	default:
		return s.faults.turn(name, wanted.On)
	}

	person, err := s.chat.person(wanted.Person)
	if err != nil {
		return Fault{}, err
	}

	if name == FaultPeople {
		return s.turnPeople(r.Context(), person, wanted)
	}

	return s.turnDayLater(r.Context(), person, wanted)
}
