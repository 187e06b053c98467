// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"errors"
	"fmt"
)

// The jobs that one leader does for all receivers that share a store.
const (
	JobSubscription = "subscription" // keeps the webhook subscription at Meta as configured; publishes its findings
	JobRetention    = "retention"    // purges events past their retention
)

// MaxLeaderState is the maximum size of the state that a leader publishes, in bytes.
const MaxLeaderState = 16 << 10

// ValidateLeadership returns an error if the job or the holder has no name, or if the state is too large.
func ValidateLeadership(job, holder string, state []byte) error {
	switch {
	case job == "":
		return errors.New("the job has no name")
	case holder == "":
		return errors.New("the holder of the job has no name")
	case len(state) > MaxLeaderState:
		return fmt.Errorf("the leader's state has %d bytes, the limit is %d", len(state), MaxLeaderState)
	}

	return nil
}
