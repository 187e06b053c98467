// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-logr/logr"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
)

const (
	operatorRatio  = 1.5
	operatorMemory = 100 // MB
	// operatorWorkers is how many of its requests the plain client has in flight: as many as the operator has workers.
	operatorWorkers = 8
	plainOwner      = "bench"
)

// operator measures how long the real manager takes to bring so many new resources to a steady state at a real API
// server, beside a plain client that writes the same objects; and what it writes when there is nothing to do.
func operator(ctx context.Context, count int, quiet time.Duration) (_ []figure, err error) {
	ctrl.SetLogger(logr.Discard())

	world, err := startCluster(ctx)
	if err != nil {
		return nil, err
	}

	defer func() { err = errors.Join(err, world.stop()) }()

	// Before and after, since the machine's speed and the server's caches change meanwhile.
	first, plainly, err := world.timePlain(ctx, "before", count)
	if err != nil {
		return nil, err
	}

	if _, err := world.makeResources(ctx, "operated", count); err != nil {
		return nil, err
	}

	before, err := world.writes(ctx)
	if err != nil {
		return nil, err
	}

	spent, err := processors()
	if err != nil {
		return nil, err
	}

	steadied := world.steady(ctx, "operated", count)
	began := time.Now()

	manager, err := world.startManager(ctx)
	if err != nil {
		return nil, err
	}

	defer func() { err = errors.Join(err, manager.stop()) }()

	ended, err := steadied()
	if err != nil {
		return nil, fmt.Errorf("wait for a steady state: %w\n%s", err, manager.log.String())
	}

	took := ended.Sub(began)

	if spent, err = usageSince(spent); err != nil {
		return nil, err
	}

	steady, err := world.awaitSilence(ctx)
	if err != nil {
		return nil, err
	}

	if err := sleep(ctx, quiet); err != nil {
		return nil, err
	}

	silent, err := world.writes(ctx)
	if err != nil {
		return nil, err
	}

	resident, peak, err := manager.memory()
	if err != nil {
		return nil, err
	}

	// An optional API that comes has every resource looked at again.
	if _, err := envtest.InstallCRDs(world.config, envtest.CRDInstallOptions{CRDs: []*crd{extensionCRD()}}); err != nil {
		return nil, fmt.Errorf("install an optional API: %w", err)
	}

	installed, err := world.writes(ctx)
	if err != nil {
		return nil, err
	}

	looks, err := manager.awaitLooks(ctx, count)
	if err != nil {
		return nil, err
	}

	resynced, err := world.writes(ctx)
	if err != nil {
		return nil, err
	}

	var changed [2]int
	for i := range changed {
		versions, err := world.versions(ctx, "operated")
		if err != nil {
			return nil, err
		}

		if err := manager.stop(); err != nil {
			return nil, err
		}

		if manager, err = world.startManager(ctx); err != nil {
			return nil, err
		}

		if _, err := manager.awaitLooks(ctx, count); err != nil {
			return nil, err
		}

		if changed[i], err = world.changedSince(ctx, "operated", versions); err != nil {
			return nil, err
		}
	}

	if err := manager.stop(); err != nil {
		return nil, err
	}

	second, _, err := world.timePlain(ctx, "after", count)
	if err != nil {
		return nil, err
	}

	base := (first + second) / 2
	ratio := took.Seconds() / base.Seconds()

	return []figure{
		{
			name:     fmt.Sprintf("plain client, %s resources, before and after", thousands(count)),
			measured: seconds(first) + ", " + seconds(second),
			verdict:  baseLine,
		},
		plainly.of(count, "resource"),
		{
			name:     fmt.Sprintf("operator, %s resources to steady state", thousands(count)),
			measured: seconds(took),
			target:   fmt.Sprintf("<= %.1f times", operatorRatio),
			ratio:    times(ratio),
			verdict:  verdict(ratio <= operatorRatio),
		},
		spent.of(count, "resource"),
		{name: "  writes of it, a resource", measured: fmt.Sprintf("%.2f", float64(steady-before)/float64(count))},
		{
			name:     fmt.Sprintf("  writes during %s of quiet", quiet),
			measured: fmt.Sprint(silent - steady),
			target:   "0",
			verdict:  verdict(silent == steady),
		},
		{
			name:     fmt.Sprintf("  writes while all are looked at again (%d)", looks),
			measured: fmt.Sprint(resynced - installed),
			target:   "0",
			verdict:  verdict(resynced == installed),
		},
		// The API server writes a claim anew the first time it is applied again, whatever is applied.
		{name: "  objects that a first restart changes (claims)", measured: fmt.Sprint(changed[0])},
		{
			name:     "  objects that a second restart changes",
			measured: fmt.Sprint(changed[1]),
			target:   "0",
			verdict:  verdict(changed[1] == 0),
		},
		{
			name:     "  memory of the manager, now and at most",
			measured: fmt.Sprintf("%d MB, %d MB", resident, peak),
			target:   fmt.Sprintf("<= %d MB", operatorMemory),
			ratio:    times(float64(resident) / operatorMemory),
			verdict:  verdict(resident <= operatorMemory),
		},
	}, nil
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// sample is a resource with the children that most have.
func sample(namespace string, i int) *v1alpha1.WhatsAppWebhook {
	key := func(key string) v1alpha1.SecretKeyReference {
		return v1alpha1.SecretKeyReference{Name: "whatsapp", Key: key}
	}

	return &v1alpha1.WhatsAppWebhook{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: fmt.Sprintf("webhook-%d", i)},
		Spec: v1alpha1.WhatsAppWebhookSpec{
			CloudAPI: v1alpha1.CloudAPISpec{
				AccessTokenSecretRef: key("access-token"),
				AppSecretSecretRefs:  []v1alpha1.SecretKeyReference{key("app-secret")},
				VerifyTokenSecretRef: key("verify-token"),
			},
			Bird:    v1alpha1.BirdSpec{BaseURL: "https://bridge.example.com", AccessKeySecretRef: key("access-key")},
			Ingress: v1alpha1.IngressSpec{Host: fmt.Sprintf("hooks-%d.example.com", i)},
		},
	}
}

