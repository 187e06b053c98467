// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import "github.com/wawebhook/whatsapp-webhook-operator/receiver/store"

// noClass is of events that never were work.
const noClass = 3

// code is how a class is kept.
func code(class store.Class) int16 {
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
func class(code int16) store.Class {
	switch code {
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
