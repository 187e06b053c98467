// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

// verifyOrder checks that the requests to Bird and the replies are in the order of each person's messages. A repeated reply
// counts by its first send. No message is a second question to Bird.
func (r *result) verifyOrder(l *ledger) {
	asked := map[int]int{}

	questions := map[*message]bool{}
	for _, m := range l.asked {
		if questions[m] {
			r.secondQuestions++
			r.violate("Bird was asked about %s again, as a new question", m)
		}

		questions[m] = true

		if m.Number < asked[m.Person] {
			r.disorder++
			r.violate("Bird was asked about %s after message %d", m, asked[m.Person])
		}

		asked[m.Person] = max(asked[m.Person], m.Number)
	}

	type position struct{ number, part int }

	sent := map[int]position{}

	seen := map[string]bool{}
	for _, s := range l.accepted {
		of := l.reply(s)

		part := of.part

		m := of.message
		if m == nil || seen[s.Callback] {
			continue
		}

		seen[s.Callback] = true

		last := sent[m.Person]
		if m.Number < last.number || (m.Number == last.number && part < last.part) {
			r.disorder++
			r.violate("reply %d to %s was sent after reply %d to message %d", part, m, last.part, last.number)

			continue
		}

		sent[m.Person] = position{m.Number, part}
	}
}
