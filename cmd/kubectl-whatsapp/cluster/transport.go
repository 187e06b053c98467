// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
)

const (
	// replacementTimeout is how long a call waits for another receiver when the connected one went away. A receiver is
	// replaced in less.
	replacementTimeout = 45 * time.Second
	// maxBody bounds the body of a request that has to be kept to be sent again.
	maxBody = 8 << 20
	// firstDelay and lastDelay are the shortest and the longest pause between two tries.
	firstDelay = 200 * time.Millisecond
	lastDelay  = 2 * time.Second
)

// notSentError is an error of a call that has not begun, so that it can be repeated.
type notSentError struct{ error }

// Unwrap returns the cause.
func (e *notSentError) Unwrap() error { return e.error }

// noPodError is an error of a resource without a pod to connect to.
type noPodError struct{ error }

// Unwrap returns the cause.
func (e *noPodError) Unwrap() error { return e.error }

// Client returns an HTTP client for the ports of the receiver: http://localhost:9091 is its console port. It has no timeout.
// Calls that change nothing are repeated at another receiver if the connection breaks; others are repeated only if they had
// not begun, and else end with an error that says so.
func (f *Forward) Client() *http.Client {
	return &http.Client{Transport: reconnecting{f}}
}

// ClientOnce is Client without the wait for another receiver: each call is one attempt. It is for many receivers at a time, of which
// some do not run.
func (f *Forward) ClientOnce() *http.Client {
	return &http.Client{Transport: once{f}}
}

// once is the transport of [Forward.ClientOnce].
type once struct{ forward *Forward }

// RoundTrip calls the receiver.
func (o once) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := o.forward.transport.RoundTrip(request)
	if err != nil {
		return nil, o.forward.explain(err)
	}

	return response, nil
}

// reconnecting is the transport of [Forward.Client].
type reconnecting struct{ forward *Forward }

// RoundTrip calls the receiver.
func (r reconnecting) RoundTrip(request *http.Request) (*http.Response, error) {
	request, err := repeatable(request)
	if err != nil {
		return nil, err
	}

	safe := request.Method == http.MethodGet || request.Method == http.MethodHead

	if !safe {
		// The call cannot be repeated, so check first whether the receiver is still there.
		if err := r.check(request); err != nil {
			return nil, err
		}
	}

	return r.repeat(request, safe)
}

// repeatable returns the request with a body that can be read again.
func repeatable(request *http.Request) (*http.Request, error) {
	if request.Body == nil || request.Body == http.NoBody || request.GetBody != nil {
		return request, nil
	}

	defer request.Body.Close()

	body, err := io.ReadAll(io.LimitReader(request.Body, maxBody+1))
	if err != nil {
		return nil, fmt.Errorf("read the body of the request: %w", err)
	}

	if len(body) > maxBody {
		return nil, fmt.Errorf("the body of the request is larger than %d MiB", maxBody>>20)
	}

	clone := request.Clone(request.Context())
	clone.ContentLength = int64(len(body))
	clone.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	clone.Body, err = clone.GetBody()

	return clone, err
}

// check calls a path that changes nothing.
func (r reconnecting) check(request *http.Request) error {
	address := *request.URL
	address.Path = "/"
	address.RawQuery = ""

	harmless := (&http.Request{
		Method: http.MethodHead,
		URL:    &address,
		Header: http.Header{},
	}).WithContext(request.Context())

	response, err := r.repeat(harmless, true)
	if err != nil {
		return err
	}

	return response.Body.Close()
}

// repeat calls the receiver until it answers. Unless the call is safe, it is repeated only if it had not begun.
func (r reconnecting) repeat(request *http.Request, safe bool) (*http.Response, error) {
	ctx := request.Context()
	end := time.Now().Add(replacementTimeout)

	var last error // of an earlier try, which says more than the end of the time

	for pause := firstDelay; ; pause = min(2*pause, lastDelay) {
		attempt, err := again(request)
		if err != nil {
			return nil, err
		}

		response, err := r.forward.transport.RoundTrip(attempt)
		if err == nil {
			return response, nil
		}

		if ctx.Err() != nil {
			return nil, r.forward.explain(cmp.Or(last, err))
		}

		last = err

		if _, notSent := errors.AsType[*notSentError](err); !notSent && !safe {
			return nil, output.Unreachable(
				"Look at what it changed before you repeat it.",
				"the connection to pod %s was lost during the call, which may have had its effect: %w", r.forward.Pod(), err)
		}

		if r.isFinal(err) || time.Now().Add(pause).After(end) {
			return nil, r.forward.explain(err)
		}

		if err := wait(ctx, pause); err != nil {
			return nil, r.forward.explain(last)
		}
	}
}

// isFinal reports whether another try would end in the same way. A resource that never had a receiver gets none soon.
func (r reconnecting) isFinal(err error) bool {
	if _, noPod := errors.AsType[*noPodError](err); noPod {
		return r.forward.Pod() == ""
	}

	if errors.Is(err, errForbidden) || apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) || meta.IsNoMatchError(err) {
		return true
	}

	known, ok := errors.AsType[*output.Error](err)

	return ok && known.Code != output.CodeUnreachable
}

// explain returns err as an error for people.
func (f *Forward) explain(err error) error {
	if _, known := errors.AsType[*output.Error](err); known || errors.Is(err, context.Canceled) {
		return err
	}

	return output.Unreachable(
		fmt.Sprintf("See whether the receiver runs: kubectl -n %s get pods -l app.kubernetes.io/instance=%s",
			f.namespace, f.name),
		"call the receiver of %s: %w", f.name, err)
}

// again returns the request with its body from the start.
func again(request *http.Request) (*http.Request, error) {
	if request.Body == nil || request.Body == http.NoBody {
		return request, nil
	}

	body, err := request.GetBody()
	if err != nil {
		return nil, fmt.Errorf("read the body of the request again: %w", err)
	}

	clone := request.Clone(request.Context())
	clone.Body = body

	return clone, nil
}

// wait waits, and returns an error if ctx ends first.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()

	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
