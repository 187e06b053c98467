// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package dev

import (
	"crypto/rand"
	"fmt"
	"mime"
	"net/http"
	"unicode/utf8"

	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

const (
	// maxText is how many characters a text can have on WhatsApp, maxCaption a caption.
	maxText    = 4096
	maxCaption = 1024
	// catalogID is the catalog of made-up orders.
	catalogID = "1122334455667788"
)

// postMessage serves a message of a person, with or without a file.
func (s *Server) postMessage(w http.ResponseWriter, r *http.Request) {
	if mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); mediaType != "multipart/form-data" {
		serve(http.StatusCreated, s.send)(w, r)
		return
	}

	message, err := s.upload(w, r)
	if err != nil {
		writeError(w, statusOf(err), err)
		return
	}

	writeJSON(w, http.StatusCreated, message)
}

// write shows a message of a person and delivers it.
func (s *Server) write(person Person, m Message, inbound standin.PersonMessage, what string) (Message, error) {
	if m.ReplyTo != "" {
		quoted, err := s.chat.message(person.ID, m.ReplyTo)
		if err != nil {
			return Message{}, err
		}

		inbound.ReplyTo = quoted.ID
		if quoted.From == FromPerson {
			inbound.QuotedFrom = person.Number
		}
	}

	inbound.ID = standin.Wamid(rand.Text())
	inbound.Forwarded = m.Forwarded
	m.ID = inbound.ID
	m.Person = person.ID
	m.From = FromPerson
	m.At = s.clock.Now()
	m.Status = StatusSending
	m.EventID = eventOf(m.ID)

	s.chat.add(m)

	err := s.meta.deliver(inbound, delivery{
		person:  person,
		message: m.ID,
		what:    what + " from " + person.Name,
	})
	if err != nil {
		s.chat.setStatus(m.ID, StatusFailed, &Failure{Text: err.Error()})
		return Message{}, err
	}

	return m, nil
}

// send sends a message without a file.
func (s *Server) send(n NewMessage) (Message, error) {
	person, err := s.chat.person(n.Person)
	if err != nil {
		return Message{}, err
	}

	m := Message{
		Type:      n.Type,
		Text:      n.Text,
		ReplyTo:   n.ReplyTo,
		Forwarded: n.Forwarded,
	}
	inbound := standin.PersonMessage{Type: n.Type}

	switch n.Type {
	case TypeText:
		if err := checkText("text", n.Text, 1, maxText); err != nil {
			return Message{}, err
		}

		inbound.Object = map[string]string{"body": n.Text}
	case TypeLocation:
		m.Location = n.Location
		inbound.Object, err = locationObject(n.Location)
	case TypeContacts:
		m.Contacts = n.Contacts
		inbound.Object, err = contactObjects(n.Contacts)
	case TypeOrder:
		m.Products = orderedProducts(n.Products)
		inbound.Object = orderObject(n.Text, m.Products)
	case TypeUnsupported:
		m.Text = "A poll"
		inbound.Object = map[string]string{"type": "poll_creation"}
		inbound.Code = 131051
		inbound.Details = "Message type is currently not supported."
	default:
		err = fmt.Errorf("type %q is unknown: want text, location, contacts, order or unsupported, or send a form with a file", n.Type)
	}

	if err != nil {
		return Message{}, err
	}

	return s.write(person, m, inbound, n.Type)
}

func checkText(name, text string, shortest, longest int) error {
	if n := utf8.RuneCountInString(text); n < shortest || n > longest || !utf8.ValidString(text) {
		return fmt.Errorf("%s must have %d to %d characters", name, shortest, longest)
	}

	return nil
}
