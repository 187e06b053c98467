// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

import (
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
)

// BenchmarkSend sends messages to a server that answers each piece of a request, which costs about as little as a server can.
func BenchmarkSend(b *testing.B) {
	live := config.Fixed(
		config.Config{CloudAPI: config.CloudAPI{BaseURL: "http://" + answering(b)}},
		config.Secrets{AccessToken: "token", AppSecrets: []string{"secret"}},
	)

	client := NewClient(live, 8, clockwork.NewRealClock())
	defer client.Close()

	body := []byte(`{"messaging_product":"whatsapp","to":"573005550101","type":"text","text":{"body":"hello"}}`)

	b.ReportAllocs()

	began := cpuTime(b)

	for b.Loop() {
		if id, err := client.Send(b.Context(), "42", body); err != nil || id != "wamid.1" {
			b.Fatal(id, err)
		}
	}

	b.ReportMetric(float64(cpuTime(b)-began)/float64(b.N), "cpu-ns/op")
}

// answering returns the address of a server that accepts every message.
func answering(b *testing.B) string {
	b.Helper()

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}

	b.Cleanup(func() { _ = listener.Close() })

	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}

			go answerAll(connection)
		}
	}()

	return listener.Addr().String()
}

func answerAll(connection net.Conn) {
	defer connection.Close()

	answer := []byte("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 31\r\n\r\n" + `{"messages":[{"id":"wamid.1"}]}`)
	request := make([]byte, 16<<10)

	for {
		if _, err := connection.Read(request); err != nil {
			return
		}

		if _, err := connection.Write(answer); err != nil {
			return
		}
	}
}

// cpuTime returns the processor time of the process, which does not depend on what else the machine does.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()

	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}

	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
