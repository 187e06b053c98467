// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

const (
	// startTimeout bounds the wait for the caches. A missing right does not delay them.
	startTimeout = 2 * time.Minute
	// gracefulShutdown leaves time within the pod's grace period of 10 seconds to give the lease up.
	gracefulShutdown = 7 * time.Second
	// stopTimeout is how long after the signal the process ends at the latest.
	stopTimeout = 9 * time.Second
)

// start runs the manager until ctx ends, or the caches do not sync in time. It returns within stopTimeout after the end of
// ctx, even if run does not: while caches wait for their first objects, a manager of controller-runtime v0.25 loops instead
// of ending.
func start(ctx context.Context, run func(context.Context) error, caches cacheState) error {
	ended := make(chan error, 1)
	go func() { ended <- run(ctx) }()

	timeout := time.NewTimer(startTimeout)
	defer timeout.Stop()

	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return stop(ended, caches)
	case <-timeout.C:
		if unsynced := caches.Unsynced(); len(unsynced) > 0 {
			return fmt.Errorf("caches did not sync within %s: %s; see whether the API server answers, and whether the "+
				"stored objects can be read", startTimeout, strings.Join(unsynced, ", "))
		}
	}

	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return stop(ended, caches)
	}
}

// stop waits for the end of a manager whose context has ended.
func stop(ended <-chan error, caches cacheState) error {
	if len(caches.Unsynced()) > 0 {
		return nil // nothing has been reconciled, and nothing is to be given up
	}

	select {
	case err := <-ended:
		return err
	case <-time.After(stopTimeout):
		return errors.New("the manager did not end in time after the signal")
	}
}
