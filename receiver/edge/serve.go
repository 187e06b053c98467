// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"bytes"
	"crypto/tls"
	"log"
	"log/slog"
	"net"
	"time"

	"golang.org/x/time/rate"
)

// Secure returns what the edge is to be served on: l itself, or TLS on it.
func (e *Edge) Secure(l net.Listener) net.Listener {
	if e.mutual == nil {
		return l
	}
	return tls.NewListener(l, e.mutual.config())
}

// Problems says, by operation, what is wrong with the certificates.
func (e *Edge) Problems() map[string]string {
	problems := map[string]string{}
	if e.mutual == nil {
		return problems
	}
	if trouble := e.mutual.trouble(); trouble != "" {
		problems["mutual TLS"] = trouble
	}
	return problems
}

// ErrorLog is for the server's own log. Failed TLS handshakes are told now and then: whoever finds the port can cause any
// number of them.
func (e *Edge) ErrorLog() *log.Logger {
	return log.New(&serverLog{
		next:       slog.NewLogLogger(e.Log.Handler(), slog.LevelWarn),
		handshakes: rate.NewLimiter(rate.Every(10*time.Second), 5),
	}, "", 0)
}

type serverLog struct {
	next       *log.Logger
	handshakes *rate.Limiter
}

func (l *serverLog) Write(line []byte) (int, error) {
	if !bytes.HasPrefix(line, []byte("http: TLS handshake error")) || l.handshakes.Allow() {
		l.next.Print(string(line))
	}
	return len(line), nil
}
