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

var errNoTrouble = errors.New("there is no such trouble")

// allTroubles are the troubles, in the order to show them.
var allTroubles = []Trouble{
	{
		Name:  TroubleAIDown,
		Group: "AI",
		Title: "AI is down",
		What: "Every question is answered 503. The receiver keeps the messages and asks again, after 1 s, 2 s, 4 s and so on. " +
			"After ten failures of several messages it stops asking and probes every 5 s. Nothing is lost.",
	},
	{
		Name:  TroubleAISlow,
		Group: "AI",
		Title: "AI is slow",
		What: "Every answer takes 15 s longer. The person sees “typing”. Messages of other people are answered meanwhile; " +
			"those of the same person wait, so that the answers stay in order.",
	},
	{
		Name:  TroubleAI429,
		Group: "AI",
		Title: "AI answers 429",
		What: "Every question is answered 429 with Retry-After: 5. The receiver waits for that time, and then asks as " +
			"often as the AI takes. No attempt is spent.",
	},
	{
		Name:  TroubleAIGarbage,
		Group: "AI",
		Title: "AI answers garbage",
		What: "Every answer is a page of HTML. The receiver sends none of it: the person gets the fallback text, and the message " +
			"becomes a dead letter that can be replayed.",
	},
	{
		Name:  TroubleBadSignature,
		Group: "Meta",
		Title: "Bad signature",
		Once:  true,
		What: "Before the next message the same delivery comes with a forged signature. The receiver answers 401 and stores " +
			"nothing. The one that Meta signed is taken.",
	},
	{
		Name:  TroubleDuplicate,
		Group: "Meta",
		Title: "Duplicate",
		Once:  true,
		What: "The next message is delivered three times at once. The receiver answers 200 each time, stores it once, asks once " +
			"and answers once.",
	},
	{
		Name:  TroubleOutOfOrder,
		Group: "Meta",
		Title: "Out of order",
		What: "A message is delivered after the next one, or after 5 s, and the statuses of an answer come in the reverse order. " +
			"The receiver answers in the order of arrival, and keeps the furthest status.",
	},
	{
		Name:  TroubleRateLimit,
		Group: "Meta",
		Title: "Rate limit",
		What: "Meta refuses every message with 131056: too many to this person. The receiver pauses the conversation for a " +
			"minute, then for longer, and keeps the answer: the AI is not asked again. No attempt is spent.",
	},
	{
		Name:  TroubleSendUnknown,
		Group: "Meta",
		Title: "Send of unknown outcome",
		Once:  true,
		What: "The connection breaks after Meta has accepted the next answer. The receiver does not send it again at once, which " +
			"could make two: it waits for a status, which proves that it arrived.",
	},
	{
		Name:  TroubleTokenRefused,
		Group: "Meta",
		Title: "Token refused",
		What: "Meta refuses the access token with 190. The receiver stops sending and keeps the answers. It tries again every 5 s. " +
			"No attempt is spent.",
	},
	{
		Name:  TroubleDayLater,
		Group: "Conversation",
		Title: "24 hours later",
		Once:  true,
		What: "The clock is set ahead by a day. Then the AI writes unasked, and the receiver refuses it with window_closed: Meta " +
			"takes only templates now. The next message of the person opens the window again.",
	},
	{
		Name:  TroublePeople,
		Group: "Conversation",
		Title: "People take over",
		What: "People have the conversation. The AI is not asked, and an answer that it still gives is withheld. The receiver tells " +
			"the people's software, which here repeats each message.",
	},
}

// troubles are the troubles and whether they are on. It is safe for concurrent use.
type troubles struct {
	server *Server

	mu   sync.Mutex
	list []Trouble
	off  map[string]chan struct{} // closed when the trouble is turned off
	acts map[string]bool          // of those that act once: whether one has begun
}

func newTroubles(s *Server) *troubles {
	return &troubles{
		server: s,
		list:   append([]Trouble{}, allTroubles...),
		off:    map[string]chan struct{}{},
		acts:   map[string]bool{},
	}
}

func (t *troubles) all() []Trouble {
	t.mu.Lock()
	defer t.mu.Unlock()

	return append([]Trouble{}, t.list...)
}

func (t *troubles) isOn(name string) bool {
	on, _ := t.until(name)

	return on
}

// until reports whether a trouble is on, and returns the channel that is closed when it is turned off.
func (t *troubles) until(name string) (on bool, off <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()

	off, on = t.off[name]

	return on, off
}

// takeOnce reports whether a trouble is on that acts once, and has not begun to. The caller ends it with over.
func (t *troubles) takeOnce(name string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()

	if _, on := t.off[name]; !on || t.acts[name] {
		return false
	}

	t.acts[name] = true

	return true
}

// over turns a trouble off, and says so.
func (t *troubles) over(name, detail string) {
	trouble, changed, err := t.set(name, false)
	if err != nil || !changed {
		return // it was turned off meanwhile
	}

	t.server.journal.add(Trace{
		Kind:   TraceTrouble,
		Level:  LevelOK,
		Title:  "Trouble over: " + trouble.Title,
		Detail: detail,
		Code:   name,
	})
}

// set turns a trouble on or off, and reports whether that changed it.
func (t *troubles) set(name string, on bool) (trouble Trouble, changed bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()

	for i := range t.list {
		trouble := &t.list[i]
		if trouble.Name != name {
			continue
		}

		if trouble.On == on {
			return *trouble, false, nil
		}

		trouble.On = on
		trouble.Since = nil

		if on {
			trouble.Since = new(t.server.clock.Now())
			t.off[name] = make(chan struct{})
			t.acts[name] = false
		} else {
			close(t.off[name])
			delete(t.off, name)
		}

		t.server.stream.publish(StreamTrouble, *trouble)

		return *trouble, true, nil
	}

	return Trouble{}, false, errNoTrouble
}

// turn turns a trouble on or off, and says so.
func (t *troubles) turn(name string, on bool) (Trouble, error) {
	if !on {
		t.over(name, "")
		return t.get(name)
	}

	trouble, changed, err := t.set(name, true)
	if changed {
		t.server.journal.add(Trace{
			Kind:   TraceTrouble,
			Level:  LevelWarning,
			Title:  "Trouble: " + trouble.Title,
			Detail: trouble.What,
			Code:   name,
		})
	}

	return trouble, err
}

func (t *troubles) get(name string) (Trouble, error) {
	for _, trouble := range t.all() {
		if trouble.Name == name {
			return trouble, nil
		}
	}

	return Trouble{}, errNoTrouble
}

// clear turns all troubles off.
func (t *troubles) clear() {
	for _, trouble := range allTroubles {
		_, _, _ = t.set(trouble.Name, false)
	}
}

// putTrouble turns a trouble on or off.
func (s *Server) putTrouble(w http.ResponseWriter, r *http.Request) {
	wanted, ok := readJSON[Switch](w, r)
	if !ok {
		return
	}

	trouble, err := s.turnTrouble(r, r.PathValue("name"), wanted)
	if err != nil {
		writeError(w, statusOf(err), err)
		return
	}

	writeJSON(w, http.StatusOK, trouble)
}

func (s *Server) turnTrouble(r *http.Request, name string, wanted Switch) (Trouble, error) {
	switch name {
	case TroubleDayLater, TroublePeople:
	default:
		return s.troubles.turn(name, wanted.On)
	}

	person, err := s.chat.person(wanted.Person)
	if err != nil {
		return Trouble{}, err
	}

	if name == TroublePeople {
		return s.turnPeople(r.Context(), person, wanted)
	}

	return s.turnDayLater(r.Context(), person, wanted)
}
