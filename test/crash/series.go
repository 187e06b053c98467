// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/wawebhook/whatsapp-webhook-operator/test/pgtest"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/child"
)

// maxRepeats bounds the second replies that are listed.
const maxRepeats = 5

// runAll runs trials one after another and prints their results. Without a dir, the files of the trials stay only after a
// violation.
func runAll(ctx context.Context, out io.Writer, dir string, trials []*trial) (ok bool, err error) {
	temporary := dir == ""
	if temporary {
		if dir, err = os.MkdirTemp("", "whatsapp-webhook-crash-"); err != nil {
			return false, fmt.Errorf("create folder of the trial: %w", err)
		}
	}
	defer func() {
		if !ok {
			fmt.Fprintln(out, "stores, logs and records are in", dir)
		} else if temporary {
			os.RemoveAll(dir)
		}
	}()

	binary, err := child.Build(ctx, dir)
	if err != nil {
		return false, err
	}

	server, err := pgtest.Start(ctx, pgtest.Options{})
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, server.Close()) }()

	ok = true

	var results []*result
	defer func() { err = errors.Join(err, tabulate(out, results)) }() // even after a trial that could not be run

	for i, t := range trials {
		t.binary = binary
		t.dir = filepath.Join(dir, fmt.Sprintf("%d-%s-%d", i+1, t.name(), t.replicas))
		t.progress = func(line string) { fmt.Fprintln(out, line) }

		r, err := runOne(ctx, out, server, t)
		if err != nil {
			return false, fmt.Errorf("%s, %d replicas: %w", t.name(), t.replicas, err)
		}

		results = append(results, r)
		ok = ok && r.passed()
	}

	return ok, nil
}

func runOne(ctx context.Context, out io.Writer, server *pgtest.Server, t *trial) (*result, error) {
	fmt.Fprintf(out, "%s, %d replicas, %d kills and %d outages of Bird within %s, later answers: %t, no statuses for %.0f%% of the sends, seed %d\n",
		t.name(), t.replicas, t.kills, t.outages, t.span, t.later, 100*t.withoutStatuses, t.seed)

	if err := os.Mkdir(t.dir, 0o700); err != nil {
		return nil, fmt.Errorf("create folder of the trial: %w", err)
	}

	if !t.embedded {
		user, err := server.NewUser()
		if err != nil {
			return nil, err
		}

		t.database = user.URL
	}

	r, err := t.run(ctx)
	if err != nil {
		return nil, err
	}

	if t.withoutStatuses == 0 {
		for _, again := range r.repeats[:min(len(r.repeats), maxRepeats)] {
			fmt.Fprintln(out, "  SECOND REPLY, status too late:", again)
		}
	}

	for _, v := range r.violations {
		fmt.Fprintln(out, "  VIOLATION:", v)
	}

	if r.more > 0 {
		fmt.Fprintf(out, "  and %d more violations\n", r.more)
	}

	return r, nil
}

// passed reports whether every promise held. If Meta delivers every status in time, no reply is sent twice.
func (r *result) passed() bool {
	return len(r.violations) == 0 && (r.trial.withoutStatuses > 0 || r.allowed == 0)
}

// tabulate prints one column a trial.
func tabulate(out io.Writer, results []*result) error {
	if len(results) == 0 {
		return nil
	}

	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, line := range []struct {
		name  string
		value func(*result) any
	}{
		{"store", func(r *result) any { return r.trial.name() }},
		{"replicas", func(r *result) any { return r.trial.replicas }},
		{"sends without statuses", func(r *result) any { return fmt.Sprintf("%.0f%%", 100*r.trial.withoutStatuses) }},
		{"answered later", func(r *result) any { return r.trial.later }},
		{"kills", func(r *result) any { return r.figures.kills }},
		{"stalls", func(r *result) any { return r.figures.stalls }},
		{"restarts", func(r *result) any { return r.figures.restarts }},
		{"outages of Bird", func(r *result) any { return r.figures.outages }},
		{"calls of Bird in them", func(r *result) any { return r.figures.callsDuringOutages }},
		{"messages offered", func(r *result) any { return r.offered }},
		{"acknowledged", func(r *result) any { return r.acknowledged }},
		{"stored", func(r *result) any { return r.stored }},
		{"answered", func(r *result) any { return r.answered }},
		{"redeliveries", func(r *result) any { return r.redeliveries }},
		{"later answers awaited at a kill", func(r *result) any { return r.figures.owedAtKill }},
		{"sends accepted", func(r *result) any { return r.figures.accepted }},
		{"sends open at a kill", func(r *result) any { return r.inFlight }},
		{"accepted, outcome unknown", func(r *result) any { return r.unconfirmed }},
		{"of them resolved by a status", func(r *result) any { return r.resolved }},
		{"second replies, allowed", func(r *result) any { return r.allowed }},
		{"of them after a takeover", func(r *result) any { return r.takenOver }},
		{"second replies, forbidden", func(r *result) any { return r.forbidden }},
		{"second questions", func(r *result) any { return r.secondQuestions }},
		{"order violations", func(r *result) any { return r.disorder }},
		{"lost", func(r *result) any { return r.lost }},
		{"violations in all", func(r *result) any { return len(r.violations) + r.more }},
		{"seconds", func(r *result) any { return fmt.Sprintf("%.0f", r.seconds) }},
	} {
		fmt.Fprint(w, line.name, "\t")

		for _, r := range results {
			fmt.Fprint(w, line.value(r), "\t")
		}

		fmt.Fprintln(w)
	}

	return w.Flush()
}
