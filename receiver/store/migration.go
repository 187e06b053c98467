// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import "fmt"

// Migration is the progress of a migration of the store to a newer schema.
type Migration struct {
	Step int // that is in progress, from 1
	Of   int
}

// MigratingError means that the store cannot be used before its migration has ended.
type MigratingError struct{ Migration }

// Error says which step is in progress. The steps are not known to a receiver that waits for another one.
func (e *MigratingError) Error() string {
	if e.Of == 0 {
		return "another receiver migrates the store"
	}

	return fmt.Sprintf("migrating the store: step %d of %d", e.Step, e.Of)
}
