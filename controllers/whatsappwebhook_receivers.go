// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
)

// trackReceivers records the receiver's pods and their last reports, and gives the poller their addresses.
func (r *WhatsAppWebhookReconciler) trackReceivers(
	ctx context.Context,
	webhook *v1alpha1.WhatsAppWebhook,
	p *plan,
	seen *observation,
) {
	pods := &corev1.PodList{}
	if err := r.client.List(ctx, pods, client.InNamespace(webhook.Namespace),
		client.MatchingLabels(resources.SelectorLabels(resources.Name(webhook.Name)))); err != nil {
		seen.fail("listing the receiver's pods", err)
		return
	}

	seen.pods = pods.Items

	// A Service of another owner would list other pods.
	if p.failed(resources.Reference{Kind: "Service", Name: resources.AdminServiceName(webhook.Name)}) {
		return
	}

	addresses, err := r.podAddresses(ctx, webhook, pods.Items)
	if err != nil {
		seen.fail("listing the addresses of the receiver's pods", err)
		return
	}

	seen.reported = r.poller.Track(client.ObjectKeyFromObject(webhook), addresses)
}

// podAddresses returns the addresses of the receiver's pods that are not terminating. It reads the slices of the headless
// Service, which also lists pods that are not ready. Who may write slices could list pods of other namespaces, whose
// NetworkPolicies admit the operator, and read their state: so only addresses of the pods are returned.
func (r *WhatsAppWebhookReconciler) podAddresses(
	ctx context.Context,
	webhook *v1alpha1.WhatsAppWebhook,
	pods []corev1.Pod,
) ([]string, error) {
	own := map[string]bool{}
	for _, pod := range pods {
		if pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
			continue // its address may be that of another pod by now
		}

		for _, address := range pod.Status.PodIPs {
			own[address.IP] = true
		}
	}

	slices := &discoveryv1.EndpointSliceList{}
	if err := r.client.List(ctx, slices, client.InNamespace(webhook.Namespace), client.MatchingLabels{
		discoveryv1.LabelServiceName: resources.AdminServiceName(webhook.Name),
	}); err != nil {
		return nil, fmt.Errorf("list EndpointSlices: %w", err)
	}

	var addresses []string
	for _, slice := range slices.Items {
		for _, endpoint := range slice.Endpoints {
			terminating := endpoint.Conditions.Terminating != nil && *endpoint.Conditions.Terminating
			if len(endpoint.Addresses) > 0 && own[endpoint.Addresses[0]] && !terminating {
				addresses = append(addresses, endpoint.Addresses[0])
			}
		}
	}

	return addresses, nil
}
