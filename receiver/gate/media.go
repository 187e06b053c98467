// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
)

// scopeMedia is the scope of messages with a file.
const scopeMedia = "media"

// mediaDelay is how long a message with a file waits before it asks for a place again.
const mediaDelay = 50 * time.Millisecond

// Media returns the call that stands for processing a message with a file, from its download until the AI has the file. The
// caller ends the permit with Cancel.
func Media() Call {
	return newCall("", Scope{failure.Scope(scopeMedia), scopeMedia})
}

// places limits the messages with a file to half of the concurrency: they wait for space in the spool, and must not delay
// texts.
type places struct {
	size int
	used int
}

// available implements limiter.
func (p *places) available(time.Time) (int, time.Duration) {
	if free := p.size - p.used; free > 0 {
		return free, 0
	}

	return 0, mediaDelay
}

// take implements limiter.
func (p *places) take(time.Time) { p.used++ }
