// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package persondata

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/encrypted"
)

const eva = "573009990000"

func parseKeys(t *testing.T, bs ...byte) encrypted.Keys {
	t.Helper()

	texts := make([]string, 0, len(bs))
	for _, b := range bs {
		texts = append(texts, base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{b}, encrypted.KeySize)))
	}

	keys, err := encrypted.ParseKeys(texts)
	if err != nil {
		t.Fatal(err)
	}

	return keys
}

// each returns how many events of a person there are, and how many of these could not be read, with the error of the call.
func (f *fixture) each(name string) (events, unread int, err error) {
	f.Helper()

	err = f.find(name).Each(f.Context(), func(records []store.FoundRecord) error {
		events += len(records)

		for i := range records {
			if records[i].Unread != nil {
				unread++
			}
		}

		return nil
	})

	return events, unread, err
}

// TestMissingKey exports and erases persons while the key is missing with which a part of the events was encrypted, and again
// with that key.
func TestMissingKey(t *testing.T) {
	f := newFixture(t)
	keys := parseKeys(t, 1)
	f.store = encrypted.New(f.store, func() (encrypted.Keys, error) { return keys, nil }, f.clock, slog.New(slog.DiscardHandler))

	f.deliverGroup()

	keys = parseKeys(t, 2)

	f.deliver("messages", fmt.Sprintf(`"messages":[
		{"id":"wamid.e","from":%q,"timestamp":"1795430400","type":"text","text":{"body":"EVA-ALONE"}},
		{"id":"wamid.f","from":%q,"timestamp":"1795430400","type":"text","text":{"body":"ANA-LATER"}}]`, eva, ana))

	for name, want := range map[string][2]int{
		eva: {1, 0},
		ana: {3, 2}, // her messages outside of the group, and the status whose columns name her as the participant
	} {
		events, unread, err := f.each(number + ":" + name)
		if _, ok := errors.AsType[*IncompleteError](err); !ok {
			t.Errorf("the events of %s: %v, want an IncompleteError", name, err)
		}

		if got := [2]int{events, unread}; got != want {
			t.Errorf("%s has %d events and unread ones, want %d", name, got, want)
		}
	}

	for name, want := range map[string]int{
		eva: 1,
		ana: 3,
	} {
		n, err := f.find(number + ":" + name).Erase(t.Context())

		incomplete, ok := errors.AsType[*IncompleteError](err)
		if n != want || !ok || incomplete.Events == 0 || len(incomplete.Reasons) != 1 || !strings.Contains(incomplete.Reasons[0], "is missing") ||
			strings.Contains(err.Error(), name) {
			t.Errorf("Erase(%s) = %d, %v; want %d events, and why others may be left", name, n, err, want)
		}

		if _, err := f.store.Conversation(t.Context(), number+":"+name); err != nil {
			t.Errorf("the conversation of %s, by which its names are found: %v", name, err)
		}
	}

	keys = parseKeys(t, 2, 1)

	for text, want := range map[string]int{
		"EVA-":          0,
		"ANA-LATER":     0,
		"ANA-ALONE":     0,
		"ANA-IN-GROUP":  2,
		"LUIS-IN-GROUP": 2,
	} {
		if got := f.contents(text); got != want {
			t.Errorf("%d events hold %s, want %d", got, text, want)
		}
	}

	if n := f.erase(number + ":" + ana); n != 3 || f.contents("ANA-") != 0 || f.contents("LUIS-IN-GROUP") != 2 {
		t.Errorf("with the key, %d events were erased, want the two in the group, and the status of a message", n)
	}

	if n := f.erase(number + ":" + eva); n != 0 {
		t.Errorf("with the key, %d events of the other person were erased, want none", n)
	}
}

// damagedStore is a store that cannot read or erase some events.
type damagedStore struct {
	store.Store

	ids []store.ID
}

func (s *damagedStore) FindByIdentifiers(
	ctx context.Context, identifiers store.Identifiers, after int64, limit int,
) ([]store.FoundRecord, int64, error) {
	found, next, err := s.Store.FindByIdentifiers(ctx, identifiers, after, limit)
	for i := range found {
		if event := &found[i].Event; slices.Contains(s.ids, event.ID) {
			event.Payload = nil
			found[i].OnlyEncrypted = true
			found[i].Unread = fmt.Errorf("read: %w", store.ErrDamaged)
		}
	}

	return found, next, err
}

func (s *damagedStore) Erase(ctx context.Context, ids []store.ID, now time.Time) (int, error) {
	if slices.ContainsFunc(ids, func(id store.ID) bool { return slices.Contains(s.ids, id) }) {
		return 0, fmt.Errorf("erase: %w", store.ErrDamaged)
	}

	return s.Store.Erase(ctx, ids, now)
}

// TestDamage erases a person of whom two events are damaged, of which one has the lane of the group.
func TestDamage(t *testing.T) {
	f := newFixture(t)
	f.deliverGroup()

	f.store = &damagedStore{Store: f.store, ids: []store.ID{
		store.NewID(store.KindMessage, number, "wamid.a"),
		store.NewID(store.KindMessage, number, "wamid.c"),
	}}

	n, err := f.find(number + ":" + ana).Erase(t.Context())
	want := &IncompleteError{Events: 2, Reasons: []string{store.ErrDamaged.Error()}}

	if got, _ := errors.AsType[*IncompleteError](err); n != 3 || !cmp.Equal(got, want) {
		t.Errorf("Erase = %d, %v; want the three other events, and that two are left", n, err)
	}
}
