// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"errors"
	"time"
)

const (
	// MaxPauses limits the pauses that [Queue.Schedule] returns.
	MaxPauses = 1000
	// ProblemPrefix begins the scopes of pauses by which the receivers of a store share their problems. They mean nothing in
	// another store.
	ProblemPrefix = "problem:"
)

// Pause stops all receivers from using a rate-limited scope, such as a number or a pair of numbers. A pause that ends when
// it is set stops no receiver. Receivers use such pauses, with names of their own, to share problems.
type Pause struct {
	Scope string // in the caller's naming
	Until time.Time
	Level int    // consecutive pauses of the scope: the exponent of the backoff
	Code  string // of the error that caused the pause
}

// Validate returns an error if the pause has no scope or no end.
func (p *Pause) Validate() error {
	switch {
	case p.Scope == "":
		return errors.New("the pause has no scope")
	case p.Until.IsZero():
		return errors.New("the pause has no end")
	}

	return nil
}
