// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"
)

func (t *peerTrial) figures() []figure {
	figures := append(
		[]figure{{
			name:     fmt.Sprintf("%d connections, deliveries/s: %s", pathConnections, t.ceiling.name),
			measured: thousands(int(median(t.ceiling.loads).perSecond)),
			verdict:  baseLine,
		}},
		delays(median(t.ceiling.loads))...,
	)

	for _, w := range t.stored {
		figures = append(figures, w.figures(t.ceiling.loads)...)
	}

	for i, r := range t.others {
		f := r.figure()
		if r.skipped == nil {
			ratio := ratioOf(t.stored[0].loads(), r.loads)
			f.ratio = times(ratio)

			if i == 0 {
				f.target = fmt.Sprintf("receiver >= %d times", guideTimes)
				f.verdict = verdict(ratio >= guideTimes)
			}
		}

		figures = append(figures, f)
	}

	return append(figures, t.answerFigures()...)
}

// figures compares the receiver with the ceiling.
func (w *worker) figures(ceiling []loadResult) []figure {
	done := w.median()
	ratio := ratioOf(w.loads(), ceiling)

	figures := append(
		[]figure{{
			name:     "receiver at work, durable, " + w.name,
			measured: thousands(int(done.perSecond)),
			target:   fmt.Sprintf(">= %.1f of base", w.target),
			ratio:    times(ratio),
			verdict:  verdict(ratio >= w.target),
		}},
		delays(done.loadResult)...,
	)

	return append(
		figures,
		figure{name: "  deliveries answered 503 and repeated", measured: thousands(int(shedIn(w.loads())))},
		figure{
			name:     "  events finished/s, while deliveries arrive and until none is pending",
			measured: thousands(int(done.meanwhile)) + ", " + thousands(int(done.finished)),
		},
		figure{name: "  processor time of the receiver per delivery", measured: done.processor.String()},
	)
}

// answerFigures compares the bot with the receiver's whole path.
func (t *peerTrial) answerFigures() []figure {
	bot := t.bot.figure()
	if t.bot.skipped != nil {
		return []figure{bot}
	}

	path := pathCase{runs: t.answers}
	rate := path.median().perSecond
	bot.ratio = times(rate / median(t.bot.loads).perSecond)

	return []figure{
		{
			name:     "whole path, messages/s: receiver, embedded store, asks an AI",
			measured: thousands(int(rate)),
		},
		bot,
	}
}

// figure returns the rate of a server, or why it was not measured.
func (r *rival) figure() figure {
	if r.skipped != nil {
		return figure{name: r.name, measured: "skipped: " + strings.ReplaceAll(r.skipped.Error(), "\n", "; ")}
	}

	return figure{name: r.name, measured: thousands(int(median(r.loads).perSecond))}
}

// delays returns the figures of the time from a delivery to its acknowledgement.
func delays(l loadResult) []figure {
	return []figure{
		{name: "  time to the answer, p50", measured: short3(l.p50)},
		{name: "  time to the answer, p99", measured: short3(l.p99)},
	}
}
