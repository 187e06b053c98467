// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package doctor checks why Meta does not call a receiver, and why people are not answered: the public URL, the account at
// Meta, the AI, and the receiver itself. A check changes nothing, stores nothing, sends no message and asks the AI nothing.
package doctor

import (
	"context"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// Limit is the time of all checks.
const Limit = 50 * time.Second

// Dependencies are the dependencies of a Doctor. All but Process and Network are required.
type Dependencies struct {
	Live    *config.Live
	Graph   *cloudapi.Client
	Clock   clockwork.Clock
	Version string
	// Process is the receiver that the checks run in. Without it, as on a person's machine, its checks are skipped.
	Process *Process
	// Network is the way to other servers. Defaults to that of the system.
	Network Network
}

// Process is a running receiver.
type Process struct {
	Store        store.Store
	Problems     func() map[string]string // by operation
	ClosedScopes func() []health.ClosedScope
	Standby      func() []health.Standby
	WebhookAddr  string // host:port
	MessagesAddr string // host:port; empty without the messages API
}

// Doctor runs the checks. It is safe for concurrent use.
type Doctor struct{ Dependencies }

// New returns a Doctor.
func New(dependencies Dependencies) *Doctor { return &Doctor{Dependencies: dependencies} }

// Request says what to check.
type Request struct {
	// Only are the names of checks and groups to run. Empty means all.
	Only []string `json:"only,omitempty"`
	// PublicURL is the URL that Meta calls, for a receiver whose configuration does not say it. The verify token is not sent
	// there.
	PublicURL string `json:"public_url,omitempty"`
	// MessagesURL is the address of the messages API in the cluster, such as http://sales-messages.shop:9092. The receiver
	// does not know it.
	MessagesURL string `json:"messages_url,omitempty"`
}

// run is one run of the checks.
type run struct {
	*Doctor

	settings *config.Snapshot
	asked    Request

	mu       sync.Mutex
	findings map[string]finding
}

// Run runs the checks, independent ones at the same time. It takes at most Limit.
func (d *Doctor) Run(ctx context.Context, request Request) Report {
	ctx, cancel := context.WithTimeout(ctx, Limit)
	defer cancel()

	began := time.Now()
	r := &run{
		Doctor:   d,
		settings: d.Live.Current(),
		asked:    request,
		findings: map[string]finding{},
	}

	selected := Select(catalog, request.Only)

	var groups sync.WaitGroup

	for name, check := range map[string]func(context.Context){
		groupConfiguration: r.checkConfiguration,
		groupPublicURL:     r.checkPublicURL,
		groupMeta:          r.checkMeta,
		groupAI:            r.checkAI,
		groupReceiver:      r.checkReceiver,
		groupConnections:   r.checkConnections,
	} {
		if len(Select(selected, []string{name})) > 0 {
			groups.Go(func() { check(ctx) })
		}
	}

	groups.Wait()

	report := Report{
		Version: d.Version,
		TookMS:  time.Since(began).Milliseconds(),
		Checks:  r.results(selected),
	}
	report.Count()

	return report
}

// set records the result of a check.
func (r *run) set(name string, f finding) {
	r.mu.Lock()
	defer r.mu.Unlock()

	r.findings[name] = f
}

// skipRest records why the checks of a group that have no result yet were not made.
func (r *run) skipRest(group, why string) {
	r.mu.Lock()
	defer r.mu.Unlock()

	for _, check := range catalog {
		if _, done := r.findings[check.Name]; check.Group == group && !done {
			r.findings[check.Name] = skip("%s", why)
		}
	}
}

// results returns the selected checks with their results.
func (r *run) results(selected []Check) []Check {
	r.mu.Lock()
	defer r.mu.Unlock()

	all := make([]Check, 0, len(selected))

	for _, check := range selected {
		f, done := r.findings[check.Name]
		if !done {
			f = skip("an earlier check failed")
		}

		check.State = f.state
		check.Detail = f.detail
		check.Fix = f.fix
		all = append(all, check)
	}

	return all
}
