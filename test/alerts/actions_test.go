//go:build linux

// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package alerts

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

const (
	// diskSize is the size of a receiver's disk, which one of them fills.
	diskSize = 64 << 20
	// recordSize is the size of Prometheus's disk.
	recordSize = 512 << 20
	// sharedMemory is where a user without rights finds a disk in memory, and sharedSize the space that has to be free.
	sharedMemory = "/dev/shm"
	sharedSize   = 2 << 30
)

// inMemory returns a folder on its own disk, in memory. Other tests write to the machine's disk, and a receiver whose
// store has to wait for them refuses deliveries. Those alerts would be right, but not what a trial is about.
func inMemory(t *testing.T, size int64) string {
	t.Helper()

	if os.Geteuid() != 0 {
		return inSharedMemory(t)
	}

	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d", size)); err != nil {
		t.Fatalf("mount a disk in memory: %v", err)
	}

	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})

	return dir
}

// inSharedMemory returns a folder in the machine's shared memory, or on its disk if that is too small, as in a container.
func inSharedMemory(t *testing.T) string {
	t.Helper()

	var fs syscall.Statfs_t
	if err := syscall.Statfs(sharedMemory, &fs); err != nil || int64(fs.Bavail)*fs.Bsize < sharedSize {
		return t.TempDir()
	}

	dir, err := os.MkdirTemp(sharedMemory, "whatsapp-webhook-alerts-") //nolint:usetesting // t.TempDir is on the disk
	if err != nil {
		return t.TempDir()
	}

	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})

	return dir
}

func (s *subject) filler() string { return filepath.Join(string(s.Folder), "filler") }

// fillDisk fills the disk with a file, except for 1 MiB.
func (s *subject) fillDisk() {
	s.t.Helper()

	var fs syscall.Statfs_t
	if err := syscall.Statfs(string(s.Folder), &fs); err != nil {
		s.t.Fatal(err)
	}

	free := int64(fs.Bavail)*fs.Bsize - 1<<20
	if err := os.WriteFile(s.filler(), make([]byte, free), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *subject) emptyDisk() {
	s.t.Helper()

	if err := os.Remove(s.filler()); err != nil {
		s.t.Fatal(err)
	}
}

// secret changes a secret.
func (s *subject) secret(role, value string) {
	s.t.Helper()

	if err := s.Folder.WriteSecret(role, "0", value); err != nil {
		s.t.Fatal(err)
	}
}

// reload writes the changed configuration, which the receiver reads again.
func (s *subject) reload() {
	s.t.Helper()

	if err := s.Folder.WriteConfig(s.Config); err != nil {
		s.t.Fatal(err)
	}
}

// replayAll replays all dead letters at the console.
func (s *subject) replayAll() {
	s.t.Helper()

	address := "http://" + s.Local.ConsoleAddr() + "/dead-letters/replay"

	request, err := http.NewRequestWithContext(context.WithoutCancel(s.t.Context()), http.MethodPost, address, http.NoBody)
	if err != nil {
		s.t.Fatal(err)
	}

	response, err := s.client.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()

	if response.StatusCode >= http.StatusMultipleChoices {
		s.t.Fatalf("the replay was answered %s", response.Status)
	}
}
