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

// nodeDrained runs the receivers under an autoscaler and drains their node. One is evicted; the disruption budget keeps the
// others until a new pod is scheduled. No delivery is refused.
func (s *suite) nodeDrained(t *testing.T) {
	s.newPods(t, 2, nil)
	s.underLoad(t, "orders", func() {
		refused := s.refusals(t)
		s.patch(t, "waw/orders", `{"spec":{"receiver":{
			"replicas":null,
			"autoscaling":{"minReplicas":3,"maxReplicas":4},
			"resources":{"requests":{"cpu":"50m","memory":"64Mi"},"limits":{"memory":"256Mi"}},
			"podDisruptionBudget":{"maxUnavailable":1}
		}}}`)
		before := s.newPods(t, 3, nil)
		logStep(t, "the autoscaler runs three receivers:\n%s", s.kubectl(t, "get", "hpa,pdb"))

		drained := make(chan error, 1)

		node := before[0].Spec.NodeName
		go func() {
			selector := labels.Set(resources.SelectorLabels("orders")).String()

			_, err := s.Kubectl(
				t.Context(),
				"drain",
				node,
				"--pod-selector="+selector,
				"--delete-emptydir-data",
				"--timeout=10m",
			)
			drained <- err
		}()

		s.eventually(t, func(ctx context.Context) error {
			pods, err := s.pods(ctx, "orders")
			if err == nil && (len(pods) != 3 || len(among(pods, before)) != 2) {
				err = fmt.Errorf("kubectl drain has not evicted one of three: %s", phases(pods))
			}

			return err
		})
		s.waitForMessages(t)

		pods, err := s.pods(t.Context(), "orders")
		if err != nil {
			t.Fatal(err)
		}

		if stayed := among(pods, before); len(stayed) != 2 || !ready(stayed[0]) || !ready(stayed[1]) {
			t.Errorf("kubectl drain evicted more than one pod: %s", phases(pods))
		}

		logStep(t, "kubectl drain has evicted one pod and waits: %s", phases(pods))
		s.kubectl(t, "uncordon", node)

		if err := <-drained; err != nil {
			t.Error(err)
		}

		s.newPods(t, 3, before)
		s.waitForMessages(t)

		if now := s.refusals(t); !maps.Equal(refused, now) {
			t.Errorf("deliveries were refused during the drain: %v before, %v after", refused, now)
		}

		logStep(t, "the node accepts pods again: all three are replaced, no delivery was refused")
	})
	s.kubectl(t, "delete", "waw/orders", "--wait")
	s.eventually(t, func(ctx context.Context) error {
		pods, err := s.pods(ctx, "orders")
		if err == nil && len(pods) > 0 {
			err = fmt.Errorf("pods still exist: %s", phases(pods))
		}

		return err
	})
	s.deliverTo(t, "sales")
}
