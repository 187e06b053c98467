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

// statuses remembers what was last written for each resource. The cache may not have heard of it yet when the objects
// just made wake the reconciler, and what is new in a status is judged by the one before.
type statuses struct {
	mu      sync.Mutex
	written map[types.NamespacedName]writtenStatus
}

type writtenStatus struct {
	uid             types.UID
	resourceVersion string
	status          v1alpha1.WhatsAppWebhookStatus
}

func newStatuses() *statuses {
	return &statuses{written: map[types.NamespacedName]writtenStatus{}}
}

func (s *statuses) remember(webhook *v1alpha1.WhatsAppWebhook) {
	s.mu.Lock()
	defer s.mu.Unlock()

	s.written[client.ObjectKeyFromObject(webhook)] = writtenStatus{webhook.UID, webhook.ResourceVersion, *webhook.Status.DeepCopy()}
}

// recall gives a resource that was read before the last write the status that was written, and forgets that status
// once the cache has caught up.
func (s *statuses) recall(webhook *v1alpha1.WhatsAppWebhook) {
	s.mu.Lock()
	defer s.mu.Unlock()

	key := client.ObjectKeyFromObject(webhook)

	last, ok := s.written[key]
	if !ok {
		return
	}

	if order, err := resourceversion.CompareResourceVersion(webhook.ResourceVersion, last.resourceVersion); err == nil && order < 0 && last.uid == webhook.UID {
		webhook.Status = *last.status.DeepCopy()
		return
	}

	delete(s.written, key)
}

func (s *statuses) forget(resource types.NamespacedName) {
	s.mu.Lock()
	defer s.mu.Unlock()

	delete(s.written, resource)
}
