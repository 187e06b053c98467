// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"
)

func TestFilesystemOf(t *testing.T) {
	const mounts = `/dev/vda / ext4 rw 0 0
tmpfs /tmp tmpfs rw 0 0
/dev/vdb /tmpdata xfs rw 0 0
/dev/vdc /var btrfs rw 0 0
/dev/vdd /var zfs rw 0 0
broken
`

	for folder, want := range map[string]string{
		"/":          "ext4",
		"/home/a":    "ext4",
		"/tmp":       "tmpfs",
		"/tmp/a/":    "tmpfs",
		"/tmpdata/a": "xfs",
		"/var/tmp":   "zfs",
	} {
		if got := filesystemOf([]byte(mounts), folder); got != want {
			t.Errorf("%s is on %s, want %s", folder, got, want)
		}
	}
}
