// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package failure is the one place where what went wrong is put into a class, and where a class means a reaction.
package failure

import (
	"errors"
	"fmt"
	"time"
)

// Class says what to do about a failure.
type Class string

// The classes.
const (
	Transient     Class = "transient"     // try again after a while; spends an attempt
	RateLimited   Class = "rate_limited"  // too many calls: wait, then go on; spends no attempt
	Configuration Class = "configuration" // a token, permission or address is wrong: wait until it heals; spends none
	Permanent     Class = "permanent"     // will never work: a dead letter
	Ambiguous     Class = "ambiguous"     // the request may have taken effect: find out before repeating it
	// TemplateRequired means that the person has not written for 24 hours: only a template may be sent.
	TemplateRequired Class = "template_required"
)

// Classes are all there are.
var Classes = []Class{Transient, RateLimited, Configuration, Permanent, Ambiguous, TemplateRequired}

// Scope says what a rate limit or a block applies to.
type Scope string

// The scopes, from the widest to the narrowest.
const (
	ScopeNone            Scope = ""
	ScopeApp             Scope = "app"
	ScopeBusinessAccount Scope = "business_account"
	ScopeNumber          Scope = "number"
	ScopePair            Scope = "pair" // one number and one person
	ScopeRecipient       Scope = "recipient"
)

// Scopes are all that can be named.
var Scopes = []Scope{ScopeApp, ScopeBusinessAccount, ScopeNumber, ScopePair, ScopeRecipient}

// Error is a classified failure. Its text is fit for logs: it never holds what a person wrote, a phone number, a
// secret or a server's own words.
type Error struct {
	Class      Class
	Scope      Scope         // of a rate limit or block; empty where there is none
	Op         string        // what was being done, such as "send message"
	Code       string        // of Meta, Bird or HTTP, such as "130429" or "http_503"; may be empty
	Text       string        // what happened and how to mend it
	RetryAfter time.Duration // what the server asked for; 0 when it did not
}

func (e *Error) Error() string {
	if e.Code == "" {
		return fmt.Sprintf("%s: %s", e.Op, e.Text)
	}

	return fmt.Sprintf("%s: %s (%s)", e.Op, e.Text, e.Code)
}

// Of finds the classified failure in err. What nobody classified is transient: it is tried again, and becomes a dead
// letter when it keeps failing. Its own text is not repeated, since it may hold what must not be logged.
func Of(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}

	return &Error{
		Class: Transient,
		Op:    "work",
		Text:  "unexpected failure",
	}
}
