// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/wawebhook/whatsapp-webhook-operator/test/pgtest"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/checkout"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/child"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestCrash runs short trials.
func TestCrash(t *testing.T) {
	checkout.DependOn(t)

	binary, err := child.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}

	server := pgtest.New(t, pgtest.Options{})
	for _, tc := range []struct {
		name     string
		embedded bool
		replicas int
		stalls   int
		later    bool
	}{
		{name: "embedded", embedded: true, replicas: 1},
		{name: "PostgreSQL", replicas: 1},
		{name: "PostgreSQL, three replicas", replicas: 3, stalls: 2},
		{name: "embedded, later answers", embedded: true, replicas: 1, later: true},
		{name: "PostgreSQL, two replicas, later answers", replicas: 2, stalls: 1, later: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()

			short := trial{
				embedded:     tc.embedded,
				replicas:     tc.replicas,
				later:        tc.later,
				kills:        6,
				stalls:       tc.stalls,
				outages:      1,
				span:         8 * time.Second,
				seed:         1,
				people:       20,
				rate:         30,
				lease:        time.Second,
				window:       4 * time.Second,
				longestStall: 2 * time.Second,

				longestOutage: shortestOutage,
				binary:        binary,
				dir:           t.TempDir(),
				progress:      func(line string) { t.Log(line) },
			}
			if !tc.embedded {
				user, err := server.NewUser()
				if err != nil {
					t.Fatal(err)
				}

				short.database = user.URL
			}

			r, err := short.run(t.Context())
			if err != nil {
				t.Fatal(err)
			}

			for _, v := range r.violations {
				t.Error(v)
			}

			if r.figures.kills != short.kills || r.acknowledged == 0 || r.figures.stalls != tc.stalls || r.figures.outages != short.outages {
				t.Errorf(
					"%d kills, %d stalls, %d outages and %d acknowledged messages are not the planned trial",
					r.figures.kills,
					r.figures.stalls,
					r.figures.outages,
					r.acknowledged,
				)
			}

			if tc.later != (r.figures.owedAtKill > 0) {
				t.Errorf("%d later answers were awaited at the kills", r.figures.owedAtKill)
			}

			var table strings.Builder
			if err := tabulate(&table, []*result{r}); err != nil {
				t.Error(err)
			}

			t.Log("\n" + table.String())
		})
	}
}

func TestPlanIsRepeatable(t *testing.T) {
	one := trial{seed: 7}

	const span = time.Minute

	first := plan(one.random(ofReplicas), 20, 5, 3, 2*time.Second, 6*time.Second, span)
	again := plan(one.random(ofReplicas), 20, 5, 3, 2*time.Second, 6*time.Second, span)
	kills := 0
	stalls := 0

	restarts := 0
	for i, in := range first {
		if in != again[i] {
			t.Fatalf("incident %d is %+v, and then %+v", i, in, again[i])
		}

		switch in.kind {
		case killed:
			if kills++; in.early > 0 {
				kills++
			}
		case stalled:
			if stalls++; in.lasts < 2500*time.Millisecond || in.lasts > 6*time.Second {
				t.Errorf("a stall lasts %s", in.lasts)
			}
		case restarted:
			restarts++
		}
	}

	if kills != 20 || stalls != 5 || restarts != 3 {
		t.Errorf("%d kills, %d stalls, %d restarts are planned", kills, stalls, restarts)
	}
}

func TestOutagesFailInEveryManner(t *testing.T) {
	one := trial{seed: 7}

	const (
		longest = 8 * time.Second
		span    = 2 * time.Minute
	)

	names := map[string]bool{}

	var total time.Duration
	for _, o := range planOutages(one.random(ofOutages), len(manners), longest, span) {
		names[o.manner.name] = true
		total += o.after + o.lasts

		if o.lasts < shortestOutage || o.lasts > longest {
			t.Errorf("an outage lasts %s", o.lasts)
		}

		if err := o.manner.fault.Validate(); err != nil {
			t.Error(err)
		}
	}

	if len(names) != len(manners) || total > span {
		t.Errorf("%d manners within %s are planned", len(names), total)
	}
}
