// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/gate"
)

// maxInlineWait is how long an attempt waits for throughput without giving its lane back. Longer waits would let the
// events of one busy phone number take all the capacity.
const maxInlineWait = 50 * time.Millisecond

// enterSend lets a send through the gate. It waits for a moment if the phone number's throughput is used up, unless a part
// that was sent is not recorded yet.
func (e *Engine) enterSend(ctx context.Context, a *attempt) error {
	for deadline := e.Clock.Now().Add(maxInlineWait); ; {
		err := e.enter(a, a.sendCall())

		wait, ok := errors.AsType[*waiting](err)
		if !ok || wait.Reason != gate.Throughput || wait.Until.After(deadline) || a.pendingStep.Sent != nil {
			return err
		}

		e.sleep(ctx, max(wait.Until.Sub(e.Clock.Now()), time.Millisecond), nil)

		if ctx.Err() != nil {
			return fmt.Errorf("wait for the phone number's throughput: %w", ctx.Err())
		}

		if e.Clock.Now().After(deadline) {
			return err
		}
	}
}
