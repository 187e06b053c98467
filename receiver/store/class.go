// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package store

// NoClassCode is the code of events that never were work.
const NoClassCode = 3

// Code is how every engine keeps a class. It is in the key of every lane, where a number costs a tenth less work than a
// word. Databases hold it, so it never changes.
func (c Class) Code() int16 {
	switch c {
	case Conversations:
		return 0
	case Statuses:
		return 1
	case Notices:
		return 2
	default:
		return NoClassCode
	}
}

// ClassOf is the inverse of Code.
func ClassOf(code int16) Class {
	switch code {
	case 0:
		return Conversations
	case 1:
		return Statuses
	case 2:
		return Notices
	default:
		return ""
	}
}
