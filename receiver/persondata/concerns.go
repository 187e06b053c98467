// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package persondata

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/handoff"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/notice"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/outbound"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// reasonText is in the notices whose data has a reason in someone's own words.
const reasonText = `"reason":`

// concerns reports whether an event holds something of the person. The store has found it by one of the identifiers. If the
// answer needs what could not be read, it returns store.ErrKey or store.ErrDamaged.
func (p *Person) concerns(ctx context.Context, found *store.FoundRecord) (bool, error) {
	event := &found.Event

	if slices.Contains(p.identifiers.Lanes, event.Lane) {
		return true, nil
	}

	if event.PhoneNumberID != p.number && event.PhoneNumberID != "" {
		return false, nil // of another conversation with the person
	}

	if found.Unread != nil && len(event.Payload) == 0 {
		return p.concernsUnread(found)
	}

	switch event.Kind {
	case store.KindStatus, store.KindStatusReport:
		return p.concernsStatus(event), nil
	case store.KindMessage, store.KindThreadPass:
		item, err := whatsapp.Decode(event.Payload)
		return err == nil && p.sent(item), nil
	case store.KindAnswerDeadline, store.KindOutbound:
		message, err := outbound.Decode(event.Payload)
		return err == nil && p.sent(message.Item), nil
	case store.KindDeskMessage:
		message, err := handoff.Decode(event.Payload)
		return err == nil && p.isTheSubjectOf(message), nil
	case store.KindNotice:
		return p.concernsNotice(ctx, event)
	case store.KindAnswered: // without a lane and a payload: it tells nothing of anyone
		return false, nil
	default: // store.KindField, store.KindUnknown, store.KindError, and those of a later version
		return p.isNamedIn(event.Payload), nil
	}
}

// concernsUnread is concerns for an event without its payload, as far as other columns tell.
func (p *Person) concernsUnread(found *store.FoundRecord) (bool, error) {
	event := &found.Event

	switch {
	case event.Kind == store.KindStatus && !found.OnlyEncrypted:
		return true, nil // the store has found it by what it keeps of the status
	case event.Kind == store.KindNotice && event.Type != "" && !hasReason(event.Type):
		return false, nil
	default:
		return false, found.Unread
	}
}

// hasReason reports whether notices of a type may have the reason why people have a conversation.
func hasReason(kind string) bool { return kind == notice.TakenOver || kind == notice.HandedOff }

// concernsStatus reports whether a status is of a message to the person, or names the person as a participant of a group.
func (p *Person) concernsStatus(event *store.Event) bool {
	item, err := whatsapp.Decode(event.Payload)
	if err != nil { // purged: the store has found it by what it keeps of the status
		return len(event.Payload) == 0
	}

	status, err := whatsapp.ParseStatus(item.Raw)
	if err != nil {
		return p.isNamedIn(event.Payload)
	}

	if p.group {
		return slices.Contains(p.ids, string(status.GroupID))
	}

	return p.is(status.Person()) || slices.Contains(p.ids, string(status.Participant))
}

// sent reports whether the person sent the message of an item, or it is of the group.
func (p *Person) sent(item whatsapp.Item) bool {
	message, err := item.Message()
	if err != nil {
		return false
	}

	if p.group {
		return slices.Contains(p.ids, string(message.GroupID))
	}

	return p.is(message.Sender())
}

// isTheSubjectOf reports whether a request to the desk is about a message of the person, or of the group.
func (p *Person) isTheSubjectOf(message handoff.Message) bool {
	if p.group {
		return slices.Contains(p.ids, message.GroupID)
	}

	contact := message.ContactInfo
	names := []*string{message.From, contact.WaID, contact.UserID, &contact.ParentID}

	return slices.ContainsFunc(names, func(name *string) bool { return name != nil && slices.Contains(p.ids, *name) })
}

func (p *Person) is(other whatsapp.Person) bool {
	names := []whatsapp.Text{other.WaID, other.UserID, other.ParentID, other.OtherWaID}

	return slices.ContainsFunc(names, func(name whatsapp.Text) bool {
		return name != "" && slices.Contains(p.ids, string(name))
	})
}

// concernsNotice reports whether a notice has the reason why people have the conversation, which may tell what the person
// wrote. It names the message whose answer handed the conversation off, or its id is made from a name of the conversation.
// Other notices tell nothing of a person.
func (p *Person) concernsNotice(ctx context.Context, event *store.Event) (bool, error) {
	var n notice.Notice
	if json.Unmarshal(event.Payload, &n) != nil {
		return false, nil
	}

	switch n.Type {
	case notice.TakenOver:
		return slices.ContainsFunc(p.Names, func(name string) bool { return notice.ReasonID(name, n.Time) == event.ID }), nil
	case notice.HandedOff:
		id, err := store.ParseID(n.Subject)
		if err != nil {
			return false, nil //nolint:nilerr // no message is named
		}

		message, err := p.store.Get(ctx, id)

		switch {
		case errors.Is(err, store.ErrNotFound):
			return false, nil
		case message == nil || err != nil && !errors.Is(err, store.ErrKey):
			return false, err
		case message.Event.Lane == "": // it was erased before
			return true, nil
		}

		return p.concerns(ctx, &store.FoundRecord{
			Record:        *message,
			OnlyEncrypted: true,
			Unread:        err,
		})
	default:
		return false, nil
	}
}

// isNamedIn reports whether a JSON document has a phone number or user id of the person as one of its texts.
func (p *Person) isNamedIn(payload []byte) bool {
	var document any
	if json.Unmarshal(payload, &document) != nil {
		return slices.ContainsFunc(p.ids, func(id string) bool { return strings.Contains(string(payload), id) })
	}

	return p.isIn(document)
}

func (p *Person) isIn(value any) bool {
	switch value := value.(type) {
	case string:
		return slices.Contains(p.ids, strings.TrimPrefix(value, "+"))
	case []any:
		return slices.ContainsFunc(value, p.isIn)
	case map[string]any:
		return slices.ContainsFunc(slices.Collect(maps.Values(value)), p.isIn)
	default:
		return false
	}
}
