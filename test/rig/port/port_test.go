// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package port

import (
	"errors"
	"net"
	"syscall"
	"testing"
)

// TestAddress lets a server listen twice on a reserved address. Nothing listens there before, between and afterwards.
func TestAddress(t *testing.T) {
	address := Address(t)

	for range 2 {
		if connection, err := net.Dial("tcp", address); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("Dial() = %v, %v, want a refused connection", connection, err)
		}

		server, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}

		connection, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}

		if err := errors.Join(connection.Close(), server.Close()); err != nil {
			t.Fatal(err)
		}
	}
}
