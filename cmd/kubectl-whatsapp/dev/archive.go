// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package dev

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// saveInterval is the interval at which the chat is saved if it has changed.
const saveInterval = 5 * time.Second

// archive is the chat as Options.Dir keeps it beside the receiver's store.
type archive struct {
	People   []Person          `json:"people"`
	Added    int64             `json:"added"`
	Messages []Message         `json:"messages"`
	Files    map[string]string `json:"files"` // the MIME type of each file, by its id
	Ahead    time.Duration     `json:"ahead"` // of the clock: the receiver's store has its times
}

var fileID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

func (s *Server) archiveFile() string { return filepath.Join(s.options.Dir, "chat.json") }

func (s *Server) fileOf(id string) string { return filepath.Join(s.options.Dir, "files", id) }

// restore reads the chat of earlier runs, if there is one.
func (s *Server) restore() error {
	raw, err := os.ReadFile(s.archiveFile())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}

	var kept archive
	if err == nil {
		err = json.Unmarshal(raw, &kept)
	}

	if err != nil {
		return fmt.Errorf("read the chat of earlier runs, %s; remove the file to start with an empty chat: %w", s.archiveFile(), err)
	}

	s.clock.Advance(kept.Ahead)
	s.chat.restore(kept)

	for id, mimeType := range kept.Files {
		if !fileID.MatchString(id) {
			continue
		}

		if content, err := os.ReadFile(s.fileOf(id)); err == nil {
			s.rig.Graph.PutMedia(id, mimeType, content)
		}
	}

	for _, m := range kept.Messages {
		if person, err := s.chat.person(m.Person); err == nil && m.From == FromPerson {
			// Meta knows who has written, and when.
			s.rig.Graph.Observe(standin.TextDelivery(phoneNumberID, person.Number, person.Name, m.ID, m.Text, m.At))
		}

		s.meta.remember(m.EventID, m.Person)
	}

	return nil
}

// save writes the chat, and the files that are not written yet.
func (s *Server) save() error {
	kept := s.chat.archive()
	kept.Files = map[string]string{}
	kept.Ahead = time.Until(s.clock.Now())

	if err := os.MkdirAll(filepath.Dir(s.fileOf("x")), 0o700); err != nil {
		return fmt.Errorf("create the folder of the chat's files: %w", err)
	}

	for _, m := range kept.Messages {
		if m.Media == nil || !fileID.MatchString(m.Media.ID) {
			continue
		}

		mimeType, content, ok := s.rig.Graph.Medium(m.Media.ID)
		if !ok {
			continue
		}

		kept.Files[m.Media.ID] = mimeType

		if _, err := os.Stat(s.fileOf(m.Media.ID)); err == nil {
			continue
		}

		if err := os.WriteFile(s.fileOf(m.Media.ID), content, 0o600); err != nil {
			return fmt.Errorf("keep a file of the chat: %w", err)
		}
	}

	raw, err := json.Marshal(kept)
	if err != nil {
		return fmt.Errorf("encode the chat: %w", err)
	}

	// A crash leaves the old file or the new one.
	next := s.archiveFile() + ".new"
	if err := os.WriteFile(next, raw, 0o600); err != nil {
		return fmt.Errorf("keep the chat: %w", err)
	}

	if err := os.Rename(next, s.archiveFile()); err != nil {
		return fmt.Errorf("keep the chat: %w", err)
	}

	return nil
}

// keep saves the chat from time to time, as far as it has changed.
func (s *Server) keep() {
	saved := s.stream.lastID()

	for s.meta.sleep(saveInterval) {
		now := s.stream.lastID()
		if now == saved {
			continue
		}

		saved = now

		if err := s.save(); err != nil {
			s.journal.add(Trace{
				Kind:   TraceServer,
				Level:  LevelError,
				Title:  "The chat cannot be kept",
				Detail: err.Error(),
			})
		}
	}
}

// archive returns the part of the chat that is kept.
func (c *chat) archive() archive {
	kept := archive{People: c.listPeople(), Messages: c.all()}

	c.mu.Lock()
	defer c.mu.Unlock()

	kept.Added = c.added

	return kept
}

// restore shows a chat that was kept.
func (c *chat) restore(kept archive) {
	c.mu.Lock()
	defer c.mu.Unlock()

	c.added = kept.Added
	c.people = nil
	c.messages = nil

	for _, p := range kept.People {
		c.people = append(c.people, &p)
	}

	for _, m := range kept.Messages {
		c.messages = append(c.messages, &m)
	}
}
