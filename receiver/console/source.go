// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package console

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
)

// Source gives the console the resources that a person may see.
type Source interface {
	// Resources returns the resources, in any order.
	Resources(ctx context.Context) ([]Resource, error)
	// Open returns the API of a receiver of a resource, or ErrNoResource.
	Open(ctx context.Context, namespace, name string) (API, error)
}

// ErrNoResource is returned for a resource that does not exist, or that the person may not see.
var ErrNoResource = errors.New("no such resource")

// ProblemError is an error of a source whose text a page shows: the fault, and how to fix it.
type ProblemError struct{ Text string }

// Error returns the text.
func (e *ProblemError) Error() string { return e.Text }

// Resource is the state of one number, or of several that one receiver serves.
type Resource struct {
	Namespace string
	Name      string
	Severity  Severity
	Message   string // the findings in words
	URL       string // at which Meta calls

	Subscription   string // a health.SubscriptionState
	Token          string // a health.TokenState
	TokenExpiresAt *time.Time

	// The figures are nil while no receiver reports them.
	Pending       *int64
	OldestPending time.Duration
	DeadLetters   *int64
	Waiting       *int64 // people who wait for people
	WaitingIsCut  bool   // there may be more of them
	PerMinute     *float64
}

// AddReport adds what a receiver of the resource reports of itself.
func (r *Resource) AddReport(report *health.Report) {
	r.Subscription = string(report.Subscription.State)
	r.Token = string(report.Token)
	r.TokenExpiresAt = report.TokenExpiresAt

	if b := report.Backlog; b != nil {
		r.Pending = &b.Pending
		r.OldestPending = time.Duration(b.OldestPendingSecs * float64(time.Second)).Round(time.Second)
		r.DeadLetters = &b.DeadLetters

		if waiting := b.WaitingForPeople; waiting != nil {
			r.Waiting = &waiting.Conversations
			r.WaitingIsCut = waiting.IsCut
		}
	}
}

// Severity is how much a resource needs attention.
type Severity int

// The severities, the least first.
const (
	OK Severity = iota
	Warning
	Failure
)

// String returns the name of the class by which a page shows the severity.
func (s Severity) String() string {
	switch s {
	case OK:
		return "ok"
	case Warning:
		return "warning"
	default:
		return "failure"
	}
}

// worstFirst sorts resources by their severity, then by dead letters and people who wait, then by name.
func worstFirst(resources []Resource) {
	count := func(n *int64) int64 {
		if n == nil {
			return 0
		}

		return *n
	}

	slices.SortFunc(resources, func(a, b Resource) int {
		return cmp.Or(
			cmp.Compare(b.Severity, a.Severity),
			cmp.Compare(count(b.DeadLetters)+count(b.Waiting), count(a.DeadLetters)+count(a.Waiting)),
			cmp.Compare(a.Namespace, b.Namespace),
			cmp.Compare(a.Name, b.Name),
		)
	})
}
