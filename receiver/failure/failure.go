// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package failure defines the classes of failures. The clients of Meta, the AI, the sink and the desk classify failures; the
// engine decides by the class how to handle the event.
package failure

import (
	"errors"
	"fmt"
	"time"
)

// Class is the kind of a failure, by the reaction that it needs.
type Class string

// The classes.
const (
	// Transient failures are retried with backoff and spend an attempt.
	Transient Class = "transient"
	// RateLimited failures pause their scope and spend no attempt.
	RateLimited Class = "rate_limited"
	// Configuration failures have a wrong token, permission or address. They are retried until an administrator corrects it,
	// and spend no attempt.
	Configuration Class = "configuration"
	// Permanent failures recur on every retry: the event is dead-lettered.
	Permanent Class = "permanent"
	// Ambiguous failures leave open whether the request took effect: it is repeated only if no status confirms it.
	Ambiguous Class = "ambiguous"
	// TemplateRequired failures mean that the person has not written for 24 hours: only a template may be sent.
	TemplateRequired Class = "template_required"
)

// Classes lists all classes.
var Classes = []Class{Transient, RateLimited, Configuration, Permanent, Ambiguous, TemplateRequired}

// Scope is the reach of a rate limit or block.
type Scope string

// The scopes of Meta, from the widest to the narrowest, and of whole services.
const (
	ScopeNone            Scope = ""
	ScopeApp             Scope = "app"
	ScopeBusinessAccount Scope = "business_account"
	ScopeNumber          Scope = "number"
	ScopePair            Scope = "pair" // one number and one person
	ScopeRecipient       Scope = "recipient"
	ScopeGraph           Scope = "graph"       // all of Meta's Graph API
	ScopeFiles           Scope = "files"       // the download or the upload of files
	ScopeAI              Scope = "bird"        // all of the AI
	ScopeAIMethod        Scope = "bird_method" // one method of the AI
)

// Scopes lists the scopes of Meta, which a configuration can give an error code.
var Scopes = []Scope{ScopeApp, ScopeBusinessAccount, ScopeNumber, ScopePair, ScopeRecipient}

// Error is a classified failure. Its text is safe to log: it never has message content, phone numbers, secrets or a
// server's own text.
type Error struct {
	Class      Class
	Scope      Scope         // of a rate limit or block, else empty
	Op         string        // the operation, such as "send message"
	Code       string        // of Meta, the AI or HTTP, such as "130429" or "http_503"; may be empty
	Text       string        // the failure and its remedy
	Parameter  string        // of the request, if the peer names a refused parameter
	RetryAfter time.Duration // as the server asked; 0 if it did not
	Pause      time.Duration // the first pause that fits a rate limit; 0 if the one of its scope does
}

// Error returns the operation, the text and the code.
func (e *Error) Error() string {
	if e.Code == "" {
		return fmt.Sprintf("%s: %s", e.Op, e.Text)
	}

	return fmt.Sprintf("%s: %s (%s)", e.Op, e.Text, e.Code)
}

// Of returns the classified failure in err. An unclassified error is transient. Its text is dropped, since it may hold
// data that must not be logged.
func Of(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}

	return &Error{
		Class: Transient,
		Op:    "process event",
		Text:  "unexpected failure",
	}
}
