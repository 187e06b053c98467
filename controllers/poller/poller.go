// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package poller asks receivers what they say of themselves, so that the operator can tell what is missing without
// reading any Secret.
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
	// Every is how often each resource's receivers are asked.
	Every = 30 * time.Second
	// scanEvery is how soon one that is due, or has new addresses, is asked.
	scanEvery = time.Second
	// askTimeout bounds one question. A NetworkPolicy in between lets it run out.
	askTimeout = 3 * time.Second
	// maxBody bounds one answer, of which all lists are short.
	maxBody = 256 << 10
	// maxAsking bounds the resources that are asked about at the same time,
	maxAsking = 32
	// and maxAddresses the receivers asked of one resource.
	maxAddresses = 10
)

// Summary is what the receivers of one resource say together.
type Summary struct {
	Answered       int      // how many receivers did
	MissingSecrets []string // roles that any of them lacks, sorted
	TokenRefused   bool     // as any of them says
	Subscription   health.Subscription
	Pending        *int64 // nil when none of them can read its store
	DeadLetters    *int64
}

// Poller asks the receivers of any number of resources, again and again. It is safe for concurrent use.
type Poller struct {
	client  *http.Client
	port    string
	clock   clockwork.Clock
	changed func(types.NamespacedName)
	mu      sync.Mutex
	known   map[types.NamespacedName]*subject
}

// subject is one resource. It is replaced as a whole when its addresses change, so an answer to an old question is
// known by it.
type subject struct {
	addresses []string
	summary   Summary
	due       time.Time
	asking    bool
	silent    bool // nobody answered the last time
}

// NewPoller returns a Poller that asks on the given port, and calls changed when a resource's summary is another than
// before. The transport is for those who cannot reach receivers directly; nil is for those who can.
func NewPoller(port int, transport http.RoundTripper, clock clockwork.Clock, changed func(types.NamespacedName)) *Poller {
	if transport == nil {
		// No proxy: receivers are in the cluster. No idle connections: the next question comes much later.
		transport = &http.Transport{DisableKeepAlives: true, DialContext: (&net.Dialer{Timeout: askTimeout}).DialContext}
	}

	return &Poller{
		client: &http.Client{
			Transport:     transport,
			Timeout:       askTimeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		port:    strconv.Itoa(port),
		clock:   clock,
		changed: changed,
		known:   map[types.NamespacedName]*subject{},
	}
}

// Track makes these the addresses of a resource's receivers, and returns what they last said. New addresses are asked
// soon; until then the summary is that of the former ones.
func (p *Poller) Track(resource types.NamespacedName, addresses []string) Summary {
	addresses = slices.Compact(slices.Sorted(slices.Values(addresses)))
	addresses = addresses[:min(len(addresses), maxAddresses)]

	p.mu.Lock()
	defer p.mu.Unlock()

	s := p.known[resource]
	if s == nil || !slices.Equal(s.addresses, addresses) {
		next := &subject{addresses: addresses}
		if s != nil && len(addresses) > 0 {
			next.summary = s.summary
		}

		p.known[resource] = next
		s = next
	}

	return s.summary
}

// Refresh has a resource's receivers asked soon: something about them has changed.
func (p *Poller) Refresh(resource types.NamespacedName) {
	p.mu.Lock()
	defer p.mu.Unlock()

	if s := p.known[resource]; s != nil {
		s.due = time.Time{}
	}
}

// Forget ends the questions about a resource.
func (p *Poller) Forget(resource types.NamespacedName) {
	p.mu.Lock()
	defer p.mu.Unlock()

	delete(p.known, resource)
}

// Start asks until ctx ends, and returns when no question is open any more.
func (p *Poller) Start(ctx context.Context) error {
	places := make(chan struct{}, maxAsking)

	var asking sync.WaitGroup
	defer asking.Wait()

	ticker := p.clock.NewTicker(scanEvery)
	defer ticker.Stop()

	for {
		for resource, s := range p.take() {
			select {
			case places <- struct{}{}:
			case <-ctx.Done():
				return nil
			}

			asking.Go(func() {
				defer func() { <-places }()

				p.settle(ctx, resource, s, p.ask(ctx, s.addresses))
			})
		}

		select {
		case <-ctx.Done():
			return nil
		case <-ticker.Chan():
		}
	}
}

// take returns who is due, and marks them as being asked.
func (p *Poller) take() map[types.NamespacedName]*subject {
	p.mu.Lock()
	defer p.mu.Unlock()

	now := p.clock.Now()

	due := map[types.NamespacedName]*subject{}
	for resource, s := range p.known {
		if !s.asking && !s.due.After(now) && len(s.addresses) > 0 {
			s.asking = true
			due[resource] = s
		}
	}

	return due
}

// settle keeps what was said, unless the addresses have changed since.
func (p *Poller) settle(ctx context.Context, resource types.NamespacedName, s *subject, summary Summary) {
	p.mu.Lock()
	s.asking = false
	// Spread, or a restart would have all resources asked at the same moment for ever.
	s.due = p.clock.Now().Add(Every - time.Duration(rand.Int64N(int64(Every/5)))) //nolint:gosec // no secret depends on it
	// One lost answer is no news: it is asked again soon.
	lost := summary.Answered == 0 && s.summary.Answered > 0 && !s.silent
	if s.silent = summary.Answered == 0; lost {
		s.due = p.clock.Now().Add(scanEvery)
	}

	news := ctx.Err() == nil && p.known[resource] == s && !lost && !reflect.DeepEqual(s.summary, summary)
	if news {
		s.summary = summary
	}
	p.mu.Unlock()

	if news {
		p.changed(resource)
	}
}

// ask puts together what the receivers at the addresses say. The store's figures are the same for those that share one.
func (p *Poller) ask(ctx context.Context, addresses []string) Summary {
	var summary Summary
	for _, address := range addresses {
		r, err := p.fetch(ctx, address)
		if err != nil {
			continue // one that starts, ends or is cut off: those that answer speak for all
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

		if r.Backlog != nil {
			summary.Pending = &r.Pending
			summary.DeadLetters = &r.DeadLetters
		}
	}

	slices.Sort(summary.MissingSecrets)

	return summary
}

func (p *Poller) fetch(ctx context.Context, address string) (health.Report, error) {
	var r health.Report

	url := "http://" + net.JoinHostPort(address, p.port) + "/status"

	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return r, fmt.Errorf("ask a receiver: %w", err)
	}

	resp, err := p.client.Do(req)
	if err != nil {
		return r, fmt.Errorf("ask a receiver: %w", err)
	}
	defer resp.Body.Close()

	if resp.StatusCode != http.StatusOK {
		return r, fmt.Errorf("ask a receiver: it answered %s", resp.Status)
	}

	if err := json.NewDecoder(io.LimitReader(resp.Body, maxBody)).Decode(&r); err != nil {
		return r, fmt.Errorf("ask a receiver: %w", err)
	}

	return r, nil
}
