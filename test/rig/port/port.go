// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package port reserves ports of the loopback interface for servers that have to be told where to listen.
package port

import "testing"

// Address reserves an address until the test ends: nothing listens there, and other sockets do not get its port by chance. A
// server that is told the address can listen there, and listen again after it has stopped.
func Address(tb testing.TB) string {
	tb.Helper()

	address, release, err := Reserve()
	if err != nil {
		tb.Fatal(err)
	}

	tb.Cleanup(func() {
		if err := release(); err != nil {
			tb.Error(err)
		}
	})

	return address
}
