// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package persondata

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// maxReasons limits the reasons of an IncompleteError. Each missing key is one.
const maxReasons = 8

// IncompleteError means that the store could not read some events, so that it is not known whether they hold something of the
// person.
type IncompleteError struct {
	Events  int
	Reasons []string // without personal data
}

func (e *IncompleteError) Error() string {
	return fmt.Sprintf("%d events could not be read, so that they may hold something of the person: %s", e.Events, strings.Join(e.Reasons, "; "))
}

// Reason returns why the store cannot read an event, without personal data, or "" if an error is another one.
func Reason(err error) string {
	switch {
	case errors.Is(err, store.ErrKey):
		return store.KeyProblem(err)
	case errors.Is(err, store.ErrDamaged):
		return store.ErrDamaged.Error()
	default:
		return ""
	}
}

// unread counts the events that could not be read.
type unread struct{ IncompleteError }

// add records why an event could not be read. It reports whether err is such a reason.
func (u *unread) add(err error) bool {
	reason := Reason(err)
	if reason == "" {
		return false
	}

	u.Events++

	if !slices.Contains(u.Reasons, reason) && len(u.Reasons) < maxReasons {
		u.Reasons = append(u.Reasons, reason)
	}

	return true
}

// err returns an IncompleteError, or nil if all events were read.
func (u *unread) err() error {
	if u.Events == 0 {
		return nil
	}

	return &u.IncompleteError
}
