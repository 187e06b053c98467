// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package dev

import (
	"net"
	"os"
	"syscall"
	"testing"
)

func TestTextIsAnswered(t *testing.T) {
	f := start(t, Options{})
	sent := f.text("hello")

	f.trace(TraceDelivery, "text from Ana → 200")

	answer := f.answer()
	if answer.Text != "You said: hello" || answer.EventID != sent.EventID || answer.Sender != SenderAI {
		t.Errorf("answered %+v", answer)
	}

	wait(f, StreamStatus, func(s StatusChange) bool { return s.Message == answer.ID && s.Status == StatusRead })
}

// TestTakenPort checks that the errors of all systems for a port that is in use lead to the next one.
func TestTakenPort(t *testing.T) {
	for code, want := range map[syscall.Errno]bool{
		syscall.EADDRINUSE:    true,
		10048:                 true, // WSAEADDRINUSE of Windows
		10013:                 true, // WSAEACCES of Windows: the system has reserved the port
		syscall.EADDRNOTAVAIL: false,
	} {
		err := &net.OpError{Op: "listen", Err: os.NewSyscallError("bind", code)}
		if got := isTaken(err); got != want {
			t.Errorf("%v: taken is %t, want %t", err, got, want)
		}
	}
}
