// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package encrypted

import (
	"bytes"
	"encoding/base64"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/postgres"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/sqlite"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/storetest"
	"github.com/wawebhook/whatsapp-webhook-operator/test/pgtest"
)

// key returns a key of equal bytes.
func key(b byte) string { return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{b}, KeySize)) }

func keysOf(t testing.TB, texts ...string) Keys {
	t.Helper()

	keys, err := ParseKeys(texts)
	if err != nil {
		t.Fatal(err)
	}

	return keys
}

func open(t testing.TB, path string, clock clockwork.Clock, keys Keys) *Store {
	t.Helper()

	inner, err := sqlite.Open(t.Context(), path, sqlite.Options{Clock: clock})
	if err != nil {
		t.Fatal(err)
	}

	s := New(inner, func() (Keys, error) { return keys, nil }, clock, slog.New(slog.DiscardHandler))
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})

	return s
}

func TestConformance(t *testing.T) {
	storetest.Run(t, storetest.Factory{
		Exclusive: true,
		Encrypts:  true,
		Open: func(place string) (store.Store, error) {
			inner, err := sqlite.Open(t.Context(), filepath.Join(place, "inbox.db"), sqlite.Options{})
			if err != nil {
				return nil, err
			}

			return wrapped(t, inner), nil
		},
	})
}

func TestConformanceOfPostgreSQL(t *testing.T) {
	server := pgtest.New(t, pgtest.Options{})
	places := map[string]string{} // each has its own user, and so its own schema

	storetest.Run(t, storetest.Factory{Encrypts: true, Open: func(place string) (store.Store, error) {
		if places[place] == "" {
			user, err := server.NewUser()
			if err != nil {
				return nil, err
			}

			places[place] = user.URL
		}

		access := postgres.Access{URL: places[place]}

		return wrapped(t, postgres.Open(func() postgres.Access { return access }, postgres.Options{Clock: clockwork.NewRealClock()})), nil
	}})
}

// wrapped returns a store that is encrypted with one key.
func wrapped(t testing.TB, inner store.Store) *Store {
	t.Helper()

	keys := keysOf(t, key(1))

	return New(inner, func() (Keys, error) { return keys, nil }, clockwork.NewRealClock(), slog.New(slog.DiscardHandler))
}

const secret = "marked-text-of-a-person"

func message(now time.Time) store.Event {
	return store.Event{
		ID:            store.NewID(store.KindMessage, "a"),
		Kind:          store.KindMessage,
		Type:          "text",
		State:         store.Pending,
		Class:         store.Conversations,
		Lane:          "1065/573000000001",
		PhoneNumberID: "1065",
		Payload:       []byte(`{"text":"` + secret + `"}`),
		ReceivedAt:    now,
	}
}

// TestTheFileHoldsNoText stores a message with its transcript and its answer, reads them, rotates the key, and loses it.
func TestTheFileHoldsNoText(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "inbox.db")
	clock := clockwork.NewFakeClock()
	now := clock.Now()
	e := message(now)
	body := []byte(`{"text":"` + secret + `"}`)
	s := open(t, path, clock, keysOf(t, key(1)))

	if _, err := s.Ingest(t.Context(), []store.Event{e}); err != nil {
		t.Fatal(err)
	}

	claim := func(now time.Time) []store.Lease {
		t.Helper()

		leases, err := s.Claim(t.Context(), store.Conversations, now, now.Add(time.Minute), 1)
		if err != nil {
			t.Fatal(err)
		}

		return leases
	}

	leases := claim(now)
	if len(leases) != 1 || !bytes.Equal(leases[0].Work.Event.Payload, e.Payload) {
		t.Fatalf("claimed %v", leases)
	}

	_, err := s.Advance(t.Context(), leases[0].LeaseRef, e.ID, store.Step{
		Now:         now,
		Answer:      []store.Reply{{Type: "text"}},
		Sending:     new(0),
		Replacement: &store.Reply{Type: "text", Body: body},
	})
	if err != nil {
		t.Fatal(err)
	}

	_, err = s.Advance(t.Context(), leases[0].LeaseRef, e.ID, store.Step{
		Now:        now,
		Transcript: new(secret),
		Outcome:    &store.Outcome{State: store.Pending, RetryAt: now},
	})
	if err != nil {
		t.Fatal(err)
	}

	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}

	for _, entry := range entries {
		content, err := os.ReadFile(filepath.Join(folder, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}

		if bytes.Contains(content, []byte(secret)) {
			t.Errorf("%s has the text", entry.Name())
		}
	}

	s.keys = func() (Keys, error) { return keysOf(t, key(2)), nil }

	_, err = s.Get(t.Context(), e.ID)
	if !errors.Is(err, store.ErrKey) || !strings.Contains(err.Error(), "store.encryption.keySecretRefs") {
		t.Errorf("Get without the key returned %v", err)
	}

	if leases := claim(now); len(leases) > 0 {
		t.Errorf("claimed %v without the key", leases)
	}

	if problem := s.Problem(); !strings.Contains(problem, "is missing") {
		t.Errorf("the problem is %q", problem)
	}

	s.keys = func() (Keys, error) { return keysOf(t, key(2), key(1)), nil }

	leases = claim(now.Add(retryAfter))
	if len(leases) != 1 {
		t.Fatal("the event is not due again once its key is back")
	}

	work := leases[0].Work
	if work.Starts != 1 || work.Transcript != secret || !bytes.Equal(work.Replies[0].Body, body) {
		t.Errorf("with the key the event is %+v", work)
	}

	s.keys = func() (Keys, error) { return Keys{}, errors.New("no key") }

	if _, err := s.Ingest(t.Context(), []store.Event{message(now)}); err == nil {
		t.Error("an event was stored without a key")
	}
}

