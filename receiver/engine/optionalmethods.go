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

// missingMethodTTL is how long a method that the bridge does not have is not called.
const missingMethodTTL = 10 * time.Minute

// optionalMethods records which optional methods the bridge has. The zero value knows nothing.
type optionalMethods struct {
	mu       sync.Mutex
	settings *config.Snapshot               // of what is known: a new configuration may name another bridge
	missing  map[assistant.Method]time.Time // until when a method is not called
	has      map[assistant.Method]bool      // the bridge has answered a call of the method
}

// check returns the failure of a call of a method that the bridge does not have, as it said within the TTL, or nil.
func (o *optionalMethods) check(method assistant.Method, settings *config.Snapshot, now time.Time) error {
	o.mu.Lock()
	defer o.mu.Unlock()

	o.resetIfChanged(settings)

	if !now.Before(o.missing[method]) {
		return nil
	}

	return &failure.Error{
		Class: failure.Permanent,
		Op:    string(method),
		Code:  assistant.CodeNoMethod,
		Text:  "the bridge does not have this method: it refused the method within the last 10 minutes",
	}
}

// record records the result of a call. If the bridge has answered another call of the method, a refusal is about one message.
func (o *optionalMethods) record(method assistant.Method, settings *config.Snapshot, err error, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()

	o.resetIfChanged(settings)

	switch {
	case err == nil:
		o.has[method] = true
	case failure.Of(err).Code == assistant.CodeNoMethod && !o.has[method]:
		o.missing[method] = now.Add(missingMethodTTL)
	}
}

// resetIfChanged forgets everything when the configuration has changed. The caller holds the lock.
func (o *optionalMethods) resetIfChanged(settings *config.Snapshot) {
	if o.settings == settings {
		return
	}

	o.settings = settings
	o.missing = map[assistant.Method]time.Time{}
	o.has = map[assistant.Method]bool{}
}
