// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import "sync"

const (
	// maxAnswers and maxAnswerBytes bound the answers kept for repetition, the oldest giving way.
	maxAnswers     = 10_000
	maxAnswerBytes = 32 << 20
)

type keyState int

const (
	keyNew keyState = iota
	keyInProgress
	keyAnswered
)

// answerMemory keeps answers by Idempotency-Key. The zero value is empty and ready.
type answerMemory struct {
	mu       sync.Mutex
	running  map[string]struct{}
	answered map[string]encodedAnswer
	order    []string
	bytes    int
}

// begin looks a key up and, where it is new, marks it as in progress. A call with no key is always new.
func (m *answerMemory) begin(key string) (encodedAnswer, keyState) {
	if key == "" {
		return encodedAnswer{}, keyNew
	}

	m.mu.Lock()
	defer m.mu.Unlock()

	if answer, found := m.answered[key]; found {
		return answer, keyAnswered
	}

	if _, found := m.running[key]; found {
		return encodedAnswer{}, keyInProgress
	}

	if m.running == nil {
		m.running = map[string]struct{}{}
		m.answered = map[string]encodedAnswer{}
	}

	m.running[key] = struct{}{}

	return encodedAnswer{}, keyNew
}

// finish keeps the answer of a key that begin called new.
func (m *answerMemory) finish(key string, answer encodedAnswer) {
	if key == "" {
		return
	}

	m.mu.Lock()
	defer m.mu.Unlock()

	delete(m.running, key)
	m.answered[key] = answer
	m.order = append(m.order, key)

	m.bytes += len(answer.body)
	for len(m.order) > maxAnswers || m.bytes > maxAnswerBytes {
		m.bytes -= len(m.answered[m.order[0]].body)
		delete(m.answered, m.order[0])
		m.order[0] = ""
		m.order = m.order[1:]
	}
}

// release ends a key in progress that got no answer, so that the next call with it is new again.
func (m *answerMemory) release(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()

	delete(m.running, key)
}
