// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"errors"
	"time"
)

// MaxPauses bounds what Pauses returns.
const MaxPauses = 1000

// Pause keeps all receivers from using a scope that is rate limited, such as a number or a pair of numbers.
type Pause struct {
	Scope string // what is paused, in words of the caller's
	Until time.Time
	Level int    // how often in a row it was paused: the exponent of the backoff
	Code  string // of the error that led to it
}

// Validate returns an error when the pause has no scope or no end.
func (p *Pause) Validate() error {
	switch {
	case p.Scope == "":
		return errors.New("the pause has no scope")
	case p.Until.IsZero():
		return errors.New("the pause has no end")
	}

	return nil
}
