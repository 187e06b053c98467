// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package poller polls the status of receivers, so that the operator can report missing values without reading Secrets.
package poller

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"
	"k8s.io/apimachinery/pkg/types"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
)

const (
	// Interval is the interval between polls of a resource's receivers.
	Interval = 30 * time.Second
	// scanInterval is the interval between scans for resources that are due or have new addresses.
	scanInterval = time.Second
	// pollTimeout bounds one request. It runs out if a NetworkPolicy drops the request.
	pollTimeout = 3 * time.Second
	// maxBody bounds one response, whose lists are all short.
	maxBody = 256 << 10
	// maxConcurrent bounds the resources polled at the same time.
	maxConcurrent = 32
	// maxAddresses bounds the receivers polled for one resource.
	maxAddresses = 10
)

// Poller polls the receivers of any number of resources. It is safe for concurrent use.
type Poller struct {
	client  *http.Client
	port    string
	clock   clockwork.Clock
	changed func(types.NamespacedName)
	mu      sync.Mutex
	targets map[types.NamespacedName]*target
}

// NewPoller returns a Poller that sends requests to the given port, and calls changed when the summary of a resource
// changes. A nil transport connects directly.
func NewPoller(port int, transport http.RoundTripper, clock clockwork.Clock, changed func(types.NamespacedName)) *Poller {
	if transport == nil {
		// No proxy, since receivers are in the cluster. No idle connections, since the next poll comes much later.
		transport = &http.Transport{
			DisableKeepAlives: true,
			DialContext:       (&net.Dialer{Timeout: pollTimeout}).DialContext,
		}
	}

	return &Poller{
		client: &http.Client{
			Transport:     transport,
			Timeout:       pollTimeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		port:    strconv.Itoa(port),
		clock:   clock,
		changed: changed,
		targets: map[types.NamespacedName]*target{},
	}
}

// Track sets the addresses of a resource's receivers and returns their last summary. New addresses are polled soon; until
// then the summary is that of the previous ones.
func (p *Poller) Track(resource types.NamespacedName, addresses []string) Summary {
	addresses = slices.Compact(slices.Sorted(slices.Values(addresses)))
	addresses = addresses[:min(len(addresses), maxAddresses)]

	p.mu.Lock()
	defer p.mu.Unlock()

	t := p.targets[resource]
	if t == nil || !slices.Equal(t.addresses, addresses) {
		t = newTarget(addresses, t, p.clock.Now())
		p.targets[resource] = t
	}

	return t.summary
}

// Refresh makes a resource due, because its receivers have changed.
func (p *Poller) Refresh(resource types.NamespacedName) {
	p.mu.Lock()
	defer p.mu.Unlock()

	if t := p.targets[resource]; t != nil {
		t.due = time.Time{}
	}
}

// Forget stops polling a resource.
func (p *Poller) Forget(resource types.NamespacedName) {
	p.mu.Lock()
	defer p.mu.Unlock()

	delete(p.targets, resource)
}

// Start polls until ctx ends, and returns once no request is in flight.
func (p *Poller) Start(ctx context.Context) error {
	slots := make(chan struct{}, maxConcurrent)

	var polls sync.WaitGroup
	defer polls.Wait()

	ticker := p.clock.NewTicker(scanInterval)
	defer ticker.Stop()

	for {
		for resource, t := range p.takeDue() {
			select {
			case slots <- struct{}{}:
			case <-ctx.Done():
				return nil
			}

			polls.Go(func() {
				defer func() { <-slots }()

				p.record(ctx, resource, t, p.poll(ctx, t.addresses))
			})
		}

		select {
		case <-ctx.Done():
			return nil
		case <-ticker.Chan():
		}
	}
}

// takeDue returns the resources that are due, and marks them as being polled.
func (p *Poller) takeDue() map[types.NamespacedName]*target {
	p.mu.Lock()
	defer p.mu.Unlock()

	now := p.clock.Now()

	due := map[types.NamespacedName]*target{}
	for resource, t := range p.targets {
		if !t.polling && !t.due.After(now) && len(t.addresses) > 0 {
			t.polling = true
			due[resource] = t
		}
	}

	return due
}

// record stores the reports of a poll, unless the addresses have changed since.
func (p *Poller) record(ctx context.Context, resource types.NamespacedName, t *target, reports map[string]health.Report) {
	if p.update(ctx, resource, t, reports) {
		p.changed(resource)
	}
}

// update reports whether the resource has a new summary.
func (p *Poller) update(ctx context.Context, resource types.NamespacedName, t *target, reports map[string]health.Report) bool {
	p.mu.Lock()
	defer p.mu.Unlock()

	t.polling = false

	if ctx.Err() != nil || p.targets[resource] != t {
		return false
	}

	return t.update(reports, p.clock.Now())
}

// poll returns the reports of the receivers that answer, by address.
func (p *Poller) poll(ctx context.Context, addresses []string) map[string]health.Report {
	reports := map[string]health.Report{}
	for _, address := range addresses {
		r, err := p.fetch(ctx, address)
		if err != nil {
			continue // it is starting, stopping or unreachable; the others' reports suffice
		}

		reports[address] = r
	}

	return reports
}

// fetch returns the report of one receiver.
func (p *Poller) fetch(ctx context.Context, address string) (health.Report, error) {
	var r health.Report

	url := "http://" + net.JoinHostPort(address, p.port) + "/status"

	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return r, fmt.Errorf("get the status of a receiver: %w", err)
	}

	resp, err := p.client.Do(req)
	if err != nil {
		return r, fmt.Errorf("get the status of a receiver: %w", err)
	}
	defer resp.Body.Close()

	if resp.StatusCode != http.StatusOK {
		return r, fmt.Errorf("get the status of a receiver: %s", resp.Status)
	}

	if err := json.NewDecoder(io.LimitReader(resp.Body, maxBody)).Decode(&r); err != nil {
		return r, fmt.Errorf("get the status of a receiver: %w", err)
	}

	return r, nil
}
