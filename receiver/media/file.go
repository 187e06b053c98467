// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
)

// File is a downloaded file. It takes space in the spool until it is removed.
type File struct {
	Path     string
	Size     int64  // bytes
	MimeType string // Meta's, with parameters such as "audio/ogg; codecs=opus"; may be empty
	SHA256   string // hexadecimal, lower case
	Filename string // as sent by the person's device, or of the link; may be empty

	spool     *Spool
	mu        sync.Mutex
	reserved  int64 // bytes to release; 0 once removed
	lent      int   // readers that the file waits for before it is removed
	isRemoved bool  // by its owner
}

// Open returns a reader from the beginning of the content. It may be called again, for a retry.
func (f *File) Open() (io.ReadCloser, error) { return os.Open(f.Path) }

// Acquire keeps the file until Release is called. It reports false if the file was removed.
func (f *File) Acquire() bool {
	f.mu.Lock()
	defer f.mu.Unlock()

	if f.isRemoved {
		return false
	}

	f.lent++

	return true
}

// Release ends one Acquire.
func (f *File) Release() error {
	f.mu.Lock()
	defer f.mu.Unlock()

	f.lent--

	return f.removeUnused()
}

// Remove deletes the file and releases its space in the spool, once it is not lent. It may be called again.
func (f *File) Remove() error {
	f.mu.Lock()
	defer f.mu.Unlock()

	f.isRemoved = true

	return f.removeUnused()
}

func (f *File) removeUnused() error {
	if !f.isRemoved || f.lent > 0 || f.reserved == 0 {
		return nil
	}

	if err := os.Remove(f.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove spooled media: %w", err)
	}

	f.spool.release(f.reserved)
	f.reserved = 0

	return nil
}

// removeAfter removes the file if there is an error, and returns that error.
func (f *File) removeAfter(err error) error {
	if err == nil {
		return nil
	}

	return errors.Join(err, f.Remove())
}

// shrink releases the space beyond the file's size. One byte remains reserved, which marks that the file exists.
func (f *File) shrink() {
	f.mu.Lock()
	defer f.mu.Unlock()

	if size := max(f.Size, 1); size < f.reserved {
		f.spool.release(f.reserved - size)
		f.reserved = size
	}
}
