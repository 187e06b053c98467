// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package dev

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

const (
	maxPeople   = 8
	maxMessages = 1000
	// maxName is how many characters a profile name can have on WhatsApp.
	maxName = 25
	// firstNumber is the number of the first person; it belongs to no one.
	firstNumber = 573_001_230_001
)

var (
	errNoPerson    = errors.New("there is no such person: reload the page")
	errNoMessage   = errors.New("there is no such message: reload the page")
	errTooMany     = fmt.Errorf("there are %d people, the most that this server has", maxPeople)
	errNumberTaken = errors.New("another person has this number")
	numberPattern  = regexp.MustCompile(`^[1-9][0-9]{6,14}$`)
)

// chat is what the phones of all people show. It is safe for concurrent use, and publishes its changes in order.
type chat struct {
	stream *stream

	mu       sync.Mutex
	people   []*Person
	added    int64 // people so far: a number is never used again
	messages []*Message
}

// addPerson adds a person. Without a number it makes one up.
func (c *chat) addPerson(wanted NewPerson) (Person, error) {
	name := strings.TrimSpace(wanted.Name)
	if n := utf8.RuneCountInString(name); n < 1 || n > maxName {
		return Person{}, fmt.Errorf("name must have 1 to %d characters", maxName)
	}

	number := strings.NewReplacer("+", "", " ", "", "-", "").Replace(wanted.Number)
	if number != "" && !numberPattern.MatchString(number) {
		return Person{}, errors.New("number must be 7 to 15 digits with the country code, such as 573001234567")
	}

	c.mu.Lock()
	defer c.mu.Unlock()

	if len(c.people) >= maxPeople {
		return Person{}, errTooMany
	}

	if number == "" {
		number = strconv.FormatInt(firstNumber+c.added, 10)
	}

	if slices.ContainsFunc(c.people, func(p *Person) bool { return p.Number == number }) {
		return Person{}, errNumberTaken
	}

	c.added++

	person := &Person{
		ID:      "p" + strconv.FormatInt(c.added, 10),
		Name:    name,
		Number:  number,
		Handler: HandlerAI,
	}
	c.people = append(c.people, person)
	c.stream.publish(StreamPerson, person)

	return *person, nil
}

// person returns a person by id. An empty id means the first person.
func (c *chat) person(id string) (Person, error) {
	c.mu.Lock()
	defer c.mu.Unlock()

	for _, p := range c.people {
		if p.ID == id || id == "" {
			return *p, nil
		}
	}

	return Person{}, errNoPerson
}

// byNumber returns a person by phone number, as a send writes it. Those from before a reset are unknown.
func (c *chat) byNumber(number string) (Person, bool) {
	number = onlyDigits(number)

	c.mu.Lock()
	defer c.mu.Unlock()

	for _, p := range c.people {
		if p.Number == number {
			return *p, true
		}
	}

	return Person{}, false
}

// setHandler changes who answers a person, and reports whether that is new.
func (c *chat) setHandler(id, handler string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()

	for _, p := range c.people {
		if p.ID == id && p.Handler != handler {
			p.Handler = handler
			c.stream.publish(StreamPerson, p)

			return true
		}
	}

	return false
}

// listPeople returns all people, in the order of their arrival.
func (c *chat) listPeople() []Person {
	c.mu.Lock()
	defer c.mu.Unlock()

	people := make([]Person, len(c.people))
	for i, p := range c.people {
		people[i] = *p
	}

	return people
}

// add shows a new message.
func (c *chat) add(m Message) {
	c.mu.Lock()
	defer c.mu.Unlock()

	c.messages = append(c.messages, &m)
	if len(c.messages) > maxMessages {
		c.messages[0] = nil
		c.messages = c.messages[1:]
	}

	c.stream.publish(StreamMessage, m)
}

// message returns a message of a person's conversation.
func (c *chat) message(person, id string) (Message, error) {
	c.mu.Lock()
	defer c.mu.Unlock()

	if m := c.findLocked(id); m != nil && m.Person == person {
		return *m, nil
	}

	return Message{}, errNoMessage
}

// eventOf returns the event of a message, or nothing.
func (c *chat) eventOf(id string) string {
	c.mu.Lock()
	defer c.mu.Unlock()

	if m := c.findLocked(id); m != nil {
		return m.EventID
	}

	return ""
}

func (c *chat) findLocked(id string) *Message {
	for _, m := range slices.Backward(c.messages) {
		if m.ID == id {
			return m
		}
	}

	return nil
}

// change changes a message and returns it. It changes nothing if there is none, as after a reset.
func (c *chat) change(id string, change func(*Message)) Message {
	c.mu.Lock()
	defer c.mu.Unlock()

	m := c.findLocked(id)
	if m == nil {
		return Message{}
	}

	m.Reactions = slices.Clone(m.Reactions) // the copies that callers have stay as they are
	change(m)
	c.stream.publish(StreamEdit, m)

	return *m
}

// ranks orders the statuses: a phone never takes a tick back.
var ranks = map[string]int{
	StatusSending:   0,
	StatusSent:      1,
	StatusDelivered: 2,
	StatusRead:      3,
	StatusPlayed:    4,
	StatusFailed:    5,
}

// setStatus moves a message to a later status.
func (c *chat) setStatus(id, status string, failure *Failure) {
	c.mu.Lock()
	defer c.mu.Unlock()

	m := c.findLocked(id)
	if m == nil || ranks[status] <= ranks[m.Status] {
		return
	}

	m.Status = status
	m.Failure = failure
	c.stream.publish(StreamStatus, StatusChange{
		Message: m.ID,
		Person:  m.Person,
		Status:  status,
		Failure: failure,
	})
}

// all returns the messages, oldest first.
func (c *chat) all() []Message {
	c.mu.Lock()
	defer c.mu.Unlock()

	messages := make([]Message, len(c.messages))
	for i, m := range c.messages {
		messages[i] = *m
	}

	return messages
}

// clear forgets everything. The names of the people stay, with new numbers: to the receiver and the AI they are new.
func (c *chat) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()

	c.messages = nil

	for i, p := range c.people {
		c.added++
		c.people[i] = &Person{
			ID:      "p" + strconv.FormatInt(c.added, 10),
			Name:    p.Name,
			Number:  strconv.FormatInt(firstNumber+c.added-1, 10),
			Handler: HandlerAI,
		}
	}
}
