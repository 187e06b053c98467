// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"
)

// stallTimeout is how long a request may go without a byte in either direction.
const stallTimeout = time.Minute

// watched is a transport that cancels a request which makes no progress. A large copy may take long.
type watched struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (w *watched) RoundTrip(request *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(request.Context())
	timer := time.AfterFunc(stallTimeout, func() { cancel(context.DeadlineExceeded) })
	p := &progress{ctx, timer, cancel}

	request = request.Clone(ctx)
	if request.Body != nil && request.Body != http.NoBody {
		request.Body = &moving{request.Body, p, false}
	}

	response, err := w.next.RoundTrip(request)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}

		p.end()

		return nil, err
	}

	timer.Reset(stallTimeout)

	response.Body = &moving{response.Body, p, true}

	return response, nil
}

// progress is the watch on a request.
type progress struct {
	ctx    context.Context
	timer  *time.Timer
	cancel context.CancelCauseFunc
}

func (p *progress) end() {
	p.timer.Stop()
	p.cancel(nil)
}

// moving is a body whose reads are progress. Its end is that of the request if it is the response's.
type moving struct {
	io.ReadCloser
	progress *progress
	last     bool
}

func (m *moving) Read(b []byte) (int, error) {
	n, err := m.ReadCloser.Read(b)
	if n > 0 {
		m.progress.timer.Reset(stallTimeout)
	}

	if cause := context.Cause(m.progress.ctx); cause != nil && errors.Is(err, context.Canceled) {
		err = cause
	}

	return n, err
}

func (m *moving) Close() error {
	if m.last {
		m.progress.end()
	}

	return m.ReadCloser.Close()
}
