// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
)

// ballastSuffix follows the name of the database in the name of the ballast.
const ballastSuffix = ".ballast"

// ballast is a reserve file beside the database. A purge that finds the disk full deletes it: a purge, and the checkpoint of
// its commit, write before they free space. No other operation releases the reserve file.
type ballast struct {
	path string

	mu       sync.Mutex
	size     int64
	held     bool
	releases int // calls of release
}

// newBallast returns the ballast that a previous process has left, unless it is incomplete or of another size.
func newBallast(path string, size int64) *ballast {
	b := &ballast{path: path, size: size}
	b.held = size > 0 && occupied(path) >= size

	return b
}

// missing returns the number of bytes that the ballast lacks.
func (b *ballast) missing() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()

	if b.held {
		return 0
	}

	return b.size
}

// build allocates the file, or leaves none. It gives up when closing is closed. A disk that is slow or hangs does not block the
// other calls.
func (b *ballast) build(closing <-chan struct{}) error {
	b.mu.Lock()
	before := b.releases
	b.mu.Unlock()

	if err := b.allocate(closing); err != nil {
		return err
	}

	return b.keep(before)
}

// keep counts the file as held, unless it was released since a number of releases.
func (b *ballast) keep(before int) error {
	b.mu.Lock()
	defer b.mu.Unlock()

	if b.releases != before {
		return ignoreMissing(os.Remove(b.path))
	}

	b.held = true

	return nil
}

func (b *ballast) allocate(closing <-chan struct{}) (err error) {
	f, err := os.OpenFile(b.path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("create the ballast: %w", err)
	}

	if err = allocate(f, b.size); err != nil {
		err = writeAll(f, b.size, closing)
	}

	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("allocate the ballast: %w", errors.Join(err, ignoreMissing(os.Remove(b.path))))
	}

	return nil
}

// release deletes the file, and reports whether that made room.
func (b *ballast) release() bool {
	b.mu.Lock()
	defer b.mu.Unlock()

	held := b.held
	b.held = false
	b.releases++

	return os.Remove(b.path) == nil && held
}

// writeAll writes a file on a filesystem that cannot allocate space otherwise. It writes random bytes, since a filesystem may
// compress others.
func writeAll(f *os.File, size int64, closing <-chan struct{}) error {
	const chunk = 1 << 20

	source := rand.NewChaCha8([32]byte{})
	part := make([]byte, chunk)

	for offset := int64(0); offset < size; offset += chunk {
		select {
		case <-closing:
			return errors.New("the store is closing")
		default:
		}

		_, _ = source.Read(part) // never fails
		if _, err := f.WriteAt(part[:min(chunk, size-offset)], offset); err != nil {
			return err
		}
	}

	return f.Sync()
}
