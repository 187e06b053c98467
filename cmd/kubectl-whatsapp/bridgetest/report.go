// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package bridgetest

import (
	"cmp"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/latency"
)

// State is the outcome of a check.
type State string

// The states.
const (
	OK      State = "ok"
	Warning State = "warning"
	Failure State = "failure"
	Skipped State = "skipped"
)

// severity orders the states of findings.
var severity = map[State]int{Warning: 1, Failure: 2}

// Check is one check and what it found.
type Check struct {
	Name   string `json:"name"`
	State  State  `json:"state"`
	Detail string `json:"detail,omitempty"` // what was found
	Fix    string `json:"fix,omitempty"`    // what to change
	Sent   string `json:"sent,omitempty"`   // the beginning of the request
	Came   string `json:"came,omitempty"`   // the beginning of the response
	// Milliseconds is the time until the response was complete, 0 if there was none.
	Milliseconds int64 `json:"milliseconds,omitempty"`
}

// note adds a finding. The check has the state of its worst finding, with the fix of that finding.
func (c *Check) note(state State, detail, fix string) {
	if severity[state] > severity[c.State] || c.Fix == "" {
		c.Fix = fix
	}

	if severity[state] > severity[c.State] {
		c.State = state
	}

	if c.Detail != "" && detail != "" {
		c.Detail += "; "
	}

	c.Detail += detail
}

// Latency are the times of the answers to single requests.
type Latency struct {
	Requests int `json:"requests"`
	latency.Summary
}

func newLatency(times []time.Duration) Latency {
	return Latency{Requests: len(times), Summary: latency.Of(times)}
}

// Report is the result of a test.
type Report struct {
	URL      string  `json:"url"`
	Protocol string  `json:"protocol"`
	Passed   bool    `json:"passed"`
	OK       int     `json:"ok"`
	Warnings int     `json:"warnings"`
	Failures int     `json:"failures"`
	Skipped  int     `json:"skipped"`
	Checks   []Check `json:"checks"`
	Latency  Latency `json:"latency"`
}

// add adds a check that has ended.
func (r *Report) add(c Check) Check {
	c.State = cmp.Or(c.State, OK)
	if c.State == OK {
		c.Fix = ""
	}

	switch c.State {
	case OK:
		r.OK++
	case Warning:
		r.Warnings++
	case Failure:
		r.Failures++
	case Skipped:
		r.Skipped++
	}

	r.Passed = r.Failures == 0
	r.Checks = append(r.Checks, c)

	return c
}