// TestReadsNameTheMissingKey reads a conversation, and looks behind the head of its lane, without the key of
// another message in it.
func TestReadsNameTheMissingKey(t *testing.T) {
	clock := clockwork.NewFakeClock()
	now := clock.Now()
	head := message(now)
	lost := message(now)
	lost.ID = store.NewID(store.KindMessage, "b")

	for name, tc := range map[string]struct {
		read func(*Store, store.LeaseRef) error
		want error
	}{
		"history": {
			read: func(s *Store, _ store.LeaseRef) error {
				_, err := s.History(t.Context(), head.Lane, 0, time.Time{}, 10)
				return err
			},
			want: store.ErrKey,
		},
		"peek": {
			read: func(s *Store, lease store.LeaseRef) error {
				events, err := s.Peek(t.Context(), lease, 10)
				if len(events) > 0 {
					t.Errorf("Peek returned %v", events)
				}

				return err
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			keys := keysOf(t, key(2))
			s := open(t, filepath.Join(t.TempDir(), "inbox.db"), clock, Keys{})
			s.keys = func() (Keys, error) { return keys, nil }

			if _, err := s.Ingest(t.Context(), []store.Event{head}); err != nil {
				t.Fatal(err)
			}

			keys = keysOf(t, key(1))

			if _, err := s.Ingest(t.Context(), []store.Event{lost}); err != nil {
				t.Fatal(err)
			}

			keys = keysOf(t, key(2))

			leases, err := s.Claim(t.Context(), store.Conversations, now, now.Add(time.Minute), 1)
			if err != nil || len(leases) != 1 {
				t.Fatalf("claimed %v, %v", leases, err)
			}

			if problem := s.Problem(); problem != "" {
				t.Fatalf("the problem before the read is %q", problem)
			}

			if err := tc.read(s, leases[0].LeaseRef); !errors.Is(err, tc.want) {
				t.Errorf("the read returned %v, want %v", err, tc.want)
			}

			if problem, id := s.Problem(), keysOf(t, key(1)).first.String(); !strings.Contains(problem, "key "+id+" is missing") {
				t.Errorf("the problem is %q, want that it names the key %s", problem, id)
			}
		})
	}
}

// TestReadsThatNeedNoKey reads a conversation after the last message without its key, and the values of
// an event that are not encrypted.
func TestReadsThatNeedNoKey(t *testing.T) {
	clock := clockwork.NewFakeClock()
	now := clock.Now()
	keys := keysOf(t, key(1))
	s := open(t, filepath.Join(t.TempDir(), "inbox.db"), clock, Keys{})
	s.keys = func() (Keys, error) { return keys, nil }

	lost := message(now)
	if _, err := s.Ingest(t.Context(), []store.Event{lost}); err != nil {
		t.Fatal(err)
	}

	keys = keysOf(t, key(2))
	later := message(now.Add(time.Hour))
	later.ID = store.NewID(store.KindMessage, "b")

	if _, err := s.Ingest(t.Context(), []store.Event{later}); err != nil {
		t.Fatal(err)
	}

	found, err := s.History(t.Context(), lost.Lane, 0, now.Add(time.Minute), 10)
	if err != nil || len(found) != 1 || found[0].Event.ID != later.ID {
		t.Errorf("the later history is %v, %v, want the later message", found, err)
	}

	if problem := s.Problem(); problem != "" {
		t.Errorf("the problem is %q, want none", problem)
	}

	record, err := s.Get(t.Context(), lost.ID)
	if !errors.Is(err, store.ErrKey) || errors.Is(err, store.ErrAltered) {
		t.Fatalf("Get returned %v, want store.ErrKey", err)
	}

	if record.Event.ID != lost.ID || record.Event.State != store.Pending || record.Event.Payload != nil {
		t.Errorf("Get returned %+v, want the event without its payload", record)
	}

	if s.Problem() == "" {
		t.Error("the missing key is not a problem")
	}

	keys = keysOf(t, key(2), key(1))

	if problem := s.Problem(); problem != "" {
		t.Errorf("the problem is %q after the key was added", problem)
	}
}

