// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import "github.com/wawebhook/whatsapp-webhook-operator/receiver/store"

// noClass is of events that never were work.
const noClass = 3

// code is how a class is kept. It is in the key of every lane, where a number costs a tenth less work than a word.
func code(class store.Class) int64 {
	switch class {
	case store.Conversations:
		return 0
	case store.Statuses:
		return 1
	case store.Notices:
		return 2
	default:
		return noClass
	}
}

// class is the inverse of code.
func (r row) class(i int) store.Class {
	switch r.int(i) {
	case 0:
		return store.Conversations
	case 1:
		return store.Statuses
	case 2:
		return store.Notices
	default:
		return ""
	}
}
