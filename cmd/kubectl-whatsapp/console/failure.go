// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package console

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/console"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/consoleapi"
)

// keepForm returns the form of a request that is passed on, and lets the request be read from its start. A form of more than
// console.MaxForm, which the pages refuse, is not kept.
func keepForm(r *http.Request) ([]byte, error) {
	if r.Method != http.MethodPost {
		return nil, nil
	}

	form, err := io.ReadAll(io.LimitReader(r.Body, console.MaxForm+1))
	if err != nil {
		return nil, fmt.Errorf("read a form: %w", err)
	}

	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(form), r.Body), r.Body}

	if len(form) > console.MaxForm {
		return nil, nil
	}

	return form, nil
}

// withForm returns a request that was passed on with its form from the start.
func withForm(r *http.Request, form []byte) *http.Request {
	again := r.Clone(r.Context())
	again.Body = io.NopCloser(bytes.NewReader(form))

	return again
}

// serveFailure serves a page of the console of a receiver that does not answer. The tool renders the page itself: it says
// what is known, and keeps the text of a message with its key, so that the person gets it only once if it is sent again.
func serveFailure(w http.ResponseWriter, r *http.Request, err error) {
	pages, newErr := console.New(console.Dependencies{
		Source: away{err},
		Clock:  clockwork.NewRealClock(),
		Log:    slog.New(slog.DiscardHandler), // the caller reports err
	})
	if newErr != nil || r.URL.Path == "/" {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}

	consoleapi.Protect(pages).ServeHTTP(w, r)
}

// away is the source of a receiver that does not answer.
type away struct{ err error }

// Resources implements console.Source.
func (a away) Resources(context.Context) ([]console.Resource, error) { return nil, problem(a.err) }

// Open implements console.Source. All calls of the API fail.
func (a away) Open(context.Context, string, string) (console.API, error) {
	return console.API{
		Client: &http.Client{Transport: explaining{a}},
		Base:   loopbackAPI,
	}, nil
}

// RoundTrip implements http.RoundTripper.
func (a away) RoundTrip(*http.Request) (*http.Response, error) { return nil, a.err }
