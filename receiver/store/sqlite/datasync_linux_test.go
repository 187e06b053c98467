// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"path/filepath"
	"testing"

	"modernc.org/sqlite"
)

func TestCommitsWaitForDataOnly(t *testing.T) {
	openStore(t, filepath.Join(t.TempDir(), "inbox.db"))

	if !sqlite.FdatasyncEnabled() {
		t.Error("an open store commits with fsync, want fdatasync")
	}
}
