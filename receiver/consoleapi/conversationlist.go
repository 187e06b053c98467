// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package consoleapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// The states by which conversations are listed.
const (
	allConversations = "all"        // newest activity first
	takenOver        = "taken_over" // conversations that people have, by name
	waiting          = "waiting"    // those of them whose person waits for an answer
)

// maxWaitingScan bounds the conversations that a page of waiting ones looks at, whatever its limit.
const maxWaitingScan = 5000

// ConversationPage is a page of conversations. Next is where the next one continues, as the parameter after; the last page
// has none. A page of waiting ones may be empty and have a Next: none waits among the conversations that were looked at.
type ConversationPage struct {
	Conversations []Conversation `json:"conversations"`
	Next          string         `json:"next,omitempty"`
}

// conversations answers with a page of conversations.
func (a *api) conversations(w http.ResponseWriter, r *http.Request) {
	if !checkQuery(w, r, "state", "after", "limit") {
		return
	}

	query := r.URL.Query()

	ids := a.ids()
	if ids.Empty() && !isBare(r) {
		http.Error(w, "no conversation has an id: set the app secret", http.StatusServiceUnavailable)
		return
	}

	list, err := a.conversationLister(r, query)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}

	limit, err := parseLimit(query)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}

	found, next, err := list(r.Context(), limit)
	if err != nil {
		a.fail(w, err, noSuchConversation)
		return
	}

	page := ConversationPage{Conversations: []Conversation{}, Next: next}

	for _, named := range found {
		page.Conversations = append(page.Conversations, a.newConversation(r.Context(), ids, named.Name, named.Conversation, reveals(r)))
	}

	answer(w, http.StatusOK, page)
}

// lister returns a page of conversations and where the next one continues.
type lister func(ctx context.Context, limit int) (found []store.NamedConversation, next string, err error)

func (a *api) conversationLister(r *http.Request, query url.Values) (lister, error) {
	isBare := isBare(r)
	state := query.Get("state")

	if state == "" {
		state = allConversations
		if isBare {
			state = takenOver // the only state before the prefix
		}
	}

	after := query.Get("after")

	switch state {
	case allConversations:
		position, err := a.parsePosition(after)

		return func(ctx context.Context, limit int) ([]store.NamedConversation, string, error) {
			return a.recent(ctx, position, limit)
		}, err
	case takenOver, waiting:
		name := after
		if !isBare && after != "" {
			var ok bool
			if name, ok = a.parseConversation(after); !ok {
				return nil, errAfter
			}
		}

		return func(ctx context.Context, limit int) ([]store.NamedConversation, string, error) {
			found, next, err := a.takenOver(ctx, name, limit, state == waiting)
			if !isBare && next != "" {
				next = a.ids().Encode(next)
			}

			return found, next, err
		}, nil
	}

	return nil, fmt.Errorf("state is %q, want all, taken_over or waiting", state)
}

var errAfter = errors.New("after is not the value of next in an earlier page")

// takenOver returns conversations that people have, by name, and the name to continue after.
func (a *api) takenOver(ctx context.Context, after string, limit int, onlyWaiting bool) ([]store.NamedConversation, string, error) {
	var all []store.NamedConversation

	read := limit
	if onlyWaiting {
		read = maxPage
	}

	for range maxWaitingScan / maxPage {
		found, err := a.Store.TakenOver(ctx, a.Clock.Now(), after, read)
		if err != nil {
			return nil, "", err
		}

		for _, named := range found {
			after = named.Name

			if onlyWaiting && named.WaitsSince().IsZero() {
				continue
			}

			all = append(all, named)
			if len(all) == limit {
				return all, after, nil
			}
		}

		if len(found) < read {
			return all, "", nil
		}
	}

	return all, after, nil
}

// recent returns conversations, the newest activity first, and where to continue.
func (a *api) recent(ctx context.Context, after store.Position, limit int) ([]store.NamedConversation, string, error) {
	found, err := a.Store.Recent(ctx, after, limit)
	if err != nil || len(found) < limit {
		return found, "", err
	}

	last := found[len(found)-1]

	var at int64
	if !last.LastInboundAt.IsZero() {
		at = last.LastInboundAt.UnixMilli()
	}

	return found, fmt.Sprintf("%d.%s", at, a.ids().Encode(last.Name)), nil
}

// parsePosition is the inverse of the next of recent.
func (a *api) parsePosition(text string) (store.Position, error) {
	if text == "" {
		return store.Position{}, nil
	}

	number, id, _ := strings.Cut(text, ".")

	at, err := strconv.ParseInt(number, 10, 64)
	name, ok := a.ids().Decode(id)

	if err != nil || !ok {
		return store.Position{}, errAfter
	}

	position := store.Position{Name: name}
	if at != 0 {
		position.At = time.UnixMilli(at)
	}

	return position, nil
}
