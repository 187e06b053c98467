// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"crypto/tls"
	"log"
	"log/slog"
	"net"
	"strings"
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

// ErrorLog is for a server's own log. Its lines are told now and then, as everything is that a stranger can cause.
func (e *Edge) ErrorLog() *log.Logger {
	return log.New(serverLog{e.Log}, "", 0)
}

type serverLog struct{ log *slog.Logger }

func (l serverLog) Write(line []byte) (int, error) {
	l.log.Warn("trouble with a connection", "error", strings.TrimSpace(string(line)))
	return len(line), nil
}
