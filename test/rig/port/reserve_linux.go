// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package port

import (
	"errors"
	"net"
	"os"
	"strconv"
	"syscall"
)

// Reserve is [Address] without a test. The address is reserved until release is called.
//
// A socket holds it that is bound and does not listen. Linux then picks the port for no socket that asks for any, and lets
// a server listen there that names it and sets SO_REUSEADDR, as servers do.
func Reserve() (address string, release func() error, err error) {
	socket, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return "", nil, os.NewSyscallError("socket", err)
	}

	address, err = bind(socket)
	if err != nil {
		return "", nil, errors.Join(err, syscall.Close(socket))
	}

	return address, func() error { return os.NewSyscallError("close", syscall.Close(socket)) }, nil
}

// bind gives a socket a port, and returns its address.
func bind(socket int) (string, error) {
	if err := syscall.SetsockoptInt(socket, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		return "", os.NewSyscallError("setsockopt", err)
	}

	if err := syscall.Bind(socket, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return "", os.NewSyscallError("bind", err)
	}

	name, err := syscall.Getsockname(socket)
	if err != nil {
		return "", os.NewSyscallError("getsockname", err)
	}

	bound, ok := name.(*syscall.SockaddrInet4)
	if !ok {
		return "", errors.New("the socket has no address of IPv4")
	}

	return net.JoinHostPort("127.0.0.1", strconv.Itoa(bound.Port)), nil
}
