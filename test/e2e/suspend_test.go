// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// suspended suspends the reconciliation under load. The receiver runs on, and objects that are deleted by hand stay away until
// the reconciliation goes on.
func (s *suite) suspended(t *testing.T) {
	deleted := []string{"ServiceAccount/sales", "PodDisruptionBudget/sales"}
	before := s.pod(t, "sales")
	load := s.underLoad(t, "sales", func() {
		s.patch(t, "waw/sales", `{"spec":{"suspend":true}}`)
		logStep(t, "suspended:\n%s", s.kubectl(t, "get", "waw/sales"))
		s.kubectl(t, append([]string{"delete"}, deleted...)...)
		s.waitForMessages(t)

		// Nothing announces that the operator does nothing. It corrects a change within two seconds otherwise.
		select {
		case <-time.After(10 * time.Second):
		case <-t.Context().Done():
		}

		found, err := s.leftover(t.Context())
		if err != nil {
			t.Fatal(err)
		}

		for _, unwanted := range deleted {
			if slices.Contains(found, unwanted) {
				t.Errorf("%s was created while the resource is suspended", unwanted)
			}
		}

		s.patch(t, "waw/sales", `{"spec":{"suspend":null}}`)
		s.eventually(t, func(ctx context.Context) error {
			found, err := s.leftover(ctx)
			if err != nil {
				return err
			}

			for _, wanted := range deleted {
				if !slices.Contains(found, wanted) {
					return fmt.Errorf("%s is missing in %s", wanted, strings.Join(found, " "))
				}
			}

			return nil
		})
		s.isReady(t, namespace, "sales")
		logStep(t, "resumed")
	})
	s.sameProcess(t, "sales", before)
	refusedNothing(t, load, "while suspended")
}
