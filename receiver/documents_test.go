// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"net/http"
	"sync"

	"github.com/wawebhook/whatsapp-webhook-operator/test/openapi"
)

// published are the documents that the traffic of every test is checked against.
type published struct {
	bridge  *openapi.Document
	notices *openapi.Notices
}

// documents returns the published documents, which are compiled once.
var documents = sync.OnceValue(func() published {
	bridge, err := openapi.Load(openapi.BirdBridge)
	if err != nil {
		panic(err)
	}

	notices, err := openapi.LoadNotices()
	if err != nil {
		panic(err)
	}

	return published{bridge: bridge, notices: notices}
})

// checkBird fails the test when a request to Bird or an answer of Bird violates the contract's document.
func (h *harness) checkBird(next http.Handler) http.Handler {
	return documents().bridge.Observe(next, openapi.Report{
		Request: func(err error) { h.t.Error(err) },
		Response: func(err error) {
			if !h.malformed {
				h.t.Error(err)
			}
		},
	})
}
