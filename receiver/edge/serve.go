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

// Secure returns the listener to serve the edge on: l itself, or TLS over it if mutual TLS is configured.
func (e *Edge) Secure(l net.Listener) net.Listener {
	if e.mutualTLS == nil {
		return l
	}

	return tls.NewListener(l, e.mutualTLS.config())
}

// Problems returns the problems of the certificates by operation.
func (e *Edge) Problems() map[string]string {
	problems := map[string]string{}
	if e.mutualTLS == nil {
		return problems
	}

	if problem := e.mutualTLS.problem(); problem != "" {
		problems["mutual TLS"] = problem
	}

	return problems
}

// ErrorLog returns the logger for http.Server.ErrorLog. Its lines are sampled, since any client can cause them.
func (e *Edge) ErrorLog() *log.Logger {
	return log.New(serverLog{e.Log}, "", 0)
}

type serverLog struct{ log *slog.Logger }

// Write logs a line of the server as an attribute. The line contains the client's address, so as a message it would evade
// sampling.
func (l serverLog) Write(line []byte) (int, error) {
	l.log.Warn("connection error", "error", strings.TrimSpace(string(line)))
	return len(line), nil
}
