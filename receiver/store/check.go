// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"errors"
)

// ErrCheckAborted means that a check was ended so that it does not harm the store. It may be repeated later.
var ErrCheckAborted = errors.New("the check was aborted, since many events arrived meanwhile")

// Checker is implemented by an engine that can check its file for damage.
type Checker interface {
	// Check reads the entire store beside other calls, which takes minutes for a large one, and describes the damage that
	// it finds, at most MaxDamages. The descriptions contain no personal data.
	Check(ctx context.Context) (damages []string, err error)
}

// MaxDamages limits the result of [Checker].
const MaxDamages = 100
