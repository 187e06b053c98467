// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package doctor_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/doctor"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// fault is one thing that is wrong, and what the report says of it.
type fault struct {
	prepare func(*harness) // before the receiver starts
	provoke func(*harness) // once it runs and is subscribed
	checks  []string       // the checks that are not ok; the first has the texts
	state   doctor.State   // of all of them
	detail  string         // a part of it
	fix     string         // a part of it
	follow  []string       // checks that fail as a consequence
	early   bool           // the receiver cannot be subscribed, or cannot answer
}

// TestHealthyReceiver checks that nothing is wrong with a receiver that is set up in full.
func TestHealthyReceiver(t *testing.T) {
	h := newHarness(t)
	h.start()
	h.settle()

	report := h.run()
	for _, check := range report.Checks {
		if check.State != doctor.OK {
			t.Errorf("%s is %s: %s", check.Name, check.State, check.Detail)
		}
	}

	if report.Failures != 0 || report.Warnings != 0 {
		t.Errorf("%d failures and %d warnings, want none", report.Failures, report.Warnings)
	}

	// The checks store nothing, send nothing, and ask nothing.
	totals, err := h.Local.Store().Totals(t.Context())
	h.must(err)

	for _, total := range totals {
		if total.Kind == store.KindMessage && total.Count != 1 || total.Kind == store.KindUnknown {
			t.Errorf("the store has %d events of kind %s", total.Count, total.Kind)
		}
	}

	if asked, sent := len(h.Bird.Asked()), len(h.Graph.Sent()); asked != 1 || sent != 1 {
		t.Errorf("the AI was asked %d times, and %d messages were sent, want that of the message alone", asked, sent)
	}
}

// TestFaults provokes each fault and checks that exactly the check that it concerns says so.
func TestFaults(t *testing.T) {
	for group, faults := range map[string]map[string]fault{
		"configuration": configurationFaults,
		"public URL":    publicURLFaults,
		"Meta":          metaFaults,
		"AI":            aiFaults,
		"connections":   connectionFaults,
		"receiver":      receiverFaults,
	} {
		for name, f := range faults {
			t.Run(group+"/"+name, func(t *testing.T) {
				t.Parallel()
				f.test(t)
			})
		}
	}
}

func (f fault) test(t *testing.T) {
	h := newHarness(t)
	if f.prepare != nil {
		f.prepare(h)
	}

	h.start()

	if !f.early {
		h.settle()
	}

	if f.provoke != nil {
		f.provoke(h)
	}

	report := h.run()
	found := map[string]doctor.Check{}

	for _, check := range report.Checks {
		found[check.Name] = check

		if check.State == doctor.Warning || check.State == doctor.Failure {
			if !slices.Contains(slices.Concat(f.checks, f.follow), check.Name) {
				t.Errorf("%s is %s too: %s", check.Name, check.State, check.Detail)
			}

			if check.Fix == "" {
				t.Errorf("%s has no fix: %s", check.Name, check.Detail)
			}
		}
	}

	for _, name := range f.checks {
		if found[name].State != f.state {
			t.Errorf("%s is %s (%s), want %s", name, found[name].State, found[name].Detail, f.state)
		}
	}

	first := found[f.checks[0]]
	if !strings.Contains(first.Detail, f.detail) || !strings.Contains(first.Fix, f.fix) {
		t.Errorf("%s says %q, %q; want %q and %q in it", first.Name, first.Detail, first.Fix, f.detail, f.fix)
	}

	encoded, err := json.Marshal(report)
	h.must(err)

	for _, secret := range secretTexts {
		if strings.Contains(string(encoded), secret) {
			t.Errorf("the report contains %q: %s", secret, encoded)
		}
	}
}
