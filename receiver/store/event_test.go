// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestNewIDKeepsPartsApart(t *testing.T) {
	ids := map[ID][]string{}
	for _, parts := range [][]string{
		{"message"},
		{"message", ""},
		{"message", "", ""},
		{"message", "ab"},
		{"message", "a", "b"},
		{"message", "b", "a"},
		{"message", "ab", ""},
		{"message", "", "ab"},
		{"status", "ab"},
		{"messagea", "b"},
		{"", "message", "ab"},
	} {
		id := NewID(Kind(parts[0]), parts[1:]...)
		if other, ok := ids[id]; ok {
			t.Errorf("%q and %q have the same id", parts, other)
		}

		ids[id] = parts
		if again := NewID(Kind(parts[0]), parts[1:]...); again != id {
			t.Errorf("%q has the ids %s and %s", parts, id, again)
		}
	}
}

func TestIDIsReadableInLogs(t *testing.T) {
	var log strings.Builder

	id := NewID(KindMessage, "a")
	slog.New(slog.NewJSONHandler(&log, nil)).Info("worked", "event_id", id)

	if want := `"event_id":"` + id.String() + `"`; !strings.Contains(log.String(), want) {
		t.Errorf("logged %s, want %s", log.String(), want)
	}
}

// What is stored today must be recognized by every later version.
func TestNewIDIsStable(t *testing.T) {
	got := NewID(KindMessage, "106540352242922", "wamid.HBgLMTY1MDU1NTEyMzQ=").String()
	if want := "60bbaf80249612260d6228a2d4ad2be2"; got != want {
		t.Errorf("id is %s, want %s", got, want)
	}
}

func TestParseID(t *testing.T) {
	id := NewID(KindMessage, "a")
	for _, c := range []struct {
		in      string
		want    ID
		problem string
	}{
		{in: id.String(), want: id},
		{in: strings.ToUpper(id.String()), want: id},
		{in: "", problem: "has 0 characters, want 32"},
		{in: id.String()[1:], problem: "has 31 characters, want 32"},
		{in: id.String() + "00", problem: "has 34 characters, want 32"},
		{in: "x" + id.String()[1:], problem: "invalid byte"},
	} {
		got, err := ParseID(c.in)
		switch {
		case c.problem == "" && (err != nil || got != c.want):
			t.Errorf("ParseID(%q) = %s, %v, want %s", c.in, got, err, c.want)
		case c.problem != "" && (err == nil || !strings.Contains(err.Error(), c.problem)):
			t.Errorf("ParseID(%q) = %v, want an error that says %q", c.in, err, c.problem)
		}
	}
}

func TestValidateEvent(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name    string
		event   Event
		problem string
	}{
		{"pending", Event{
			State:      Pending,
			Lane:       "lane",
			ReceivedAt: now,
		}, ""},
		{"skipped", Event{State: Skipped, ReceivedAt: now}, ""},
		{"skipped, read from a store", Event{State: Skipped, Class: NoClass, ReceivedAt: now}, ""},
		{"quarantined", Event{State: Quarantined, ReceivedAt: now}, ""},
		{"done", Event{State: Done, ReceivedAt: now}, ""},
		{"of a class", Event{
			State:      Pending,
			Class:      Notices,
			Lane:       "lane",
			ReceivedAt: now,
		}, ""},
		{"of no class", Event{
			State:      Pending,
			Class:      9,
			Lane:       "lane",
			ReceivedAt: now,
		}, "has class Class(9)"},
		{"pending, of no class", Event{
			State:      Pending,
			Class:      NoClass,
			Lane:       "lane",
			ReceivedAt: now,
		}, "has class none"},
		{"human", Event{State: Human, ReceivedAt: now}, `has state "human"`},
		{"expired", Event{State: Expired, ReceivedAt: now}, `has state "expired"`},
		{"no lane", Event{State: Pending, ReceivedAt: now}, "has no lane"},
		{"no state", Event{ReceivedAt: now}, `has state ""`},
		{"dead", Event{
			State:      Dead,
			Lane:       "lane",
			ReceivedAt: now,
		}, `has state "dead"`},
		{"no time", Event{State: Skipped}, "has no time of receipt"},
	} {
		err := c.event.Validate()
		if (err == nil) != (c.problem == "") || err != nil && !strings.Contains(err.Error(), c.problem) {
			t.Errorf("%s: %v, want %q", c.name, err, c.problem)
		}
	}
}

// No person waits for statuses and notices.
func TestAreDeferrable(t *testing.T) {
	for name, tc := range map[string]struct {
		kinds []Kind
		want  bool
	}{
		"status":             {kinds: []Kind{KindStatus}, want: true},
		"statuses, notice":   {kinds: []Kind{KindStatus, KindNotice, KindStatus}, want: true},
		"message":            {kinds: []Kind{KindMessage}},
		"status and message": {kinds: []Kind{KindStatus, KindMessage}},
		"field":              {kinds: []Kind{KindField}}, // may take a conversation over
		"outbound message":   {kinds: []Kind{KindOutbound}},
	} {
		events := make([]Event, len(tc.kinds))
		for i, kind := range tc.kinds {
			events[i].Kind = kind
		}

		if got := AreDeferrable(events); got != tc.want {
			t.Errorf("%s: AreDeferrable() = %t, want %t", name, got, tc.want)
		}
	}
}
