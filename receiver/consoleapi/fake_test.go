// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package consoleapi

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// fakeStore has dead letters and conversations in memory. Calls of the store that the console does not need panic.
type fakeStore struct {
	store.Store

	mu            sync.Mutex
	events        []store.Record // by Seq
	conversations map[string]store.Conversation
	ingested      []store.Event
	batches       []int         // events of each bulk transaction
	job           string        // the latest that replayed events
	failing       int           // bulk transactions that fail next
	block         chan struct{} // if set, each bulk transaction receives from it first
}

func (f *fakeStore) selected(s store.Selection, after int64) []*store.Record {
	var found []*store.Record

	for i := range f.events {
		r := &f.events[i]

		isSelected := slices.Contains(s.States, r.Event.State) && r.Seq > after &&
			matches(s.Code, lastCode(r)) &&
			matches(s.PhoneNumberID, r.Event.PhoneNumberID) &&
			matches(string(s.Kind), string(r.Event.Kind)) &&
			matches(s.Type, r.Event.Type) &&
			(s.ReceivedAfter.IsZero() || r.Event.ReceivedAt.After(s.ReceivedAfter)) &&
			(s.ReceivedBefore.IsZero() || r.Event.ReceivedAt.Before(s.ReceivedBefore)) &&
			(s.LastSeq == 0 || r.Seq <= s.LastSeq)
		if isSelected {
			found = append(found, r)
		}
	}

	return found
}

// matches reports whether a field of an event matches that of a selection.
func matches(field, value string) bool {
	wanted, ok := store.Wanted(field)

	return !ok || wanted == value
}

func (f *fakeStore) DeadLetters(_ context.Context, s store.Selection, after int64, limit int) ([]store.Record, error) {
	f.mu.Lock()
	defer f.mu.Unlock()

	var page []store.Record

	for _, r := range f.selected(s, after) {
		if len(page) < limit {
			page = append(page, *r)
		}
	}

	return page, nil
}

func (f *fakeStore) Causes(_ context.Context, s store.Selection) ([]store.Cause, error) {
	f.mu.Lock()
	defer f.mu.Unlock()

	var causes []store.Cause

	for _, r := range f.selected(s, 0) {
		code := lastCode(r)

		i := slices.IndexFunc(causes, func(c store.Cause) bool {
			return c.State == r.Event.State && c.PhoneNumberID == r.Event.PhoneNumberID && c.Code == code
		})
		if i < 0 {
			i = len(causes)
			causes = append(causes, store.Cause{
				State:         r.Event.State,
				PhoneNumberID: r.Event.PhoneNumberID,
				Code:          code,
				First:         r.Event.ReceivedAt,
			})
		}

		causes[i].Count++
		causes[i].Last = r.Event.ReceivedAt
	}

	return causes[:min(len(causes), store.MaxCauses)], nil
}

// lastCode returns the code of an event's last failure; empty if there was none.
func lastCode(r *store.Record) string {
	if n := len(r.Failures); n > 0 {
		return r.Failures[n-1].Code
	}

	return ""
}

func (f *fakeStore) change(s store.Selection, after int64, limit int, to store.State) (int, int64, error) {
	if f.block != nil {
		<-f.block
	}

	f.mu.Lock()
	defer f.mu.Unlock()

	if f.failing > 0 {
		f.failing--
		return 0, 0, errors.New("the disk is full")
	}

	found := f.selected(s, after)
	if len(found) == 0 {
		return 0, 0, nil
	}

	found = found[:min(limit, len(found))]
	for _, r := range found {
		r.Event.State = to
	}

	f.batches = append(f.batches, len(found))

	return len(found), found[len(found)-1].Seq, nil
}

func (f *fakeStore) ReplaySelected(
	_ context.Context, s store.Selection, after int64, _ time.Time, limit int,
) (int, int64, error) {
	f.mu.Lock()
	f.job = s.Job
	f.mu.Unlock()

	return f.change(s, after, limit, store.Pending)
}

// JobStates counts all events, if the job is the latest one.
func (f *fakeStore) JobStates(_ context.Context, job string) (map[store.State]int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()

	states := map[store.State]int64{}

	for _, r := range f.events {
		if job == f.job {
			states[r.Event.State]++
		}
	}

	return states, nil
}

func (f *fakeStore) DiscardSelected(
	_ context.Context, s store.Selection, after int64, _ time.Time, limit int,
) (int, int64, error) {
	return f.change(s, after, limit, store.Discarded)
}

func (f *fakeStore) Get(_ context.Context, id store.ID) (*store.Record, error) {
	f.mu.Lock()
	defer f.mu.Unlock()

	for _, r := range f.events {
		if r.Event.ID == id {
			return &r, nil
		}
	}

	return nil, store.ErrNotFound
}

func (f *fakeStore) Ingest(_ context.Context, events []store.Event) ([]bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()

	f.ingested = append(f.ingested, events...)

	return make([]bool, len(events)), nil
}

func (f *fakeStore) Conversation(_ context.Context, name string) (store.Conversation, error) {
	f.mu.Lock()
	defer f.mu.Unlock()

	if c, ok := f.conversations[name]; ok {
		return c, nil
	}

	return store.Conversation{}, store.ErrNotFound
}

// Lane returns the name itself: the fake joins no conversations.
func (f *fakeStore) Lane(_ context.Context, name string) (string, error) { return name, nil }

func (f *fakeStore) TakeOver(_ context.Context, name string, takeover store.Takeover, _ time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()

	c, ok := f.conversations[name]
	if !ok {
		return store.ErrNotFound
	}

	c.Takeover = c.Takeover.Newer(takeover)
	f.conversations[name] = c

	return nil
}

func (f *fakeStore) TakenOver(_ context.Context, now time.Time, after string, limit int) ([]store.NamedConversation, error) {
	f.mu.Lock()
	defer f.mu.Unlock()

	var found []store.NamedConversation

	for name, c := range f.conversations {
		if name > after && c.Takeover.Active(now) {
			found = append(found, store.NamedConversation{Name: name, Conversation: c})
		}
	}

	slices.SortFunc(found, func(a, b store.NamedConversation) int {
		if a.Name < b.Name {
			return -1
		}

		return 1
	})

	return found[:min(limit, len(found))], nil
}

func (f *fakeStore) Recent(_ context.Context, after store.Position, limit int) ([]store.NamedConversation, error) {
	f.mu.Lock()
	defer f.mu.Unlock()

	var all []store.NamedConversation

	for name, c := range f.conversations {
		all = append(all, store.NamedConversation{Name: name, Conversation: c})
	}

	slices.SortFunc(all, func(a, b store.NamedConversation) int {
		return cmp.Or(b.LastInboundAt.Compare(a.LastInboundAt), cmp.Compare(b.Name, a.Name))
	})

	if i := slices.IndexFunc(all, func(c store.NamedConversation) bool { return c.Name == after.Name }); i >= 0 {
		all = all[i+1:]
	}

	return all[:min(limit, len(all))], nil
}
