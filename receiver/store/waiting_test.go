// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// takenOver has conversations by name, as the engines return them. A page after the name failsAfter fails.
type takenOver struct {
	Takeovers
	conversations []NamedConversation
	failsAfter    string
}

func (t takenOver) TakenOver(_ context.Context, _ time.Time, after string, limit int) ([]NamedConversation, error) {
	if t.failsAfter != "" && after >= t.failsAfter {
		return nil, errors.New("disk full")
	}

	start := 0
	for start < len(t.conversations) && t.conversations[start].Name <= after {
		start++
	}

	return t.conversations[start:min(start+limit, len(t.conversations))], nil
}

// TestCountWaiting counts persons who wait behind many conversations in which no one does.
func TestCountWaiting(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	answered := Conversation{Takeover: Takeover{By: Desk, At: now.Add(-time.Minute)}}
	handedOff := Conversation{Takeover: Takeover{By: HandedOff, At: now.Add(-time.Hour)}}

	conversations := func(n int, last ...Conversation) []NamedConversation {
		all := make([]NamedConversation, 0, n)
		for i := range n - len(last) {
			all = append(all, NamedConversation{Name: fmt.Sprintf("%06d", i), Conversation: answered})
		}

		for i, c := range last {
			all = append(all, NamedConversation{Name: fmt.Sprintf("z%d", i), Conversation: c})
		}

		return all
	}

	for name, tc := range map[string]struct {
		conversations []NamedConversation
		want          Waiting
	}{
		"none":         {want: Waiting{}},
		"a short page": {conversations(2, handedOff), Waiting{TakenOver: 2, Conversations: 1, Longest: time.Hour}},
		"behind a full page": {
			conversations(waitingPage+1, handedOff),
			Waiting{TakenOver: waitingPage + 1, Conversations: 1, Longest: time.Hour},
		},
		"at the end of a full page": {
			conversations(waitingPage, handedOff),
			Waiting{TakenOver: waitingPage, Conversations: 1, Longest: time.Hour},
		},
		"as many as are counted": {
			conversations(MaxTakenOver, handedOff),
			Waiting{TakenOver: MaxTakenOver, Conversations: 1, Longest: time.Hour},
		},
		"more than are counted": {
			conversations(MaxTakenOver+2, handedOff, handedOff),
			Waiting{TakenOver: MaxTakenOver, IsCut: true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := CountWaiting(t.Context(), takenOver{conversations: tc.conversations}, now)
			if diff := cmp.Diff(tc.want, got); diff != "" || err != nil {
				t.Errorf("error %v (-want +got):\n%s", err, diff)
			}
		})
	}

	failing := takenOver{conversations: conversations(2*waitingPage, handedOff), failsAfter: "000900"}
	if got, err := CountWaiting(t.Context(), failing, now); err == nil || got != (Waiting{}) {
		t.Errorf("after a failed page the count is %+v, %v, want an error and none", got, err)
	}
}
