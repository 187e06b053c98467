// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import "sync"

const (
	// maxAnswers and maxAnswerBytes bound the stored answers; the oldest are evicted first.
	maxAnswers     = 10_000
	maxAnswerBytes = 32 << 20
)

type keyState int

const (
	keyNew keyState = iota
	keyInProgress
	keyAnswered
)

// answerMemory stores answers by Idempotency-Key. The zero value is ready to use.
type answerMemory struct {
	mu       sync.Mutex
	running  map[string]struct{}
	answered map[string]encodedAnswer
	order    []string
	bytes    int
}

// begin looks up a key and marks a new one as in progress. A call without a key is always new.
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

// finish stores the answer of a key for which begin returned keyNew.
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

// release removes a key in progress that got no answer, so the next call with it is new again.
func (m *answerMemory) release(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()

	delete(m.running, key)
}
