// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

import (
	"io/fs"
	"syscall"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
)

func TestWriteFailed(t *testing.T) {
	for cause, want := range map[error]string{
		&fs.PathError{Op: "write", Err: syscall.ENOSPC}: "disk_full",
		&fs.PathError{Op: "write", Err: syscall.EDQUOT}: "disk_full",
		&fs.PathError{Op: "open", Err: syscall.EROFS}:   "spool",
	} {
		if f := failure.Of(writeFailed(cause)); f.Class != failure.Transient || f.Code != want {
			t.Errorf("writeFailed(%v) = %+v, want a transient %s", cause, f, want)
		}
	}
}
