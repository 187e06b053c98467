// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
)

const (
	fleetSize = 10
	// upgradesAtOnce is the manager's default.
	upgradesAtOnce = 3
)

// fleetUpgraded upgrades the operator to another default image of the receivers while it has ten more resources. They roll a
// few at a time.
func (s *suite) fleetUpgraded(t *testing.T) {
	manifest, err := testdata.ReadFile("testdata/branch.yaml")
	if err != nil {
		t.Fatal(err)
	}

	names := make([]string, 0, fleetSize)
	for i := range fleetSize {
		name := fmt.Sprintf("fleet-%d", i)
		names = append(names, name)
		one := strings.NewReplacer("name: branch\n", "name: "+name+"\n", "  ingress: {host: branch.example.com}\n", "").Replace(string(manifest))

		if err := s.Apply(t.Context(), namespace, one); err != nil {
			t.Fatal(err)
		}
	}

	for _, name := range names {
		s.isReady(t, namespace, name)
	}

	logStep(t, "%d resources are ready; helm upgrade to another image of the receivers", fleetSize)
	s.helm(t, "upgrade", release, chart, "--reuse-values", "--wait", "--timeout=5m", "--set=receiverImage.tag=local-next")

	most := 0
	s.eventually(t, func(ctx context.Context) error {
		rolling, waiting, err := s.rollouts(ctx)
		if err != nil {
			return err
		}

		most = max(most, rolling)
		if rolling+waiting > 0 {
			return fmt.Errorf("%d receivers roll, %d wait", rolling, waiting)
		}

		return nil
	})

	if most == 0 || most > upgradesAtOnce {
		t.Errorf("up to %d receivers rolled at once, want 1 to %d", most, upgradesAtOnce)
	}

	for _, name := range names {
		s.isReady(t, namespace, name)
	}

	logStep(t, "all receivers are upgraded, up to %d at once", most)
	s.kubectl(t, append([]string{"delete", "waw", "--wait"}, names...)...)
}

// rollouts counts the Deployments of receivers that roll to the new image, and the Deployments that still have the former one.
func (s *suite) rollouts(ctx context.Context) (rolling, waiting int, err error) {
	var deployments appsv1.DeploymentList
	if err := s.List(ctx, &deployments, client.InNamespace(namespace), client.MatchingLabelsSelector{Selector: resources.Managed()}); err != nil {
		return 0, 0, err
	}

	for _, d := range deployments.Items {
		switch {
		case !strings.HasSuffix(d.Spec.Template.Spec.Containers[0].Image, ":local-next"):
			waiting++
		case d.Status.ObservedGeneration < d.Generation || d.Status.UpdatedReplicas < 1 || d.Status.AvailableReplicas < 1:
			rolling++
		}
	}

	return rolling, waiting, nil
}
