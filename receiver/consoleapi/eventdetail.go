// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package consoleapi

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// EventDetail is an event with everything that is stored about it. Text, Payload and the texts, bodies and message ids of replies
// are set only if the request reveals them: Meta's ids of messages contain the person's number.
type EventDetail struct {
	Event

	Starts        int             `json:"starts,omitempty"`         // times it was leased since its last recorded step
	TraceID       string          `json:"trace_id,omitempty"`       // of the delivery
	TraceURL      string          `json:"trace_url,omitempty"`      // by tracing.linkTemplate
	CoalescedWith string          `json:"coalesced_with,omitempty"` // id of the event whose answer is that of this one too
	Coalesced     []string        `json:"coalesced,omitempty"`      // ids of the events that are answered together with this one
	Failures      []store.Failure `json:"failures"`                 // the newest store.MaxFailures, oldest first
	Replies       []EventReply    `json:"replies"`
	Related       []Event         `json:"related"` // events that this one caused, or that report about its answer
	Steps         []Step          `json:"steps"`   // by time
	Text          string          `json:"text,omitempty"`
	Payload       json.RawMessage `json:"payload,omitempty"`
	Shared        bool            `json:"shared,omitempty"` // in an export: the payload lacks what is of other persons
	Unread        string          `json:"unread,omitempty"` // in an export: why content of the event is left out
}

// EventReply is a part of the answer.
type EventReply struct {
	Part      int              `json:"part"`
	Type      string           `json:"type"`
	State     store.ReplyState `json:"state"`
	StartedAt *time.Time       `json:"started_at,omitempty"` // of the last send
	Resends   int              `json:"resends"`              // after Meta had accepted it and reported it failed
	Fallback  bool             `json:"fallback"`             // it replaces an answer, or the rest of one, that could not be used or sent
	Statuses  []Status         `json:"statuses"`
	MessageID string           `json:"message_id,omitempty"`
	Text      string           `json:"text,omitempty"`
	Body      json.RawMessage  `json:"body,omitempty"`
}

// eventDetail answers with the details of an event.
func (a *api) eventDetail(w http.ResponseWriter, r *http.Request) {
	if !checkQuery(w, r) {
		return
	}

	id, ok := eventID(w, r)
	if !ok {
		return
	}

	stored, err := a.Store.EventDetail(r.Context(), id)
	if err != nil {
		a.fail(w, err, noSuchStoredEvent)
		return
	}

	related, err := a.related(r.Context(), stored)
	if err != nil {
		a.fail(w, err, noSuchStoredEvent)
		return
	}

	answer(w, http.StatusOK, a.newEventDetail(stored, related, reveals(r)))
}

func (a *api) newEventDetail(stored *store.EventDetail, related []store.Record, reveal bool) EventDetail {
	ids := a.ids()
	detail := EventDetail{
		Event:     newEvent(ids, &stored.Record, reveal),
		Starts:    stored.Starts,
		TraceID:   traceID(stored.Event.Payload),
		Coalesced: make([]string, 0, len(stored.Followers)),
		Failures:  stored.Failures,
		Replies:   []EventReply{},
		Related:   []Event{},
		Steps:     steps(stored, related),
	}

	detail.TraceURL = a.Live.Current().Tracing.Link(detail.TraceID)

	if detail.Failures == nil {
		detail.Failures = []store.Failure{}
	}

	if stored.CoalescedWith != (store.ID{}) {
		detail.CoalescedWith = stored.CoalescedWith.String()
	}

	for _, id := range stored.Followers {
		detail.Coalesced = append(detail.Coalesced, id.String())
	}

	for i := range related {
		detail.Related = append(detail.Related, newEvent(ids, &related[i], reveal))
	}

	ticks := newStatuses(stored.Statuses)

	for _, reply := range stored.Replies {
		detail.Replies = append(detail.Replies, newEventReply(reply, ticks, reveal))
	}

	if reveal {
		detail.Payload = stored.Event.Payload

		if stored.Event.Kind == store.KindMessage {
			detail.Text = textOf(&stored.Record)
		}
	}

	return detail
}

func newEventReply(reply store.Reply, ticks statuses, reveal bool) EventReply {
	shown := EventReply{
		Part:      reply.Part,
		Type:      reply.Type,
		State:     reply.State,
		StartedAt: optional(reply.StartedAt),
		Resends:   reply.Resends,
		Fallback:  reply.Fallback,
		Statuses:  ticks.of(reply.MessageID, reveal),
	}

	if reveal {
		shown.MessageID = reply.MessageID
		shown.Text = cloudapi.PlainText(reply.Body)
		shown.Body = reply.Body
	}

	return shown
}

// related returns the stored events that an event caused, and the statuses of its answer, in order of arrival. Their ids
// follow from its own, so that nothing is searched.
func (a *api) related(ctx context.Context, of *store.EventDetail) ([]store.Record, error) {
	conversation, err := a.Store.Conversation(ctx, of.Event.Lane)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}

	var found []store.Record

	for _, id := range relatedIDs(of, conversation.Takeover) {
		record, err := a.Store.Get(ctx, id)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}

		if err != nil {
			return nil, err
		}

		found = append(found, *record)
		if len(found) == maxRelated {
			break
		}
	}

	slices.SortFunc(found, func(a, b store.Record) int { return cmp.Compare(a.Seq, b.Seq) })

	return found, nil
}
