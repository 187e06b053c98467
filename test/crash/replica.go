// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"syscall"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/child"
)

// stopTimeout is how long a replica may take to end in good order.
const stopTimeout = 30 * time.Second

// replica is one receiver's process, and what befalls it.
type replica struct {
	number int // from 1
	child  *child.Receiver
	ledger *ledger

	mu      sync.Mutex
	started bool   // ever
	url     string // where it takes deliveries; empty while it is known to be down
}

// fleet are the replicas that share a store.
type fleet []*replica

// pick returns where one of the replicas takes deliveries, or "" while all are known to be down. One that is stalled
// may be picked: nobody knows.
func (f fleet) pick(rng *rand.Rand) string {
	var up []string
	for _, r := range f {
		r.mu.Lock()
		if r.url != "" {
			up = append(up, r.url)
		}
		r.mu.Unlock()
	}

	if len(up) == 0 {
		return ""
	}

	return up[rng.IntN(len(up))]
}

// suffer lets the incidents happen, one after another, until ctx ends. It is an error when the process ends by itself,
// does not start or does not stop.
func (r *replica) suffer(ctx context.Context, incidents []incident) error {
	for _, i := range incidents {
		if !pause(ctx, i.after) {
			return nil
		}

		if err := r.meet(ctx, i); err != nil && ctx.Err() == nil {
			return fmt.Errorf("replica %d: %w", r.number, err)
		}
	}

	return nil
}

func (r *replica) meet(ctx context.Context, i incident) error {
	if err := r.child.Signal(syscall.Signal(0)); err != nil {
		return fmt.Errorf("it has ended by itself: %w", err)
	}

	switch i.kind {
	case stalled:
		return r.stall(ctx, i.lasts)
	case restarted:
		if err := r.stop(ctx); err != nil {
			return err
		}
	case killed:
		if err := r.kill(); err != nil {
			return err
		}
	}

	pause(ctx, i.lasts)

	if i.early > 0 {
		starting, cancel := context.WithTimeout(ctx, i.early)
		err := r.child.Start(starting) // which kills it when the time is up

		cancel()

		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return err
		}

		if err := r.kill(); err != nil {
			return err
		}
	}

	return r.start(ctx)
}

func (r *replica) start(ctx context.Context) error {
	r.mu.Lock()
	r.started = true
	r.mu.Unlock()

	if err := r.child.Start(ctx); err != nil {
		return err
	}

	r.mu.Lock()
	defer r.mu.Unlock()

	r.url = r.child.WebhookURL()

	return nil
}

// running tells whether there is a process, stalled or not.
func (r *replica) running() bool {
	r.mu.Lock()
	defer r.mu.Unlock()

	return r.started && r.child.Signal(syscall.Signal(0)) == nil
}

func (r *replica) down() {
	r.mu.Lock()
	defer r.mu.Unlock()

	r.url = ""
}

func (r *replica) kill() error {
	from := time.Now()
	err := r.child.Kill()
	r.down()
	r.ledger.happened(killed, r.number, from)

	return err
}

func (r *replica) stall(ctx context.Context, lasts time.Duration) error {
	from := time.Now()
	err := r.child.Signal(syscall.SIGSTOP)

	pause(ctx, lasts)

	err = errors.Join(err, r.child.Signal(syscall.SIGCONT))
	r.ledger.happened(stalled, r.number, from)

	return err
}

// stop ends the process as Kubernetes does: nothing is sent to it any more, and then it is asked to end.
func (r *replica) stop(ctx context.Context) error {
	r.down()

	from := time.Now()

	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()

	err := r.child.Stop(ctx)
	r.ledger.happened(restarted, r.number, from)

	return err
}

// pause waits, and tells whether ctx was there all the time.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()

	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
