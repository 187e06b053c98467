// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// encryptedText is the beginning of an encrypted transcript, which is longer than the text.
const encryptedText = "\x01"

// Validate returns an error if the step has no time, emits an event that cannot be ingested, or has an outcome that is
// not allowed.
func (s *Step) Validate() error {
	if s.Now.IsZero() {
		return errors.New("the step has no time")
	}

	for i := range s.Emit {
		if err := s.Emit[i].Validate(); err != nil {
			return fmt.Errorf("the step emits an invalid event: %w", err)
		}
	}

	if s.Replacement != nil && s.Sending == nil {
		return errors.New("the step replaces a part, but sends none")
	}

	if id := s.AIConversationID; id != nil && len(*id) > MaxAIConversationID {
		return fmt.Errorf("the step sets a conversation id of %d bytes, the limit is %d", len(*id), MaxAIConversationID)
	}

	if text := s.Transcript; text != nil && len(*text) > MaxTranscript && !strings.HasPrefix(*text, encryptedText) {
		return fmt.Errorf("the step records a transcript of %d bytes, the limit is %d", len(*text), MaxTranscript)
	}

	if s.Outcome == nil {
		return nil
	}

	if scope := s.Outcome.WaitsFor; len(scope) > MaxScope {
		return fmt.Errorf("the step waits for a scope of %d bytes, the limit is %d", len(scope), MaxScope)
	} else if scope != "" && s.Outcome.State != Pending {
		return fmt.Errorf("the step waits for a scope, but its outcome is %q", s.Outcome.State)
	}

	switch state := s.Outcome.State; state {
	case Done, Skipped, Human, Expired, Dead:
	case Pending:
		if s.Outcome.RetryAt.IsZero() {
			return errors.New("the step postpones its event without a time")
		}
	default:
		return fmt.Errorf("the step has outcome %q, want done, skipped, human, expired, dead or pending", state)
	}

	return nil
}

// IsDeferrable reports whether a step may wait a few milliseconds for other writes to share a transaction with: it ends its
// event, and nothing else follows from it.
func (s *Step) IsDeferrable() bool {
	return s.Outcome != nil && s.Outcome.State != Pending && len(s.Emit) == 0 && s.Resend == nil && s.Remove == nil &&
		s.Note == nil && s.Takeover == nil
}

// IsPlainEnd reports whether a step ends its event as done and changes nothing else, like the steps of most statuses and
// notices.
func (s *Step) IsPlainEnd() bool {
	isEnd := s.Outcome != nil && s.Outcome.State == Done && s.Outcome.Failure == nil
	changesReplies := len(s.Answer) > 0 || s.Sent != nil || s.Unsent != nil || s.Sending != nil || s.Replacement != nil
	changesOthers := len(s.Coalesced) > 0 || s.Settled || s.Resend != nil || s.Remove != nil || s.Note != nil || len(s.Emit) > 0
	changesPerson := s.Takeover != nil || s.TemplateRequired != nil || s.AIConversationID != nil || s.Transcript != nil

	return isEnd && !changesReplies && !changesOthers && !changesPerson
}

// ApplyStep validates the part of a step that concerns replies and returns the replies after it: the existing ones in
// their order, then the new ones. Every engine's Advance uses it.
func ApplyStep(replies []Reply, step Step) ([]Reply, error) {
	replies = slices.Clone(replies)
	if len(replies) == 0 {
		for _, planned := range step.Answer {
			if find(replies, planned.Part) != nil {
				return nil, fmt.Errorf("the answer has two parts %d", planned.Part)
			}

			replies = append(replies, Reply{
				Part:     planned.Part,
				Type:     planned.Type,
				Body:     planned.Body,
				State:    Planned,
				Fallback: planned.Fallback,
			})
		}
	}

	if step.Sent != nil {
		reply := find(replies, step.Sent.Part)
		if reply == nil {
			return nil, fmt.Errorf("the step marks part %d sent, but the answer has no such part", step.Sent.Part)
		}

		reply.State = Sent
		reply.MessageID = step.Sent.MessageID
	}

	if step.Unsent != nil {
		reply := find(replies, *step.Unsent)
		if reply == nil {
			return nil, fmt.Errorf("the step marks part %d not sent, but the answer has no such part", *step.Unsent)
		}

		if reply.State == Sending {
			reply.State = Planned
		}
	}

	if step.Sending != nil {
		reply := find(replies, *step.Sending)
		if reply == nil {
			return nil, fmt.Errorf("the step sends part %d, but the answer has no such part", *step.Sending)
		}

		if reply.State == Sent {
			return nil, ErrAlreadySent
		}

		reply.State = Sending
		reply.StartedAt = step.Now

		if step.Replacement != nil {
			replies = replace(replies, reply, step.Replacement)
		}
	}

	return replies, nil
}

// replace puts a replacement in the place of a reply and of the later ones, except for sent ones.
func replace(replies []Reply, reply, replacement *Reply) []Reply {
	reply.Type = replacement.Type
	reply.Body = replacement.Body
	reply.Fallback = replacement.Fallback

	from := reply.Part

	return slices.DeleteFunc(replies, func(r Reply) bool { return r.Part > from && r.State != Sent })
}

// ReplyChanges are the differences between the replies before and after a step.
type ReplyChanges struct {
	Added    []Reply
	Advanced []Reply // with another state, message or start
	Replaced []Reply // with another type, body or mark as a fallback; they may be advanced too
	Removed  []int   // by part
}

// CompareReplies returns the differences between the replies before and after a step.
func CompareReplies(before, after []Reply) ReplyChanges {
	var changes ReplyChanges

	for _, r := range after {
		old := find(before, r.Part)
		if old == nil {
			changes.Added = append(changes.Added, r)
			continue
		}

		if r.State != old.State || r.MessageID != old.MessageID || !r.StartedAt.Equal(old.StartedAt) {
			changes.Advanced = append(changes.Advanced, r)
		}

		if r.Type != old.Type || r.Fallback != old.Fallback || !bytes.Equal(r.Body, old.Body) {
			changes.Replaced = append(changes.Replaced, r)
		}
	}

	for _, r := range before {
		if find(after, r.Part) == nil {
			changes.Removed = append(changes.Removed, r.Part)
		}
	}

	return changes
}

func find(replies []Reply, part int) *Reply {
	i := slices.IndexFunc(replies, func(r Reply) bool { return r.Part == part })
	if i < 0 {
		return nil
	}

	return &replies[i]
}
