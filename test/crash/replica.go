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
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/probe"
)

// stopTimeout bounds the shutdown of a replica.
const stopTimeout = 2 * time.Minute

// replica is one receiver's process.
type replica struct {
	number int // from 1
	child  *child.Receiver
	ledger *ledger

	mu      sync.Mutex
	started bool // ever
	up      bool // the replica is not known to be down
}

// fleet are the replicas that share a store.
type fleet []*replica

// pick returns the address of a random replica, or "" while all are known to be down. It may pick a stalled replica, which
// looks alive from outside.
func (f fleet) pick(rng *rand.Rand) *replica {
	var up []*replica
	for _, r := range f {
		r.mu.Lock()
		if r.up {
			up = append(up, r)
		}
		r.mu.Unlock()
	}

	if len(up) == 0 {
		return nil
	}

	return up[rng.IntN(len(up))]
}

// inject causes the incidents one after another until ctx ends. A process that ends by itself, does not start or does not
// stop is an error.
func (r *replica) inject(ctx context.Context, incidents []incident) error {
	for _, i := range incidents {
		if !probe.Sleep(ctx, i.after) {
			return nil
		}

		if err := r.cause(ctx, i); err != nil && ctx.Err() == nil {
			return fmt.Errorf("replica %d: %w", r.number, err)
		}
	}

	return nil
}

func (r *replica) cause(ctx context.Context, i incident) error {
	if err := r.child.Signal(syscall.Signal(0)); err != nil {
		return fmt.Errorf("it ended by itself: %w", err)
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

	probe.Sleep(ctx, i.lasts)

	if i.early > 0 {
		starting, cancel := context.WithTimeout(ctx, i.early)
		err := r.child.Start(starting) // kills the process when the time is up

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

	r.up = true

	return nil
}

// running reports whether the process exists, stalled or not.
func (r *replica) running() bool {
	r.mu.Lock()
	defer r.mu.Unlock()

	return r.started && r.child.Signal(syscall.Signal(0)) == nil
}

func (r *replica) down() {
	r.mu.Lock()
	defer r.mu.Unlock()

	r.up = false
}

func (r *replica) kill() error {
	from := time.Now()
	err := r.child.Kill()
	r.down()
	r.ledger.recordIncident(killed, r.number, from)

	return err
}

func (r *replica) stall(ctx context.Context, lasts time.Duration) error {
	from := time.Now()
	err := r.child.Signal(syscall.SIGSTOP)

	probe.Sleep(ctx, lasts)

	err = errors.Join(err, r.child.Signal(syscall.SIGCONT))
	r.ledger.recordIncident(stalled, r.number, from)

	return err
}

// stop ends the process as Kubernetes does: first its address is withdrawn, then it gets SIGTERM.
func (r *replica) stop(ctx context.Context) error {
	r.down()

	from := time.Now()

	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()

	err := r.child.Stop(ctx)
	r.ledger.recordIncident(restarted, r.number, from)

	return err
}
