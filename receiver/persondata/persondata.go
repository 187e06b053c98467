// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package persondata finds everything that the store holds of one person or group, and erases it.
//
// Most of it is stored under the names of the person. The rest is found by reading the whole store: statuses, reports and
// deadlines, which have their own lanes, messages in groups, and changes of other webhook fields.
//
// A person who wrote to several numbers of the business has a conversation with each, which is another person here.
//
// Data about the person by other people stays: a contact card or a text that contains the person's number.
package persondata

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/gate"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/handoff"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const (
	// page is how many events are read and erased at a time. The payload of one may have a megabyte.
	page = 50
	// An event that is being processed is tried again after busyRetryDelay, until busyTime has passed.
	busyRetryDelay = 500 * time.Millisecond
	busyTime       = 5 * time.Second
)

// Person is a person or group whose conversation has a name.
type Person struct {
	Names []string // all of them, that of the lane first

	store       store.Store
	clock       clockwork.Clock
	number      string // of the business
	group       bool
	ids         []string // the names without the phone number of the business: phone numbers and user ids, or that of the group
	identifiers store.Identifiers
}

// Find returns the person whose conversation has a name.
func Find(ctx context.Context, inbox store.Store, name string, clock clockwork.Clock) (*Person, error) {
	names, err := inbox.Names(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("find a person: %w", err)
	}

	p := &Person{
		Names: names,
		store: inbox,
		clock: clock,
	}

	for _, name := range names {
		p.identifiers.Lanes = append(p.identifiers.Lanes, name, handoff.Lane(name))

		var id string

		p.number, id, _ = strings.Cut(name, ":")
		if group, ok := strings.CutPrefix(id, "group:"); ok {
			p.group = true
			id = group
		}

		if len(id) >= minID && !slices.Contains(p.ids, id) {
			p.ids = append(p.ids, id)
		}
	}

	p.identifiers.Texts = append([]string{reasonText}, p.ids...)
	p.identifiers.Participants = p.ids

	for _, id := range p.ids {
		p.identifiers.MessageIDs = append(p.identifiers.MessageIDs, inMessageID(id)...)
	}

	return p, nil
}

// minID is the length of the shortest phone number or user id that is searched for. A shorter one would be found everywhere.
const minID = 5

// inMessageID returns how Meta's ids of messages to a phone number contain it: base64, in which the number begins at a
// multiple of three bytes.
func inMessageID(id string) []string {
	if strings.Trim(id, "0123456789") != "" {
		return nil
	}

	return []string{base64.RawStdEncoding.EncodeToString([]byte(id[:len(id)/3*3]))}
}

// Each calls a function with each event that holds something of the person, in order of arrival. If the store cannot read some
// events, it returns an IncompleteError after all others.
func (p *Person) Each(ctx context.Context, do func([]store.FoundRecord) error) error {
	var rest unread

	if err := p.each(ctx, &rest, do); err != nil {
		return err
	}

	return rest.err()
}

// each is Each. It adds the events that the store cannot read to rest.
func (p *Person) each(ctx context.Context, rest *unread, do func([]store.FoundRecord) error) error {
	for after := int64(0); ; {
		records, next, err := p.store.FindByIdentifiers(ctx, p.identifiers, after, page)
		if err != nil {
			return err
		}

		var own []store.FoundRecord

		for i := range records {
			concerns, err := p.concerns(ctx, &records[i])

			switch {
			case err != nil && !rest.add(err):
				return err
			case concerns:
				own = append(own, records[i])
			}
		}

		if len(own) > 0 {
			if err := do(own); err != nil {
				return err
			}
		}

		if next == 0 {
			return nil
		}

		after = next
	}
}

// Erase removes everything, and returns how many events it emptied. The error is store.ErrInProgress if the receiver works on
// a message of the person, or the person writes all the time, and an IncompleteError if something of the person may be left
// that cannot be read. What was erased until then stays erased, and the names stay, so that the next call finds the rest.
func (p *Person) Erase(ctx context.Context) (int, error) {
	erased := 0

	var rest unread

	err := p.each(ctx, &rest, func(records []store.FoundRecord) error {
		ids := make([]store.ID, 0, len(records))
		for i := range records {
			ids = append(ids, records[i].Event.ID)
		}

		n, err := p.empty(ctx, &rest, ids)
		erased += n

		return err
	})
	if err := cmp.Or(err, rest.err()); err != nil {
		return erased, err
	}

	for _, name := range p.Names {
		if err := p.store.ClearPause(ctx, gate.PairScope(name)); err != nil {
			return erased, err
		}
	}

	return erased, p.whileBusy(ctx, func() error { return p.store.Forget(ctx, p.Names[0]) })
}

// empty erases events, and returns how many. It adds those that are damaged to rest.
func (p *Person) empty(ctx context.Context, rest *unread, ids []store.ID) (erased int, err error) {
	err = p.whileBusy(ctx, func() (err error) {
		erased, err = p.store.Erase(ctx, ids, p.clock.Now())
		return err
	})
	if !errors.Is(err, store.ErrDamaged) {
		return erased, err
	}

	if len(ids) == 1 {
		rest.add(err)
		return 0, nil
	}

	for _, id := range ids {
		n, err := p.empty(ctx, rest, []store.ID{id})
		erased += n

		if err != nil {
			return erased, err
		}
	}

	return erased, nil
}

// whileBusy repeats a call while an event is being processed.
func (p *Person) whileBusy(ctx context.Context, call func() error) error {
	began := p.clock.Now()

	for {
		err := call()
		if !errors.Is(err, store.ErrInProgress) || p.clock.Since(began) > busyTime {
			return err
		}

		timer := p.clock.NewTimer(busyRetryDelay)
		select {
		case <-timer.Chan():
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}
