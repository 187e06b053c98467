// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package output

import "fmt"

// Count returns a number of things in words for people: "1 error", "2 errors".
func Count(number int, thing string) string {
	if number != 1 {
		thing += "s"
	}

	return fmt.Sprintf("%d %s", number, thing)
}
