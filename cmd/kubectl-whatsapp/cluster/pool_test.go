// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"fmt"
	"testing"
)

func TestPoolIsBounded(t *testing.T) {
	pool := (&Cluster{}).NewPool()
	defer pool.Close()

	first := pool.Forward("shop", "0")
	second := pool.Forward("shop", "1")

	for i := 2; i < maxForwards; i++ {
		pool.Forward("shop", fmt.Sprint(i))
	}

	if pool.Forward("shop", "0") != first {
		t.Error("a forward that is open was not used again")
	}

	pool.Forward("shop", "one more") // in the place of 1, which was not used for the longest time

	if len(pool.open) != maxForwards || pool.Forward("shop", "0") != first || pool.Forward("shop", "1") == second {
		t.Errorf("the pool has %d forwards, want %d with the used ones", len(pool.open), maxForwards)
	}
}
