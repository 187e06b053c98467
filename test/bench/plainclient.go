// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
)

// sample returns a resource with the usual children.
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
			Bird: v1alpha1.BirdSpec{
				BaseURL:            "https://bridge.example.com",
				AccessKeySecretRef: key("access-key"),
			},
			Ingress: v1alpha1.IngressSpec{Host: fmt.Sprintf("hooks-%d.example.com", i)},
		},
	}
}

// makeResources creates a namespace and the resources in it, without their children.
func (c *cluster) makeResources(
	ctx context.Context,
	namespace string,
	count int,
) ([]*v1alpha1.WhatsAppWebhook, error) {
	if err := c.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}); err != nil {
		return nil, fmt.Errorf("create namespace %s: %w", namespace, err)
	}

	made := make([]*v1alpha1.WhatsAppWebhook, count)

	var group errgroup.Group
	group.SetLimit(operatorWorkers)

	for i := range made {
		made[i] = sample(namespace, i)
		group.Go(func() error { return c.Create(ctx, made[i]) })
	}

	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("create resources: %w", err)
	}

	return made, nil
}

// timePlainClient measures the plain client, and deletes what it wrote.
func (c *cluster) timePlainClient(
	ctx context.Context,
	namespace string,
	count int,
) (took time.Duration, spent spending, sent requests, err error) {
	webhooks, err := c.makeResources(ctx, namespace, count)
	if err != nil {
		return 0, nil, nil, err
	}

	counted, err := c.countRequests(ctx)
	if err != nil {
		return 0, nil, nil, err
	}

	before, err := spendings()
	if err != nil {
		return 0, nil, nil, err
	}

	began := time.Now()

	if err := c.writeAll(ctx, webhooks); err != nil {
		return 0, nil, nil, fmt.Errorf("write with the plain client: %w", err)
	}

	took = time.Since(began)

	after, err := spendings()
	if err != nil {
		return 0, nil, nil, err
	}

	now, err := c.countRequests(ctx)
	if err != nil {
		return 0, nil, nil, err
	}

	return took, after.since(before), now.since(counted), c.deleteAll(ctx, namespace)
}

// writeAll applies the objects and the status that the operator would apply, without reading any object.
func (c *cluster) writeAll(ctx context.Context, webhooks []*v1alpha1.WhatsAppWebhook) error {
	errs := make([]error, len(webhooks))
	workqueue.ParallelizeUntil(ctx, operatorWorkers, len(webhooks), func(i int) {
		errs[i] = c.writeOne(ctx, webhooks[i])
	})

	return errors.Join(errs...)
}

func (c *cluster) writeOne(ctx context.Context, webhook *v1alpha1.WhatsAppWebhook) error {
	params, err := resources.NewParams(
		webhook,
		resources.Environment{ReceiverImage: "registry.example.com/receiver:bench"},
	)
	if err != nil {
		return err
	}

	for _, object := range resources.Render(params) {
		if err := c.Apply(ctx, object, client.FieldOwner(plainOwner), client.ForceOwnership); err != nil {
			return err
		}
	}

	before := webhook.DeepCopy()
	webhook.Status = v1alpha1.WhatsAppWebhookStatus{
		ObservedGeneration: webhook.Generation,
		URL:                resources.URL(webhook),
	}

	return c.Status().Patch(ctx, webhook, client.MergeFrom(before))
}
