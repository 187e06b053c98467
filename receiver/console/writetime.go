// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package console

import (
	"net/http"
	"time"
)

// writeTimeout is how long a browser may take for one part of an answer.
const writeTimeout = 30 * time.Second

// timed serves answers whose write timeout begins at the first write. The server's timeout begins with the request and may end
// before an erasure does, so the answer would be lost.
func timed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := timedWriter{w}

		next.ServeHTTP(answer, r)
		answer.extend() // for what the server has buffered
	})
}

// timedWriter has a time for each part of an answer, so that an export may take long.
type timedWriter struct{ http.ResponseWriter }

// Write implements http.ResponseWriter.
func (t timedWriter) Write(part []byte) (int, error) {
	t.extend()

	return t.ResponseWriter.Write(part)
}

// extend does nothing to an answer that no connection carries, as in a test.
func (t timedWriter) extend() {
	_ = http.NewResponseController(t.ResponseWriter).SetWriteDeadline(time.Now().Add(writeTimeout))
}

// Unwrap is for http.ResponseController.
func (t timedWriter) Unwrap() http.ResponseWriter { return t.ResponseWriter }
