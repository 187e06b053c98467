// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"sync"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
)

// lackingTime is how long a method that the bridge does not have is not called.
const lackingTime = 10 * time.Minute

// optionalMethods remembers which of the methods that a bridge may lack it has. The zero value knows nothing.
type optionalMethods struct {
	mu       sync.Mutex
	settings *config.Snapshot               // of what is known: a new configuration may name another bridge
	lacking  map[assistant.Method]time.Time // until when a method is not called
	has      map[assistant.Method]bool      // the bridge has answered a call of the method
}

// check returns the failure of a call of a method that the bridge lacks, as it said of late, or nil.
func (o *optionalMethods) check(method assistant.Method, settings *config.Snapshot, now time.Time) error {
	o.mu.Lock()
	defer o.mu.Unlock()

	o.follow(settings)

	if !now.Before(o.lacking[method]) {
		return nil
	}

	return &failure.Error{
		Class: failure.Permanent,
		Op:    string(method),
		Code:  assistant.CodeNoMethod,
		Text:  "Bird lacks this method, as it said before",
	}
}

// note records the result of a call. If the bridge has answered another call of the method, a refusal is about one message.
func (o *optionalMethods) note(method assistant.Method, settings *config.Snapshot, err error, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()

	o.follow(settings)

	switch {
	case err == nil:
		o.has[method] = true
	case failure.Of(err).Code == assistant.CodeNoMethod && !o.has[method]:
		o.lacking[method] = now.Add(lackingTime)
	}
}

// follow forgets everything when the configuration has changed. The caller holds the lock.
func (o *optionalMethods) follow(settings *config.Snapshot) {
	if o.settings == settings {
		return
	}

	o.settings = settings
	o.lacking = map[assistant.Method]time.Time{}
	o.has = map[assistant.Method]bool{}
}
