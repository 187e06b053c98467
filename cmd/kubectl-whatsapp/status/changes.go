// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package status

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Change is a difference between two polls of a resource.
type Change struct {
	At        time.Time `json:"at"`
	Namespace string    `json:"namespace,omitempty"`
	Name      string    `json:"name"`
	Severity  Severity  `json:"severity"` // of the resource, after the change
	Text      string    `json:"text"`
}

// Changes returns what changed between two polls, by name.
func Changes(before, after []Status, now time.Time) []Change {
	var changes []Change

	key := func(s Status) string { return s.Namespace + "/" + s.Name }
	find := func(all []Status, wanted string) (Status, bool) {
		i := slices.IndexFunc(all, func(s Status) bool { return key(s) == wanted })
		if i < 0 {
			return Status{}, false
		}

		return all[i], true
	}
	add := func(s Status, format string, args ...any) {
		changes = append(changes, Change{
			At:        now.UTC(),
			Namespace: s.Namespace,
			Name:      s.Name,
			Severity:  s.Severity,
			Text:      fmt.Sprintf(format, args...),
		})
	}

	for _, current := range after {
		previous, known := find(before, key(current))
		if !known {
			add(current, "%s", Summary(current))
			continue
		}

		for _, text := range differences(previous, current) {
			add(current, "%s", text)
		}
	}

	for _, previous := range before {
		if _, still := find(after, key(previous)); !still {
			add(previous, "deleted")
		}
	}

	return changes
}

// Summary returns a status as a line.
func Summary(s Status) string {
	parts := []string{readiness(s)}
	for _, finding := range s.Findings {
		parts = append(parts, finding.Subject+": "+finding.Text)
	}

	if s.Unreachable != "" {
		parts = append(parts, s.Unreachable)
	}

	return strings.Join(parts, "; ")
}

func readiness(s Status) string {
	if s.Ready.Status == "True" {
		return "ready"
	}

	return strings.TrimSuffix(fmt.Sprintf("not ready (%s): %s", s.Ready.Reason, s.Ready.Message), ": ")
}

// differences returns the differences as texts. It ignores counts, which change all the time.
func differences(before, after Status) []string {
	var texts []string

	if readiness(before) != readiness(after) {
		texts = append(texts, readiness(after))
	}

	if before.Receivers != after.Receivers && after.Receivers != "" {
		texts = append(texts, "receivers "+after.Receivers)
	}

	for _, finding := range after.Findings {
		if !slices.Contains(before.Findings, finding) {
			texts = append(texts, finding.Subject+": "+finding.Text)
		}
	}

	for _, finding := range before.Findings {
		if !slices.ContainsFunc(after.Findings, func(t Finding) bool { return t.Subject == finding.Subject }) {
			texts = append(texts, finding.Subject+": solved")
		}
	}

	if (before.Unreachable == "") != (after.Unreachable == "") {
		texts = append(texts, map[bool]string{
			true:  "a receiver answers",
			false: after.Unreachable,
		}[after.Unreachable == ""])
	}

	return texts
}
