// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package messagesapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// The states of messages. Those from planned to read are in the order in which a message goes through them.
const (
	stateStored    = "stored"
	statePlanned   = "planned"
	stateSending   = "sending"
	stateSent      = "sent"
	stateDelivered = "delivered"
	stateRead      = "read"
	stateFailed    = "failed"
	stateWithheld  = "withheld"
)

// progress are the states in which a part can be, the least far first.
var progress = []string{
	statePlanned,
	stateSending,
	stateSent,
	stateDelivered,
	stateRead,
}

// messageError is a failure, by its code and in words.
type messageError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// getMessage answers with the state of a request to send messages.
func (a *API) getMessage(ctx context.Context, req *request) (*response, error) {
	id, err := store.ParseID(strings.TrimPrefix(req.URL.EscapedPath(), "/v1/messages/"))

	var record *store.Record
	if err == nil {
		record, err = a.Store.Get(ctx, id)
	} else {
		err = store.ErrNotFound
	}

	if errors.Is(err, store.ErrNotFound) || err == nil && record.Event.Kind != store.KindOutbound {
		return nil, unknown("unknown_message", "no message has this id, or it was purged")
	}

	if err != nil {
		return nil, fmt.Errorf("look up a message: %w", err)
	}

	state, failed, err := a.stateOf(ctx, record)
	if err != nil {
		return nil, err
	}

	errs := []messageError{}
	for _, f := range record.Failures {
		errs = append(errs, messageError{Code: cmp.Or(f.Code, f.Class), Message: f.Text})
	}

	return &response{
		status: http.StatusOK,
		body: struct {
			ID     string         `json:"id"`
			State  string         `json:"state"`
			Errors []messageError `json:"errors"`
		}{id.String(), state, append(errs, failed...)},
	}, nil
}

// stateOf returns the state of the part that is least far, and the failures that Meta reported in statuses.
func (a *API) stateOf(ctx context.Context, record *store.Record) (string, []messageError, error) {
	switch record.Event.State {
	case store.Dead, store.Expired, store.Discarded, store.Skipped, store.Quarantined:
		return stateFailed, nil, nil
	case store.Human:
		return stateWithheld, nil, nil
	case store.Pending:
		if len(record.Replies) == 0 {
			return stateStored, nil, nil
		}
	}

	if len(record.Replies) == 0 { // only a handoff: there was nothing to send
		return stateSent, nil, nil
	}

	var failed []messageError

	least := len(progress) - 1

	for _, reply := range record.Replies {
		state, status, err := a.partState(ctx, record.Event.PhoneNumberID, reply)
		if err != nil {
			return "", nil, err
		}

		if state == stateFailed {
			failed = append(failed, messageError{
				Code:    strconv.Itoa(status.ErrorCode),
				Message: "Meta reported that the message could not be delivered",
			})

			continue
		}

		for i, s := range progress[:least] {
			if s == state {
				least = i
				break
			}
		}
	}

	if len(failed) > 0 {
		return stateFailed, failed, nil
	}

	return progress[least], nil, nil
}

// partState returns the state of one part, and its furthest status if Meta has sent one.
func (a *API) partState(ctx context.Context, number string, reply store.Reply) (string, *store.StatusUpdate, error) {
	switch reply.State {
	case store.Planned:
		return statePlanned, nil, nil
	case store.Sending:
		return stateSending, nil, nil
	case store.Sent:
	}

	status, err := a.Store.MessageStatus(ctx, number, reply.MessageID, "")
	if errors.Is(err, store.ErrNotFound) {
		return stateSent, nil, nil
	}

	if err != nil {
		return "", nil, fmt.Errorf("look up a status: %w", err)
	}

	switch status.Status {
	case "delivered":
		return stateDelivered, status, nil
	case "read", "played":
		return stateRead, status, nil
	case "failed":
		return stateFailed, status, nil
	default:
		return stateSent, status, nil
	}
}
