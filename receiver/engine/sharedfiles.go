// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"sync"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/gate"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/logevent"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/media"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/medialink"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

const (
	opDownload  = "download media"
	codeClosed  = "scope_closed"      // the gate lets no call through now
	codeNoStore = "store_unavailable" // the store cannot be read
)

// sharedFiles holds the spooled files that links can serve, by event. The zero value is ready to use.
type sharedFiles struct {
	mu    sync.Mutex
	files map[store.ID]*media.File
}

// put offers a file, unless the event has one already.
func (s *sharedFiles) put(event store.ID, file *media.File) {
	s.mu.Lock()
	defer s.mu.Unlock()

	if s.files == nil {
		s.files = map[store.ID]*media.File{}
	}

	if s.files[event] == nil {
		s.files[event] = file
	}
}

// acquire returns the file of an event, or nil. The file stays in the spool until it is released.
func (s *sharedFiles) acquire(event store.ID) *media.File {
	s.mu.Lock()
	defer s.mu.Unlock()

	if file := s.files[event]; file != nil && file.Acquire() {
		return file
	}

	return nil
}

// drop removes a file from the shared files.
func (s *sharedFiles) drop(event store.ID, file *media.File) {
	s.mu.Lock()
	defer s.mu.Unlock()

	if s.files[event] == file {
		delete(s.files, event)
	}
}

// OpenFile implements medialink.Files. While the AI is asked about a message, its file is in the spool. Afterwards it is
// downloaded from Meta again.
func (e *Engine) OpenFile(ctx context.Context, event store.ID) (*media.File, func(), error) {
	if file := e.shared.acquire(event); file != nil {
		return file, func() { e.returned(event, file.Release()) }, nil
	}

	file, err := e.fetchAgain(ctx, event)
	if err != nil {
		return nil, nil, err
	}

	e.shared.put(event, file)

	return file, func() {
		e.shared.drop(event, file)
		e.returned(event, file.Remove())
	}, nil
}

func (e *Engine) returned(event store.ID, err error) {
	if err != nil {
		e.Log.Error("removing linked media from the spool failed", logevent.EventID, event, "error", err)
	}
}

// fetchAgain downloads the file of a stored message.
func (e *Engine) fetchAgain(ctx context.Context, event store.ID) (*media.File, error) {
	record, err := e.Store.Get(ctx, event)
	if errors.Is(err, store.ErrNotFound) || err == nil && record.Event.Kind != store.KindMessage {
		return nil, medialink.ErrNoFile
	}

	if err != nil {
		return nil, &failure.Error{
			Class: failure.Transient,
			Op:    opDownload,
			Code:  codeNoStore,
			Text:  "the store cannot be read",
		}
	}

	item, err := whatsapp.Decode(record.Event.Payload)
	if err != nil { // as of a payload that was purged
		return nil, medialink.ErrNoFile
	}

	message, err := item.Message()
	if err != nil {
		return nil, medialink.ErrNoFile
	}

	sent, ok := message.Media()
	if !ok {
		return nil, medialink.ErrNoFile
	}

	if closed := e.gate.Check(gate.Lookup(item.WABAID)); closed != nil {
		return nil, &failure.Error{
			Class: failure.Transient,
			Op:    opDownload,
			Code:  codeClosed,
			Text:  "Meta may not be asked for media now",
		}
	}

	file, err := e.Media.Fetch(ctx, string(item.Metadata.PhoneNumberID), expectedMedia(sent))
	e.recordCall(opDownload, err)

	return file, err
}