// TestPingWithUnusableKeys checks that the store does not report that it accepts events while its keys cannot be used.
func TestPingWithUnusableKeys(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "inbox.db"), clockwork.NewFakeClock(), keysOf(t, key(1)))
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("with a key: %v", err)
	}

	s.keys = func() (Keys, error) { return ParseKeys([]string{"no base64"}) }

	if err := s.Ping(t.Context()); !errors.Is(err, store.ErrKey) || !strings.Contains(err.Error(), "key 1 is not 32 bytes in base64") {
		t.Errorf("with a key that is none: %v", err)
	}
}

func TestKeys(t *testing.T) {
	place := []byte("payload/1")
	value := []byte(`{"text":"hello"}`)
	old := keysOf(t, key(1))
	sealed := old.encrypt(value, place)

	changed := bytes.Clone(sealed)
	changed[len(changed)-1] ^= 1

	for name, tc := range map[string]struct {
		keys  Keys
		value []byte
		place []byte
		fails bool
		final bool // no key helps
	}{
		"the same key":        {keys: old, value: sealed, place: place},
		"a rotated key":       {keys: keysOf(t, key(2), key(1)), value: sealed, place: place},
		"clear text":          {keys: old, value: value, place: place},
		"without its key":     {keys: keysOf(t, key(2)), value: sealed, place: place, fails: true},
		"without any key":     {keys: Keys{}, value: sealed, place: place, fails: true},
		"of another event":    {keys: old, value: sealed, place: []byte("payload/2"), fails: true, final: true},
		"a changed value":     {keys: old, value: changed, place: place, fails: true, final: true},
		"a shortened value":   {keys: old, value: sealed[:len(sealed)-1], place: place, fails: true, final: true},
		"a value of a byte 1": {keys: old, value: []byte{version}, place: place, fails: false},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := tc.keys.decrypt(tc.value, tc.place)

			switch {
			case tc.fails && !errors.Is(err, store.ErrKey):
				t.Errorf("decrypt returned %q, %v", got, err)
			case errors.Is(err, store.ErrAltered) != tc.final:
				t.Errorf("decrypt returned %v, want that no key helps: %t", err, tc.final)
			case !tc.fails && err != nil:
				t.Error(err)
			}
		})
	}

	for name, texts := range map[string][]string{
		"no base64":      {"?"},
		"a short key":    {base64.StdEncoding.EncodeToString([]byte("short"))},
		"the same twice": {key(1), key(1)},
		"five":           {key(1), key(2), key(3), key(4), key(5)},
	} {
		if _, err := ParseKeys(texts); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func FuzzDecrypt(f *testing.F) {
	keys := keysOf(f, key(1))
	place := []byte("payload/1")

	f.Add(keys.encrypt([]byte("hello"), place))
	f.Add([]byte("{}"))
	f.Add([]byte{version})
	f.Fuzz(func(t *testing.T, value []byte) {
		got, err := keys.decrypt(value, place)
		if err == nil && len(value) >= overhead && value[0] == version && bytes.Equal(got, value) {
			t.Error("an encrypted value was returned as it is")
		}

		_, _ = keys.decryptText(string(value), place)

		again, err := keys.decrypt(keys.encrypt(value, place), place)
		if err != nil || !bytes.Equal(again, value) {
			t.Errorf("decrypted %q, %v", again, err)
		}
	})
}

// BenchmarkEncrypt encrypts and decrypts a message of a kilobyte.
func BenchmarkEncrypt(b *testing.B) {
	keys := keysOf(b, key(1))
	place := payloadOf(store.NewID(store.KindMessage, "a"))
	value := bytes.Repeat([]byte("x"), 1024)

	for b.Loop() {
		if _, err := keys.decrypt(keys.encrypt(value, place), place); err != nil {
			b.Fatal(err)
		}
	}
}
