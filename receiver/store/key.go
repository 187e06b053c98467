// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"strings"
	"time"
)

// MaxKeyWait is how long an event waits at most, after ErrKey, until it is tried again.
const MaxKeyWait = 10 * time.Minute

// KeyProblem returns what an ErrKey says of the value, with the id of the key and the field to fix. It leaves out the rest of
// err, which may have personal data.
func KeyProblem(err error) string {
	_, reason, _ := strings.Cut(err.Error(), ErrKey.Error())
	reason, _, _ = strings.Cut(reason, "\n") // of other errors

	return ErrKey.Error() + reason
}
