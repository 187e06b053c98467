// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestFiguresOfPeers(t *testing.T) {
	at := func(perSecond float64) loadResult {
		return loadResult{perSecond: perSecond, p50: time.Millisecond, p99: 2 * time.Millisecond}
	}
	rounds := func(perSecond ...float64) (loads []loadResult) {
		for _, rate := range perSecond {
			loads = append(loads, at(rate))
		}

		return loads
	}
	working := func(perSecond ...float64) (works []work) {
		for _, rate := range perSecond {
			works = append(works, work{
				loadResult: at(rate),
				meanwhile:  rate / 2,
				finished:   rate / 4,
				processor:  time.Microsecond,
			})
		}

		return works
	}

	trial := &peerTrial{
		ceiling: &rival{program: program{name: "ceiling"}, loads: rounds(10_000, 20_000, 12_000)},
		stored: []*worker{
			{name: "fast", target: 0.5, works: working(6_000, 8_000, 7_200)},
			{name: "slow", target: 0.4, works: working(1_000, 2_000, 1_200)},
		},
		others: []*rival{
			{program: program{name: "guide"}, loads: rounds(1_000, 2_000, 1_800)},
			{program: program{name: "other"}, skipped: errors.New("no node")},
		},
		bot:     &rival{program: program{name: "bot"}, loads: rounds(500, 600, 700)},
		answers: []pathRun{{perSecond: 3_000}, {perSecond: 1_000}, {perSecond: 1_200}},
	}

	got := map[string]string{}
	for _, f := range trial.figures() {
		got[f.name] += strings.Join([]string{f.measured, f.target, f.ratio, f.verdict}, "|") + "\n"
	}

	want := map[string]string{
		"64 connections, deliveries/s: ceiling":                                  "12,000|||base line\n",
		"receiver at work, durable, fast":                                        "7,200|>= 0.5 of base|0.60|met\n",
		"receiver at work, durable, slow":                                        "1,200|>= 0.4 of base|0.10|missed\n",
		"  time to the answer, p50":                                              strings.Repeat("1ms|||\n", 3),
		"  time to the answer, p99":                                              strings.Repeat("2ms|||\n", 3),
		"  deliveries answered 503 and repeated":                                 "0|||\n0|||\n",
		"  processor time of the receiver per delivery":                          "1µs|||\n1µs|||\n",
		"  events finished/s, while deliveries arrive and until none is pending": "3,600, 1,800|||\n600, 300|||\n",
		"guide": "1,800|receiver >= 4 times|4.00|met\n",
		"other": "skipped: no node|||\n",
		"whole path, messages/s: receiver, embedded store, asks an AI": "1,200|||\n",
		"bot": "600||2.00|\n",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("figures (-want +got):\n%s", diff)
	}
}
