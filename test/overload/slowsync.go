// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/test/pgtest"
)

// syncDelays are added to each fsync.
var syncDelays = []time.Duration{0, 10 * time.Millisecond, 50 * time.Millisecond}

// syncConnections are the numbers of connections that deliver at the same time.
var syncConnections = []int{64, 240}

// slowSync measures throughput on a disk with slow fsync. Deliveries that wait share the next fsync, so throughput must not
// collapse. strace delays the system calls of the receiver or of its database. It slows everything else down as well, so
// the baseline runs under strace, too.
func slowSync(ctx context.Context, t trial) ([]finding, error) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		return nil, fmt.Errorf("strace, which delays fsync, is not installed: apt-get install strace: %w", err)
	}

	var findings []finding
	for _, delay := range syncDelays {
		slowed, err := t.slowed(ctx, strace, delay)
		if err != nil {
			return nil, fmt.Errorf("fsync slower by %s: %w", delay, err)
		}

		findings = append(findings, slowed...)
	}

	return findings, nil
}

func (t trial) slowed(ctx context.Context, strace string, delay time.Duration) (_ []finding, err error) {
	dir, err := os.MkdirTemp("", "overload-strace-")
	if err != nil {
		return nil, fmt.Errorf("create folder of wrapped programs: %w", err)
	}
	defer os.RemoveAll(dir)

	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // the database runs as another user
		return nil, err
	}

	wrap := fmt.Sprintf("exec %s -D -f -qqq --seccomp-bpf -o /dev/null -e trace=fsync,fdatasync -e inject=fsync,fdatasync:delay_enter=%d -- ", strace, delay.Microseconds())
	if t.engine == postgresql {
		if err := wrapPrograms(dir, wrap); err != nil {
			return nil, err
		}

		path := os.Getenv("PATH")
		if err := os.Setenv("PATH", dir+":"+path); err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, os.Setenv("PATH", path)) }()
	} else {
		if err := script(dir, "receiver", wrap+t.binary); err != nil {
			return nil, err
		}

		t.binary = filepath.Join(dir, "receiver")
	}

	s, err := launch(ctx, t.settings)
	if err != nil {
		return nil, err
	}

	defer func() { err = errors.Join(err, s.close()) }()

	findings, err := s.measureSlowed(ctx, t, delay)
	if err != nil {
		return nil, err
	}

	found, err := s.finish(ctx)
	if err != nil {
		return nil, err
	}

	return append(findings, check("  acknowledged messages", found.String(), "none", found.lost+found.unprocessed+found.unanswered+found.duplicates == 0)), nil
}

// wrapPrograms writes the programs of PostgreSQL to a folder, with the server under strace.
func wrapPrograms(dir, wrap string) error {
	programs, err := pgtest.Programs()
	if err != nil {
		return err
	}

	if err := script(dir, "initdb", "exec "+filepath.Join(programs, "initdb")); err != nil {
		return err
	}

	return script(dir, "postgres", wrap+filepath.Join(programs, "postgres"))
}

// measureSlowed measures the load that a receiver with a slow fsync takes.
func (s *subject) measureSlowed(ctx context.Context, t trial, delay time.Duration) ([]finding, error) {
	var findings []finding

	for _, connections := range syncConnections {
		progress("fsync slower by %s, %d connections", delay, connections)

		probing, cancel := context.WithTimeout(ctx, t.probe)
		under := s.load(ctx, closedLoop(probing, from(s.ledger.written.Load())), connections, 0)

		cancel()

		findings = append(findings,
			info(fmt.Sprintf("fsync slower by %s, %d connections", delay, connections), "%.0f deliveries/s, p50 %s, p99 %s, %d refused", float64(len(under.took))/under.elapsed.Seconds(),
				short(percentile(under.took, 0.5)), short(percentile(under.took, 0.99)), len(under.refused)),
			zero("  answered neither 200 nor 503", under.unexplained()))

		if err := s.Child.WaitProcessed(ctx); err != nil {
			return nil, err
		}
	}

	return findings, nil
}

// script writes a program that runs a command with its own arguments.
func script(dir, name, command string) error {
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+command+" \"$@\"\n"), 0o755); err != nil { //nolint:gosec // a program
		return fmt.Errorf("wrap %s: %w", name, err)
	}

	return nil
}