// makeResources creates the resources only.
func (w *cluster) makeResources(ctx context.Context, namespace string, count int) ([]*v1alpha1.WhatsAppWebhook, error) {
	if err := w.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}); err != nil {
		return nil, fmt.Errorf("create namespace %s: %w", namespace, err)
	}

	made := make([]*v1alpha1.WhatsAppWebhook, count)

	var group errgroup.Group
	group.SetLimit(operatorWorkers)

	for i := range made {
		made[i] = sample(namespace, i)
		group.Go(func() error { return w.Create(ctx, made[i]) })
	}

	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("create resources: %w", err)
	}

	return made, nil
}

func (w *cluster) timePlain(ctx context.Context, namespace string, count int) (took time.Duration, spent usage, err error) {
	webhooks, err := w.makeResources(ctx, namespace, count)
	if err != nil {
		return 0, usage{}, err
	}

	before, err := processors()
	if err != nil {
		return 0, usage{}, err
	}

	began := time.Now()

	if err := w.writePlainly(ctx, webhooks); err != nil {
		return 0, usage{}, fmt.Errorf("the plain client: %w", err)
	}

	took = time.Since(began)

	if spent, err = usageSince(before); err != nil {
		return 0, usage{}, err
	}

	return took, spent, w.deleteAll(ctx, namespace)
}

// writePlainly applies what the operator would, and a status, without reading anything.
func (w *cluster) writePlainly(ctx context.Context, webhooks []*v1alpha1.WhatsAppWebhook) error {
	errs := make([]error, len(webhooks))
	workqueue.ParallelizeUntil(ctx, operatorWorkers, len(webhooks), func(i int) {
		errs[i] = w.writeOne(ctx, webhooks[i])
	})

	return errors.Join(errs...)
}

func (w *cluster) writeOne(ctx context.Context, webhook *v1alpha1.WhatsAppWebhook) error {
	params, err := resources.NewParams(webhook, resources.Environment{ReceiverImage: "registry.example.com/receiver:bench"})
	if err != nil {
		return err
	}

	for _, object := range resources.Render(params) {
		if err := w.Apply(ctx, object, client.FieldOwner(plainOwner), client.ForceOwnership); err != nil {
			return err
		}
	}

	before := webhook.DeepCopy()
	webhook.Status = v1alpha1.WhatsAppWebhookStatus{ObservedGeneration: webhook.Generation, URL: resources.URL(webhook)}

	return w.Status().Patch(ctx, webhook, client.MergeFrom(before))
}
