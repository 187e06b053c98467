// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
)

// statusCache holds the last status written for each resource. The manager's cache may lag behind that write when the
// objects just created trigger a reconciliation, and transitions are computed from the previous status.
type statusCache struct {
	mu      sync.Mutex
	written map[types.NamespacedName]writtenStatus
}

type writtenStatus struct {
	uid             types.UID
	resourceVersion string
	status          v1alpha1.WhatsAppWebhookStatus
}

func newStatusCache() *statusCache {
	return &statusCache{written: map[types.NamespacedName]writtenStatus{}}
}

// put records the status that was written.
func (s *statusCache) put(webhook *v1alpha1.WhatsAppWebhook) {
	s.mu.Lock()
	defer s.mu.Unlock()

	s.written[client.ObjectKeyFromObject(webhook)] = writtenStatus{
		uid:             webhook.UID,
		resourceVersion: webhook.ResourceVersion,
		status:          *webhook.Status.DeepCopy(),
	}
}

// refresh replaces the status of a resource that was read before the last write by the status written. It removes the
// entry once the manager's cache has caught up.
func (s *statusCache) refresh(webhook *v1alpha1.WhatsAppWebhook) {
	s.mu.Lock()
	defer s.mu.Unlock()

	key := client.ObjectKeyFromObject(webhook)

	last, ok := s.written[key]
	if !ok {
		return
	}

	order, err := resourceversion.CompareResourceVersion(webhook.ResourceVersion, last.resourceVersion)

	stale := err == nil && order < 0 && last.uid == webhook.UID
	if stale {
		webhook.Status = *last.status.DeepCopy()

		return
	}

	delete(s.written, key)
}

func (s *statusCache) remove(resource types.NamespacedName) {
	s.mu.Lock()
	defer s.mu.Unlock()

	delete(s.written, resource)
}
