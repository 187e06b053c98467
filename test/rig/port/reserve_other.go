// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package port

import (
	"context"
	"net"
)

// Reserve is [Address] without a test. The address is only free at the moment: other systems reserve none.
func Reserve() (address string, release func() error, err error) {
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}

	return listener.Addr().String(), func() error { return nil }, listener.Close()
}
