// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"fmt"
	"log/slog"
)

// Class is the kind of work that a lane holds. Work of one class neither delays work of another nor waits for it: each
// class is claimed separately, and the same name in two classes is two lanes.
//
// Databases store the number, so the numbers never change.
type Class int16

// The classes of work. An event of any kind may be in any of them.
const (
	Conversations Class = 0
	Statuses      Class = 1
	Notices       Class = 2
	NoClass       Class = 3 // of events that are never pending
)

// String returns the name of the class in logs and errors.
func (c Class) String() string {
	switch c {
	case Conversations:
		return "conversation"
	case Statuses:
		return "status"
	case Notices:
		return "notice"
	case NoClass:
		return "none"
	default:
		return fmt.Sprintf("Class(%d)", int16(c))
	}
}

// LogValue returns the class as logs show it: its name, not its number.
func (c Class) LogValue() slog.Value { return slog.StringValue(c.String()) }
