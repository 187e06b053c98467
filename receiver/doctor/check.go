// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// State is the result of a check.
type State string

// The states, from the best to the worst.
const (
	OK      State = "ok"
	Skipped State = "skipped" // it could not be checked; the detail says why
	Warning State = "warning" // people are answered, but perhaps not all, or soon no longer
	Failure State = "failure" // Meta cannot deliver, or people are not answered
)

// severity returns the rank of a state.
func (s State) severity() int { return slices.Index([]State{OK, Skipped, Warning, Failure}, s) }

// Check is one check and its result. No text has a secret, a phone number or the text of a message.
type Check struct {
	Name   string `json:"name"`
	Group  string `json:"group"`
	Title  string `json:"title"`
	State  State  `json:"state"`
	Detail string `json:"detail"`
	Fix    string `json:"fix,omitempty"` // what to do, unless the state is ok
}

// Report is the results of all checks that were asked for, in a fixed order.
type Report struct {
	Version  string  `json:"version"` // of the program that ran the checks
	TookMS   int64   `json:"took_ms"`
	Failures int     `json:"failures"`
	Warnings int     `json:"warnings"`
	Checks   []Check `json:"checks"`
}

// Count sets Failures and Warnings.
func (r *Report) Count() {
	r.Failures = 0
	r.Warnings = 0

	for _, check := range r.Checks {
		switch check.State {
		case Failure:
			r.Failures++
		case Warning:
			r.Warnings++
		}
	}
}

// finding is the result of a check.
type finding struct {
	state       State
	detail, fix string
}

func ok(format string, args ...any) finding {
	return finding{state: OK, detail: fmt.Sprintf(format, args...)}
}

func skip(format string, args ...any) finding {
	return finding{state: Skipped, detail: fmt.Sprintf(format, args...)}
}

// warn and fail return the result of a check with what to do about it.
func warn(fix, format string, args ...any) finding {
	return finding{
		state:  Warning,
		detail: fmt.Sprintf(format, args...),
		fix:    fix,
	}
}

func fail(fix, format string, args ...any) finding {
	f := warn(fix, format, args...)
	f.state = Failure

	return f
}

// maxMerged limits how many results of one check are named.
const maxMerged = 5

// merge returns one result for a check of several objects: that of those in the worst state, or good if all are ok.
func merge(good finding, all ...finding) finding {
	worst := good
	for _, f := range all {
		if f.state.severity() > worst.state.severity() {
			worst = f
		}
	}

	if worst.state == OK {
		return good
	}

	var details, fixes []string

	for _, f := range all {
		if f.state != worst.state {
			continue
		}

		details = append(details, f.detail)

		if f.fix != "" && !slices.Contains(fixes, f.fix) {
			fixes = append(fixes, f.fix)
		}
	}

	if more := len(details) - maxMerged; more > 0 {
		details = append(details[:maxMerged], fmt.Sprintf("and %d more", more))
	}

	worst.detail = strings.Join(details, "; ")
	worst.fix = strings.Join(fixes[:min(len(fixes), maxMerged)], "; ")

	return worst
}

// Select returns the checks whose name or group is in names, or all if there are no names.
func Select(checks []Check, names []string) []Check {
	if len(names) == 0 {
		return checks
	}

	return slices.DeleteFunc(slices.Clone(checks), func(c Check) bool {
		return !slices.Contains(names, c.Name) && !slices.Contains(names, c.Group)
	})
}

// Unknown returns those names that are neither a check nor a group.
func Unknown(checks []Check, names []string) []string {
	unknown := slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return slices.ContainsFunc(checks, func(c Check) bool { return c.Name == name || c.Group == name })
	})
	slices.SortFunc(unknown, cmp.Compare[string])

	return unknown
}
