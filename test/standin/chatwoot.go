// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync"
)

// ChatwootInbox is the identifier of the default inbox.
const ChatwootInbox = "yVdQ1tEn5dBxGqRdNcTJ6Qab"

// ChatwootOptions configure a Chatwoot.
type ChatwootOptions struct {
	// Inbox is the identifier of the API inbox. Defaults to ChatwootInbox.
	Inbox string
	// WebhookURL receives what agents write and the changes of a conversation's status.
	WebhookURL func() string
	// Client calls the webhook. Defaults to http.DefaultClient.
	Client *http.Client
	// Keep is how many calls and messages are retained. Defaults to 10,000; if negative, they are only counted.
	Keep int
}

// ChatwootMessage is a message in a conversation of a Chatwoot.
type ChatwootMessage struct {
	SourceID     string `json:"source_id"`
	ContactName  string `json:"contact_name"`
	Conversation int    `json:"conversation_id"`
	Content      string `json:"content"`
	// Agent reports whether an agent wrote it, not the contact.
	Agent bool `json:"agent"`
}

// Chatwoot stands in for the public API of a Chatwoot with one API inbox.
//
// Source: https://developers.chatwoot.com/api-reference/contacts-api/create-a-contact
type Chatwoot struct {
	*Front
	// MessageLog is the log of the messages of all conversations.
	MessageLog *Log[ChatwootMessage]

	options ChatwootOptions
	handler http.Handler

	mu            sync.Mutex
	contacts      map[string]chatwootContact // by source id
	conversations []string                   // the source id of the contact by number, from 1
	serial        int
}

type chatwootContact struct {
	id   int
	name string
}

// NewChatwoot returns a Chatwoot to serve with net/http. Close it before its server.
func NewChatwoot(options ChatwootOptions) *Chatwoot {
	options.Inbox = cmp.Or(options.Inbox, ChatwootInbox)

	keep := keepOrDefault(options.Keep)
	c := &Chatwoot{
		Front:      NewFront(NewRecorder(keep), maxGraphBody),
		MessageLog: newLog(keep, func(m ChatwootMessage) int { return len(m.Content) }),
		options:    options,
		contacts:   map[string]chatwootContact{},
	}

	const contacts = "/public/api/v1/inboxes/{inbox}/contacts"

	mux := http.NewServeMux()
	mux.HandleFunc("POST "+contacts, c.createContact)
	mux.HandleFunc("GET "+contacts+"/{contact}", c.showContact)
	mux.HandleFunc("POST "+contacts+"/{contact}/conversations", c.createConversation)
	mux.HandleFunc("GET "+contacts+"/{contact}/conversations", c.listConversations)
	mux.HandleFunc("POST "+contacts+"/{contact}/conversations/{conversation}/messages", c.createMessage)
	c.handler = withControl(c.Wrap(mux), askedControl(c.Front, c.MessageLog))

	return c
}

// ServeHTTP implements http.Handler.
func (c *Chatwoot) ServeHTTP(w http.ResponseWriter, r *http.Request) { c.handler.ServeHTTP(w, r) }

// createContact creates a contact, or finds the one with the source id.
func (c *Chatwoot) createContact(w http.ResponseWriter, r *http.Request) {
	var request struct {
		SourceID   string `json:"source_id"`
		Identifier string `json:"identifier"`
		Name       string `json:"name"`
	}
	if !c.read(w, r, &request) {
		return
	}

	c.mu.Lock()
	defer c.mu.Unlock()

	source := request.SourceID
	if source == "" {
		c.serial++
		source = fmt.Sprintf("00000000-0000-4000-8000-%012d", c.serial)
	}

	contact, known := c.contacts[source]
	if !known {
		contact = chatwootContact{id: len(c.contacts) + 1, name: request.Name}
		c.contacts[source] = contact
	}

	writeJSON(w, http.StatusOK, contact.object(source))
}

func (c chatwootContact) object(source string) map[string]any {
	return map[string]any{
		"id":           c.id,
		"source_id":    source,
		"name":         c.name,
		"email":        nil,
		"phone_number": nil,
		"pubsub_token": "pubsub-" + strconv.Itoa(c.id),
	}
}

func (c *Chatwoot) showContact(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()

	contact, source, ok := c.contactLocked(w, r)
	if ok {
		writeJSON(w, http.StatusOK, contact.object(source))
	}
}

func (c *Chatwoot) createConversation(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()

	contact, source, ok := c.contactLocked(w, r)
	if !ok {
		return
	}

	c.conversations = append(c.conversations, source)
	writeJSON(w, http.StatusOK, conversationObject(len(c.conversations), contact))
}

func (c *Chatwoot) listConversations(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()

	contact, source, ok := c.contactLocked(w, r)
	if !ok {
		return
	}

	list := []any{}

	for i, of := range c.conversations {
		if of == source {
			list = append(list, conversationObject(i+1, contact))
		}
	}

	writeJSON(w, http.StatusOK, list)
}

func conversationObject(id int, contact chatwootContact) map[string]any {
	return map[string]any{
		"id":                   id,
		"uuid":                 fmt.Sprintf("00000000-0000-4000-9000-%012d", id),
		"inbox_id":             1,
		"status":               "open",
		"contact_last_seen_at": 0,
		"agent_last_seen_at":   0,
		"messages":             []any{},
		"contact":              map[string]any{"id": contact.id, "name": contact.name},
	}
}

func (c *Chatwoot) createMessage(w http.ResponseWriter, r *http.Request) {
	var request struct {
		Content string `json:"content"`
		EchoID  string `json:"echo_id"`
	}
	if !c.read(w, r, &request) {
		return
	}

	c.mu.Lock()
	defer c.mu.Unlock()

	contact, source, ok := c.contactLocked(w, r)
	if !ok {
		return
	}

	id, err := strconv.Atoi(r.PathValue("conversation"))
	if err != nil || id < 1 || id > len(c.conversations) || c.conversations[id-1] != source {
		chatwootNotFound(w)
		return
	}

	c.serial++
	c.MessageLog.add(ChatwootMessage{
		SourceID:     source,
		ContactName:  contact.name,
		Conversation: id,
		Content:      request.Content,
	})
	writeJSON(w, http.StatusOK, map[string]any{
		"id":                 c.serial,
		"content":            request.Content,
		"message_type":       0,
		"content_type":       "text",
		"content_attributes": map[string]any{},
		"created_at":         c.Clock.Now().Unix(),
		"conversation_id":    id,
		"sender":             map[string]any{"id": contact.id, "name": contact.name, "type": "contact"},
	})
}

// read decodes a request to the inbox.
func (c *Chatwoot) read(w http.ResponseWriter, r *http.Request, into any) bool {
	if r.PathValue("inbox") != c.options.Inbox {
		chatwootNotFound(w)
		return false
	}

	if err := json.NewDecoder(r.Body).Decode(into); err != nil {
		writeJSON(w, http.StatusBadRequest, map[string]any{"status": 400, "error": "Bad Request"})
		return false
	}

	return true
}

func (c *Chatwoot) contactLocked(w http.ResponseWriter, r *http.Request) (contact chatwootContact, source string, ok bool) {
	source = r.PathValue("contact")
	contact, ok = c.contacts[source]
	ok = ok && r.PathValue("inbox") == c.options.Inbox

	if !ok {
		chatwootNotFound(w)
	}

	return contact, source, ok
}

func chatwootNotFound(w http.ResponseWriter) {
	writeJSON(w, http.StatusNotFound, map[string]string{"error": "Resource could not be found"})
}
