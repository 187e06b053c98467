// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"maps"
	"testing"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
)

// nodeDrained leaves the number of receivers to an autoscaler, and drains the node of them: one leaves, and the disruption
// budget keeps the others until there is a place for the next. Of neither is anybody who delivers to notice anything.
func (s *suite) nodeDrained(t *testing.T) {
	s.newPods(t, 2, nil)
	s.underLoad(t, "orders", func() {
		refused := s.refusals(t)
		s.kubectl(t, "patch", "waw/orders", "--type=merge",
			`--patch={"spec":{"receiver":{"replicas":null,"autoscaling":{"minReplicas":3,"maxReplicas":4},"podDisruptionBudget":{"maxUnavailable":1}}}}`)
		before := s.newPods(t, 3, nil)
		say(t, "an autoscaler makes them three:\n%s", s.kubectl(t, "get", "hpa,pdb"))

		drained := make(chan error, 1)

		node := before[0].Spec.NodeName
		go func() {
			_, err := s.Kubectl(t.Context(), "drain", node, "--pod-selector="+labels.Set(resources.SelectorLabels("orders")).String(), "--delete-emptydir-data", "--timeout=2m")
			drained <- err
		}()

		s.eventually(t, func(ctx context.Context) error {
			pods, err := s.pods(ctx, "orders")
			if err == nil && (len(pods) != 3 || len(among(pods, before)) != 2) {
				err = fmt.Errorf("it has not taken one of three away: %s", phases(pods))
			}

			return err
		})
		s.more(t)

		pods, err := s.pods(t.Context(), "orders")
		if err != nil {
			t.Fatal(err)
		}

		if stayed := among(pods, before); len(stayed) != 2 || !ready(stayed[0]) || !ready(stayed[1]) {
			t.Errorf("kubectl drain has not waited: %s", phases(pods))
		}

		say(t, "kubectl drain took one away and waits: %s", phases(pods))
		s.kubectl(t, "uncordon", node)

		if err := <-drained; err != nil {
			t.Error(err)
		}

		s.newPods(t, 3, before)
		s.more(t)

		if now := s.refusals(t); !maps.Equal(refused, now) {
			t.Errorf("deliveries were refused meanwhile: %v before, %v after", refused, now)
		}

		say(t, "the node takes pods again: all three are replaced, without a refused delivery")
	})
	s.kubectl(t, "delete", "waw/orders", "--wait")
	s.eventually(t, func(ctx context.Context) error {
		pods, err := s.pods(ctx, "orders")
		if err == nil && len(pods) > 0 {
			err = fmt.Errorf("there are pods: %s", phases(pods))
		}

		return err
	})
	s.deliverTo(t, "sales")
}
