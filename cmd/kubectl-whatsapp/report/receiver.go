// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
)

// Receiver is a running receiver.
type Receiver struct {
	// HTTP calls it.
	HTTP *http.Client
	// Console is the URL of its console port.
	Console string
	// Admin is the URL of the port with its metrics. If it is empty, it follows from the configuration: the same host, and the
	// port of listen.admin.
	Admin string
	// Header is sent with each call.
	Header http.Header
}

// Receiver adds what a receiver says about itself: its state, its effective configuration, the causes of its dead letters,
// the figures of the last hour, and its metrics.
func (b *Bundle) Receiver(ctx context.Context, r Receiver) {
	var configuration struct {
		Configuration struct {
			Listen struct{ Admin string }
		}
	}

	for _, page := range []struct{ file, path string }{
		{"receiver/status.json", "/v1/status"},
		{"receiver/configuration.json", "/v1/configuration"},
		{"receiver/dead-letter-causes.json", "/v1/dead-letters/causes"},
		{"receiver/last-hour.json", "/v1/figures"},
	} {
		text, err := r.get(ctx, r.Console+page.path)

		var value any
		if err == nil {
			err = json.Unmarshal(text, &value)
		}

		if err != nil {
			b.AddMissing(page.file, err)
			continue
		}

		b.JSON(page.file, value)

		if page.path == "/v1/configuration" {
			_ = json.Unmarshal(text, &configuration) // the port of the metrics is then unknown
		}
	}

	admin := r.Admin
	if admin == "" {
		admin = withPort(r.Console, configuration.Configuration.Listen.Admin)
	}

	text, err := r.get(ctx, admin+"/metrics")
	if err != nil {
		b.AddMissing("receiver/metrics.txt", err)
		return
	}

	b.Metrics("receiver/metrics.txt", text)
}

// withPort returns the URL with the port of an address.
func withPort(address, listen string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}

	if _, port, err := net.SplitHostPort(listen); err == nil {
		u.Host = net.JoinHostPort(u.Hostname(), port)
	}

	return u.String()
}

func (r Receiver) get(ctx context.Context, address string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()

	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, err
	}

	request.Header = r.Header.Clone()

	response, err := r.HTTP.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()

	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the receiver answers GET %s with %s", request.URL.Path, response.Status)
	}

	text, err := io.ReadAll(io.LimitReader(response.Body, maxFile+1))
	if err == nil && len(text) > maxFile { // a part of a document is none
		err = fmt.Errorf("the receiver answers GET %s with more than %d MiB", request.URL.Path, maxFile>>20)
	}

	return text, err
}
