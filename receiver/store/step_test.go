// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestValidateStep(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name    string
		step    Step
		problem string
	}{
		{"no outcome", Step{Now: now}, ""},
		{"done", Step{Now: now, Outcome: &Outcome{State: Done}}, ""},
		{"skipped", Step{Now: now, Outcome: &Outcome{State: Skipped}}, ""},
		{"human", Step{Now: now, Outcome: &Outcome{State: Human}}, ""},
		{"expired", Step{Now: now, Outcome: &Outcome{State: Expired}}, ""},
		{"dead", Step{Now: now, Outcome: &Outcome{State: Dead}}, ""},
		{"postponed", Step{Now: now, Outcome: &Outcome{State: Pending, RetryAt: now}}, ""},
		{"emits", Step{Now: now, Emit: []Event{{State: Skipped, ReceivedAt: now}}}, ""},
		{"emits an invalid event", Step{Now: now, Emit: []Event{{State: Skipped, ReceivedAt: now}, {}}}, "the step emits an invalid event"},
		{"waits", Step{Now: now, Outcome: &Outcome{State: Pending, RetryAt: now, WaitsFor: "bird"}}, ""},
		{
			"waits for a long scope",
			Step{Now: now, Outcome: &Outcome{State: Pending, RetryAt: now, WaitsFor: strings.Repeat("x", 129)}},
			"a scope of 129 bytes",
		},
		{"replaces what it sends", Step{Now: now, Sending: new(0), Replacement: &Reply{}}, ""},
		{"replaces nothing", Step{Now: now, Replacement: &Reply{}}, "replaces a part, but sends none"},
		{"has a long id of the AI", Step{Now: now, AIConversationID: new(strings.Repeat("x", 257))}, "conversation id of 257 bytes"},
		{"has a long transcript", Step{Now: now, Transcript: new(strings.Repeat("x", 65537))}, "transcript of 65537 bytes"},
		{"waits when it is done", Step{Now: now, Outcome: &Outcome{State: Done, WaitsFor: "bird"}}, "waits for a scope"},
		{"no time", Step{}, "has no time"},
		{"postponed without a time", Step{Now: now, Outcome: &Outcome{State: Pending}}, "without a time"},
		{"discarded", Step{Now: now, Outcome: &Outcome{State: Discarded}}, `has outcome "discarded"`},
		{"no state", Step{Now: now, Outcome: &Outcome{}}, `has outcome ""`},
	} {
		err := c.step.Validate()
		if (err == nil) != (c.problem == "") || err != nil && !strings.Contains(err.Error(), c.problem) {
			t.Errorf("%s: %v, want %q", c.name, err, c.problem)
		}
	}
}

func TestApplyStep(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	planned := Reply{
		Type:  "text",
		Body:  []byte("one"),
		State: Planned,
	}
	sending := Reply{
		Type:      "text",
		Body:      []byte("one"),
		State:     Sending,
		StartedAt: now.Add(-time.Minute),
	}

	sent := Reply{
		Type:      "text",
		Body:      []byte("one"),
		State:     Sent,
		StartedAt: now.Add(-time.Minute),
		MessageID: "wamid",
	}
	for _, c := range []struct {
		name    string
		before  []Reply
		step    Step
		want    []Reply
		problem string
	}{
		{name: "answer", step: Step{Answer: []Reply{planned}}, want: []Reply{planned}},
		{name: "answer takes no state", step: Step{Answer: []Reply{sent}}, want: []Reply{planned}},
		{
			name: "answer with a fallback",
			step: Step{Answer: []Reply{{Type: "text", Fallback: true}}},
			want: []Reply{{Type: "text", State: Planned, Fallback: true}},
		},
		{name: "second answer", before: []Reply{sending}, step: Step{Answer: []Reply{planned}}, want: []Reply{sending}},
		{name: "answer with a part twice", step: Step{Answer: []Reply{planned, planned}}, problem: "two parts 0"},
		{
			name: "answer and sending", step: Step{
				Now:     now,
				Answer:  []Reply{planned},
				Sending: new(0),
			},
			want: []Reply{{Type: "text", Body: []byte("one"), State: Sending, StartedAt: now}},
		},
		{name: "sent", before: []Reply{sending}, step: Step{Sent: &SentRef{MessageID: "wamid"}}, want: []Reply{sent}},
		{
			name:   "unsent",
			before: []Reply{sending},
			step:   Step{Unsent: new(0)},
			want:   []Reply{{Type: "text", Body: []byte("one"), State: Planned, StartedAt: sending.StartedAt}},
		},
		{name: "unsent after sent", before: []Reply{sent}, step: Step{Unsent: new(0)}, want: []Reply{sent}},
		{
			name:    "sending after sent",
			before:  []Reply{sent},
			step:    Step{Sending: new(0)},
			problem: ErrAlreadySent.Error(),
		},
		{
			name:   "replacement",
			before: []Reply{sent, {Part: 1, Body: []byte("two")}, {Part: 2, State: Planned}, {Part: 3, State: Sent}},
			step: Step{
				Now:         now,
				Sending:     new(1),
				Replacement: &Reply{Part: 7, Type: "template", Body: []byte("other"), State: Sent, Fallback: true},
			},
			want: []Reply{sent, {
				Part:      1,
				Type:      "template",
				Body:      []byte("other"),
				State:     Sending,
				StartedAt: now,
				Fallback:  true,
			}, {Part: 3, State: Sent}},
		},
		{
			name:    "replacement of a sent part",
			before:  []Reply{sent},
			step:    Step{Sending: new(0), Replacement: &Reply{}},
			problem: ErrAlreadySent.Error(),
		},
		{name: "sent, no such part", before: []Reply{sending}, step: Step{Sent: &SentRef{Part: 1}}, problem: "sent"},
		{name: "unsent, no such part", before: []Reply{sending}, step: Step{Unsent: new(1)}, problem: "part 1"},
		{name: "sending, no such part", before: []Reply{sending}, step: Step{Sending: new(1)}, problem: "part 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := ApplyStep(c.before, c.step)
			if c.problem != "" {
				if err == nil || !strings.Contains(err.Error(), c.problem) {
					t.Errorf("error is %v, want %q", err, c.problem)
				}

				return
			}

			if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
				t.Errorf("error %v, replies (-want +got):\n%s", err, diff)
			}
		})
	}

	if _, err := ApplyStep([]Reply{sent}, Step{Sending: new(0)}); !errors.Is(err, ErrAlreadySent) {
		t.Errorf("error is %v, want ErrAlreadySent", err)
	}
}

