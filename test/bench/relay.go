// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"syscall"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
)

// installRelay builds the program that makes the calls of a turn and does nothing else.
func installRelay(ctx context.Context, dir string) (program, error) {
	binary := filepath.Join(dir, "relay")
	_, err := output(ctx, tree, "go", "build", "-o", binary, "./"+peersFolder+"/relay")

	return program{name: "relay", command: []string{binary}}, err
}

// measureRelay measures a minute of the relay, without the flooded number.
func (t traffic) measureRelay(ctx context.Context, relay program) (_ figure, err error) {
	progress("numbers: the same minute without a receiver, %d messages/s", t.rate)

	t.flood = 0
	steady := t.rate * int(manyLasts.Seconds())

	p, err := newPeople("", config.Config{}, nil, steady, manyThinks)
	if err != nil {
		return figure{}, err
	}

	defer func() { err = errors.Join(err, p.end()) }()

	m := newMinute(p, t, steady)

	s, err := relay.start(ctx, p.GraphURL(), "AI_URL="+p.BirdURL())
	if err != nil {
		return figure{}, err
	}
	defer s.stop()

	if err := m.deliver(ctx, s.address); err != nil {
		return figure{}, err
	}

	spent, err := s.end(ctx)
	if err != nil {
		return figure{}, err
	}

	if n := p.unanswered.Load(); n > 0 {
		return figure{}, fmt.Errorf("%d messages have no answer", n)
	}

	return figure{
		name:     "  the same by net/http and encoding/json alone, which stores nothing",
		measured: (spent / time.Duration(steady)).Round(time.Microsecond).String(),
		verdict:  baseLine,
	}, nil
}

// end asks the process to end, and returns its processor time once it has ended.
func (s *server) end(ctx context.Context) (time.Duration, error) {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return 0, fmt.Errorf("end the process: %w", err)
	}

	select {
	case <-s.ended:
	case <-ctx.Done():
		return 0, fmt.Errorf("end the process: %w", ctx.Err())
	}

	if state := s.cmd.ProcessState; !state.Success() {
		return 0, fmt.Errorf("the process ended with %s\n%s", state, s.printed.String())
	}

	return s.cmd.ProcessState.UserTime() + s.cmd.ProcessState.SystemTime(), nil
}
