// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"slices"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

func TestFallbackCause(t *testing.T) {
	unusable := store.Failure{Class: string(failure.Permanent), Code: assistant.CodeBadResponse}
	dead := store.Failure{Class: string(failure.Permanent), Code: assistant.CodeBadResponse, Spent: true}
	lost := store.Failure{Class: string(failure.Ambiguous), Spent: true}
	refused := store.Failure{Class: string(failure.Configuration), Code: cloudapi.CodeBadResponse}
	restored := store.Failure{Class: string(failure.Ambiguous), Code: store.CodeRestored}

	for name, tc := range map[string]struct {
		failures []store.Failure
		attempts int
		want     bool
	}{
		"none":                             {want: false},
		"an unusable answer":               {failures: []store.Failure{unusable}, want: true},
		"with a lost send after it":        {failures: []store.Failure{unusable, lost}, attempts: 1, want: true},
		"with a lost question before it":   {failures: []store.Failure{lost, unusable}, attempts: 1, want: true},
		"with a refused send after it":     {failures: []store.Failure{unusable, refused}, want: true},
		"a refused send alone":             {failures: []store.Failure{refused}, want: false},
		"a lost send alone":                {failures: []store.Failure{lost}, attempts: 1, want: false},
		"before a replay":                  {failures: []store.Failure{unusable, dead}, want: false},
		"before a replay with a lost send": {failures: []store.Failure{unusable, dead, lost}, attempts: 1, want: false},
		"before and after a replay":        {failures: []store.Failure{unusable, dead, unusable}, want: true},
		"before a restored copy ended":     {failures: []store.Failure{unusable, restored}, want: false},
	} {
		t.Run(name, func(t *testing.T) {
			record := &store.Record{Failures: slices.Clone(tc.failures)}
			record.Attempts = tc.attempts

			if got := fallbackCause(record); (got != nil) != tc.want {
				t.Errorf("fallbackCause = %v, want one: %t", got, tc.want)
			}
		})
	}
}
