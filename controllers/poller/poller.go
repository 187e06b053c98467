// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package poller polls the status of receivers, so that the operator can report missing values without reading Secrets.
package poller

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"
	"k8s.io/apimachinery/pkg/types"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
)

const (
	// Every is the interval between polls of a resource's receivers.
	Every = 30 * time.Second
	// scanEvery is the interval between scans for resources that are due or have new addresses.
	scanEvery = time.Second
	// pollTimeout bounds one request. It runs out if a NetworkPolicy drops the request.
	pollTimeout = 3 * time.Second
	// maxBody bounds one response, whose lists are all short.
	maxBody = 256 << 10
	// maxConcurrent bounds the resources polled at the same time.
	maxConcurrent = 32
	// maxAddresses bounds the receivers polled for one resource.
	maxAddresses = 10
)

// Summary combines the reports of the receivers of one resource.
type Summary struct {
	// Answered is the number of receivers that answered.
	Answered int
	// MissingSecrets holds the roles that any receiver lacks, sorted.
	MissingSecrets []string
	// TokenRefused is set if any receiver reports it.
	TokenRefused bool
	// Subscription is the first receiver's, or that of one for which it failed.
	Subscription health.Subscription
	// Standby holds the phone numbers whose messages go to another responder, sorted.
	Standby []string
	// Pending is nil if no receiver can read its store.
	Pending *int64
	// DeadLetters is nil if no receiver can read its store.
	DeadLetters *int64
}

// Poller polls the receivers of any number of resources. It is safe for concurrent use.
type Poller struct {
	client  *http.Client
	port    string
	clock   clockwork.Clock
	changed func(types.NamespacedName)
	mu      sync.Mutex
	targets map[types.NamespacedName]*target
}

// target is one resource. A change of its addresses replaces it, so that the result of an older poll is recognized.
type target struct {
	addresses []string
	summary   Summary
	due       time.Time
	polling   bool
	silent    bool // no receiver answered the last poll
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
		next := &target{addresses: addresses}
		if t != nil && len(addresses) > 0 {
			next.summary = t.summary
		}

		p.targets[resource] = next
		t = next
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

	ticker := p.clock.NewTicker(scanEvery)
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

// record stores the summary of a poll, unless the addresses have changed since.
func (p *Poller) record(ctx context.Context, resource types.NamespacedName, t *target, summary Summary) {
	if p.update(ctx, resource, t, summary) {
		p.changed(resource)
	}
}

// update reports whether the summary of the resource has changed.
func (p *Poller) update(ctx context.Context, resource types.NamespacedName, t *target, summary Summary) bool {
	p.mu.Lock()
	defer p.mu.Unlock()

	// A single poll without an answer changes nothing: the receivers are polled again soon.
	silent := summary.Answered == 0
	lost := silent && t.summary.Answered > 0 && !t.silent

	t.polling = false
	t.silent = silent
	t.due = p.clock.Now().Add(nextPoll(lost))

	current := ctx.Err() == nil && p.targets[resource] == t
	if !current || lost || reflect.DeepEqual(t.summary, summary) {
		return false
	}

	t.summary = summary

	return true
}

// nextPoll returns the time until the next poll. It varies, or all resources would be polled at the same moment after a
// restart.
func nextPoll(lost bool) time.Duration {
	if lost {
		return scanEvery
	}

	return Every - time.Duration(rand.Int64N(int64(Every/5))) //nolint:gosec // no secret depends on it
}

// poll combines the reports of the receivers at the addresses. Receivers that share a store report the same counts.
func (p *Poller) poll(ctx context.Context, addresses []string) Summary {
	var summary Summary
	for _, address := range addresses {
		r, err := p.fetch(ctx, address)
		if err != nil {
			continue // it is starting, stopping or unreachable; the others' reports suffice
		}

		summary.Answered++
		for _, role := range r.MissingSecrets {
			if !slices.Contains(summary.MissingSecrets, role) {
				summary.MissingSecrets = append(summary.MissingSecrets, role)
			}
		}

		summary.TokenRefused = summary.TokenRefused || r.Token == health.TokenRefused
		if summary.Answered == 1 || r.Subscription.State == health.SubscriptionFailed {
			summary.Subscription = r.Subscription
		}

		for _, number := range r.Standby {
			if !slices.Contains(summary.Standby, number.PhoneNumberID) {
				summary.Standby = append(summary.Standby, number.PhoneNumberID)
			}
		}

		if r.Backlog != nil {
			summary.Pending = &r.Pending
			summary.DeadLetters = &r.DeadLetters
		}
	}

	slices.Sort(summary.MissingSecrets)
	slices.Sort(summary.Standby)

	return summary
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
