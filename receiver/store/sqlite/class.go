// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import "github.com/wawebhook/whatsapp-webhook-operator/receiver/store"

// code is a class as an argument of a statement.
func code(class store.Class) int64 { return int64(class.Code()) }

// class is the inverse of code.
func (r row) class(i int) store.Class { return store.ClassOf(int16(r.int(i))) } //nolint:gosec // what code wrote
