// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package dev

import (
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// own returns a message that a person wrote and did not delete.
func (s *Server) own(person, message string) (Person, Message, error) {
	p, err := s.chat.person(person)
	if err != nil {
		return Person{}, Message{}, err
	}

	m, err := s.chat.message(p.ID, message)

	switch {
	case err != nil:
		return Person{}, Message{}, err
	case m.From != FromPerson:
		return Person{}, Message{}, errors.New("only messages of the person can be changed")
	case m.Deleted:
		return Person{}, Message{}, conflict("a deleted message cannot be changed")
	}

	return p, m, nil
}

// edit changes the text or the caption of a person's message.
func (s *Server) edit(e Edit) (Message, error) {
	person, m, err := s.own(e.Person, e.Message)
	if err != nil {
		return Message{}, err
	}

	var edited map[string]any

	switch m.Type {
	case TypeText:
		err = checkText("text", e.Text, 1, maxText)
		edited = map[string]any{"type": TypeText, TypeText: map[string]string{"body": e.Text}}
	case TypeImage, TypeVideo, TypeDocument:
		err = checkText("text", e.Text, 0, maxCaption)
		edited = map[string]any{"type": m.Type, m.Type: map[string]string{
			"id":        m.Media.ID,
			"mime_type": m.Media.MIMEType,
			"caption":   e.Text,
		}}
	default:
		err = fmt.Errorf("a message of type %s has no text to change", m.Type)
	}

	if err != nil {
		return Message{}, err
	}

	err = s.amend(person, "edit", map[string]any{"original_message_id": m.ID, "message": edited})
	if err != nil {
		return Message{}, err
	}

	m = s.chat.change(m.ID, func(m *Message) {
		m.Text = e.Text
		m.Edited = true
	})

	return m, nil
}

// amend delivers an object that changes a message and does not appear as a message in the chat.
func (s *Server) amend(person Person, kind string, object any) error {
	return s.meta.deliver(
		standin.PersonMessage{
			ID:     standin.Wamid(rand.Text()),
			Type:   kind,
			Object: object,
		},
		delivery{person: person, what: kind + " from " + person.Name})
}

// deleteMessage deletes a person's message for everyone.
func (s *Server) deleteMessage(d Delete) (Message, error) {
	person, m, err := s.own(d.Person, d.Message)
	if err != nil {
		return Message{}, err
	}

	if err := s.amend(person, "revoke", map[string]string{"original_message_id": m.ID}); err != nil {
		return Message{}, err
	}

	m = s.chat.change(m.ID, func(m *Message) {
		*m = Message{
			ID:      m.ID,
			Person:  m.Person,
			From:    m.From,
			Type:    m.Type,
			At:      m.At,
			Status:  m.Status,
			EventID: m.EventID,
			Deleted: true,
		}
	})

	return m, nil
}

// react sets or removes a person's reaction.
func (s *Server) react(r React) (Message, error) {
	person, err := s.chat.person(r.Person)
	if err != nil {
		return Message{}, err
	}

	m, err := s.chat.message(person.ID, r.Message)

	switch {
	case err != nil:
		return Message{}, err
	case m.Deleted:
		return Message{}, conflict("a deleted message takes no reaction")
	}

	if err := checkText("emoji", r.Emoji, 0, 16); err != nil {
		return Message{}, err
	}

	reaction := map[string]string{"message_id": m.ID}
	if r.Emoji != "" {
		reaction["emoji"] = r.Emoji
	}

	if err := s.amend(person, "reaction", reaction); err != nil {
		return Message{}, err
	}

	m = s.chat.change(m.ID, func(m *Message) { m.react(FromPerson, r.Emoji) })

	return m, nil
}

// react replaces the reaction of one side.
func (m *Message) react(from, emoji string) {
	var others []Reaction

	for _, r := range m.Reactions {
		if r.From != from {
			others = append(others, r)
		}
	}

	if emoji != "" {
		others = append(others, Reaction{From: from, Emoji: emoji})
	}

	m.Reactions = others
}