func TestCompareReplies(t *testing.T) {
	planned := Reply{Type: "text", Body: []byte("one"), State: Planned}
	sending := planned
	sending.State = Sending

	replaced := sending
	replaced.Type = "template"
	replaced.Body = []byte("other")

	last := Reply{Part: 2, State: Planned}

	for name, c := range map[string]struct {
		before, after []Reply
		want          ReplyChanges
	}{
		"nothing":           {before: []Reply{sending, last}, after: []Reply{sending, last}},
		"a new answer":      {after: []Reply{sending, last}, want: ReplyChanges{Added: []Reply{sending, last}}},
		"the start":         {before: []Reply{planned}, after: []Reply{sending}, want: ReplyChanges{Advanced: []Reply{sending}}},
		"a replacement":     {before: []Reply{sending}, after: []Reply{replaced}, want: ReplyChanges{Replaced: []Reply{replaced}}},
		"the end of a part": {before: []Reply{sending, last}, after: []Reply{sending}, want: ReplyChanges{Removed: []int{2}}},
		"a replacement of all": {
			before: []Reply{planned, last},
			after:  []Reply{replaced},
			want: ReplyChanges{
				Advanced: []Reply{replaced},
				Replaced: []Reply{replaced},
				Removed:  []int{2},
			},
		},
	} {
		if diff := cmp.Diff(c.want, CompareReplies(c.before, c.after)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// Each field of a step but the qualifications of others makes it more than a plain end.
func TestIsPlainEnd(t *testing.T) {
	end := Step{Now: time.UnixMilli(1), Outcome: &Outcome{State: Done}}
	if !end.IsPlainEnd() {
		t.Error("a step that only ends its event is not a plain end")
	}

	for _, outcome := range []*Outcome{nil, {State: Pending}, {State: Skipped}, {State: Done, Failure: &Failure{}}} {
		if s := (Step{Outcome: outcome}); s.IsPlainEnd() {
			t.Errorf("a step with outcome %+v is a plain end", outcome)
		}
	}

	for _, field := range reflect.VisibleFields(reflect.TypeFor[Step]()) {
		if slices.Contains([]string{"Now", "Outcome", "ByDesk", "TakeoverIn", "TemplateRequiredIn"}, field.Name) {
			continue
		}

		s := end

		switch value := reflect.ValueOf(&s).Elem().FieldByIndex(field.Index); value.Kind() {
		case reflect.Bool:
			value.SetBool(true)
		case reflect.Slice:
			value.Set(reflect.MakeSlice(field.Type, 1, 1))
		default:
			value.Set(reflect.New(field.Type.Elem()))
		}

		if s.IsPlainEnd() {
			t.Errorf("a step with %s is a plain end", field.Name)
		}
	}
}

// A step is deferrable if it ends its event and nothing follows from it.
func TestIsDeferrable(t *testing.T) {
	done := &Outcome{State: Done}

	for name, tc := range map[string]struct {
		step Step
		want bool
	}{
		"end":      {step: Step{Outcome: done}, want: true},
		"send":     {step: Step{Sending: new(0)}},
		"retry":    {step: Step{Outcome: &Outcome{State: Pending}}},
		"emit":     {step: Step{Outcome: done, Emit: []Event{{}}}},
		"takeover": {step: Step{Outcome: done, Takeover: &Takeover{}}},
		"resend":   {step: Step{Outcome: done, Resend: &ReplyRef{}}},
		"remove":   {step: Step{Outcome: done, Remove: &ReplyRef{}}},
	} {
		if got := tc.step.IsDeferrable(); got != tc.want {
			t.Errorf("%s: IsDeferrable() = %t, want %t", name, got, tc.want)
		}
	}
}
