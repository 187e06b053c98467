// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package groupcommit_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"weak"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/groupcommit"
)

// delivery is a value that takes memory.
type delivery struct{ payload [64 << 10]byte }

// A worker that waits for its disk takes no call, so withdrawn ones stay in the queue. Their values must not: each was counted
// only while its caller waited.
func TestWithdrawnCallsHoldNoMemory(t *testing.T) {
	for name, wait := range map[string]bool{"Do": true, "DoNoWait": false} {
		t.Run(name, func(t *testing.T) {
			q := groupcommit.New[*delivery](1)

			do := q.DoNoWait
			if wait {
				do = q.Do
			}

			var value weak.Pointer[delivery]

			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error)

			go func() {
				submitted := &delivery{payload: [64 << 10]byte{1}}
				value = weak.Make(submitted)

				ended <- do(ctx, submitted)
			}()

			for q.Len() == 0 {
				runtime.Gosched()
			}

			cancel()

			if err := <-ended; !errors.Is(err, context.Canceled) {
				t.Fatalf("%s returned %v, want context.Canceled", name, err)
			}

			runtime.GC()

			if value.Value() != nil {
				t.Errorf("%s: the value of a withdrawn call is still in memory", name)
			}

			if n := q.Len(); n != 1 {
				t.Errorf("%s: %d calls wait, want the withdrawn one", name, n)
			}
		})
	}
}
