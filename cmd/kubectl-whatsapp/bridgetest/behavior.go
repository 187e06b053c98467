// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package bridgetest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
)

const (
	// concurrent is how many requests are sent at the same time.
	concurrent = 8
	// serialShare is how much of the time of sequential requests concurrent ones may take before they count as serialized.
	// Below noticeable, the time of one request is too short to measure that.
	serialShare = 0.75
	noticeable  = 50 * time.Millisecond
	// slowAnswer is the time after which an answer counts as slow.
	slowAnswer = 20 * time.Second
)

// repeatedKey repeats a request, and then sends another text with the same Idempotency-Key. The first shows how the bridge
// treats a real repetition. Only the second shows whether the bridge recognizes the key, or merely answers equal texts
// equally.
func (t *tester) repeatedKey(ctx context.Context, check *Check) {
	request := t.person.text("hola 1")

	first := t.ask(ctx, t.with(nil), request, &trace{})
	first.show(check)

	if first.fault != nil {
		t.recordFault(check, first)
		return
	}

	request.Attempt = 2
	again := t.ask(ctx, t.with(nil), request, &trace{})

	const fix = "Keep the answer under the Idempotency-Key, and repeat it: a request is sent again after a timeout or a crash."

	if again.fault != nil && again.call.status != http.StatusConflict {
		again.show(check)
		check.note(Failure, "the repetition of a request is refused: "+again.fault.Text, fix)

		return
	}

	if again.fault == nil && !sameBody(first.call.body, again.call.body) {
		again.show(check)
		check.note(Failure, "the repetition of a request gets a different answer: a person could get two answers", fix)

		return
	}

	other := t.ask(ctx, t.with(nil), request, &trace{change: func(body map[string]json.RawMessage) {
		body["text"] = json.RawMessage(`"hola 2"`)
	}})
	if other.fault == nil && !sameBody(first.call.body, other.call.body) {
		other.show(check)
		check.note(Warning, "the bridge processes a request with a known Idempotency-Key again: what it does for a message, such as an order, happens twice", fix)
	}
}

// sameBody reports whether two bodies are equal, as JSON if both are.
func sameBody(a, b []byte) bool {
	var x, y any
	if json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil {
		return reflect.DeepEqual(x, y)
	}

	return bytes.Equal(a, b)
}

// concurrentRequests asks about several messages at the same time.
func (t *tester) concurrentRequests(ctx context.Context, check *Check) {
	requests := make([]assistant.Request, concurrent)
	for i := range requests {
		requests[i] = t.person.text(fmt.Sprintf("hola, at once %d", i))
	}

	replies := make([]reply, concurrent)
	startedAt := time.Now()

	var asking sync.WaitGroup
	for i, request := range requests {
		asking.Go(func() { replies[i] = t.ask(ctx, t.with(nil), request, &trace{}) })
	}

	asking.Wait()

	took := time.Since(startedAt)
	failed := slices.DeleteFunc(slices.Clone(replies), func(r reply) bool { return r.fault == nil })

	if len(failed) > 0 {
		failed[0].show(check)
		check.note(Failure, fmt.Sprintf("%d of %d requests that are sent at the same time fail: %s", len(failed), concurrent, failed[0].fault.Text),
			t.fix(failed[0]))

		return
	}

	check.note(OK, fmt.Sprintf("%d at the same time, all answered within %d ms", concurrent, took.Milliseconds()), "")

	alone := time.Duration(newLatency(t.times).MedianMilliseconds) * time.Millisecond
	if alone >= noticeable && float64(took) > serialShare*concurrent*float64(alone) {
		check.note(Warning, "the bridge answers one request after the other, so that people wait for each other",
			"Serve requests at the same time: more workers or threads.")
	}
}
