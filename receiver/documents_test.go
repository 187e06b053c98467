// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"net/http"
	"strings"
	"sync"

	"github.com/wawebhook/whatsapp-webhook-operator/test/openapi"
)

// published are the documents that the traffic of every test is checked against.
type published struct {
	bridge  *openapi.Document
	flow    *openapi.Document
	desk    *openapi.Document
	console *openapi.Document
	notices *openapi.Notices
}

// documents returns the published documents, which are compiled once.
var documents = sync.OnceValue(func() published {
	bridge, err := openapi.Load(openapi.BirdBridge)
	if err != nil {
		panic(err)
	}

	api, err := openapi.Load(openapi.ReceiverAPI)
	if err != nil {
		panic(err)
	}

	console, err := openapi.Load(openapi.ConsoleAPI)
	if err != nil {
		panic(err)
	}

	notices, err := openapi.LoadNotices()
	if err != nil {
		panic(err)
	}

	return published{
		bridge:  bridge,
		flow:    bridge.Webhook("flow"),
		desk:    api.Webhook("desk"),
		console: console,
		notices: notices,
	}
})

// check returns a handler that fails the test when a request to an AI or to the desk, or an answer, violates the document.
// The doctor's requests ask nothing and are in no document.
func (h *harness) check(document *openapi.Document) func(next http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		checked := document.Observe(next, openapi.Report{
			Request: func(err error) { h.t.Error(err) },
			Response: func(err error) {
				if !h.malformed {
					h.t.Error(err)
				}
			},
		})

		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.Header.Get("Idempotency-Key"), "doctor:") || r.Method == http.MethodOptions {
				next.ServeHTTP(w, r)
				return
			}

			checked.ServeHTTP(w, r)
		})
	}
}
