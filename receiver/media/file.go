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

// File is downloaded media whose content is what Meta announced. It counts against the spool until it is removed.
type File struct {
	Path     string
	Size     int64  // bytes
	MimeType string // as Meta gives it, with parameters such as "audio/ogg; codecs=opus"; may be empty
	SHA256   string // hexadecimal, lower case
	Filename string // the person's; may be empty

	spool    *Spool
	mu       sync.Mutex
	reserved int64 // bytes to give back; 0 once removed
}

// Open reads the content from its beginning. It may be opened again, for a retry.
func (f *File) Open() (io.ReadCloser, error) { return os.Open(f.Path) }

// Remove deletes the file and gives its bytes back to the spool. It may be called again.
func (f *File) Remove() error {
	f.mu.Lock()
	defer f.mu.Unlock()

	if f.reserved == 0 {
		return nil
	}

	if err := os.Remove(f.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove spooled media: %w", err)
	}

	f.spool.release(f.reserved)
	f.reserved = 0

	return nil
}

// shrink gives back what was reserved beyond the file's size. One byte stays, since an empty file is a file too.
func (f *File) shrink() {
	f.mu.Lock()
	defer f.mu.Unlock()

	if keep := max(f.Size, 1); keep < f.reserved {
		f.spool.release(f.reserved - keep)
		f.reserved = keep
	}
}
