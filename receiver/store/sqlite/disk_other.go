// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package sqlite

import (
	"errors"
	"os"
)

// diskSpace fails: receivers run on Linux, and elsewhere the store works without the figures of the disk.
func diskSpace(string) (total, free int64, err error) { return 0, 0, errors.ErrUnsupported }

func allocate(*os.File, int64) error { return errors.ErrUnsupported }

func occupied(string) int64 { return 0 }
