// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package port

import (
	"net"
	"testing"
)

// TestReservedPortIsNotPicked asks for any port more often than there are ports.
func TestReservedPortIsNotPicked(t *testing.T) {
	address, release, err := Reserve()
	if err != nil {
		t.Fatal(err)
	}

	isPicked := func() bool {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}

		if err := listener.Close(); err != nil {
			t.Fatal(err)
		}

		return listener.Addr().String() == address
	}

	for range 50_000 {
		if isPicked() {
			t.Fatal("a socket that asked for any port got the reserved one")
		}
	}

	if err := release(); err != nil {
		t.Fatal(err)
	}
}
