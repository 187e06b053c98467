// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package status

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
)

// turns orders the receivers for calls that may not reach all of them: the least recently asked one comes first, whether it
// answered or not. Otherwise receivers that never answer would come first in every call, and take all its time.
type turns struct {
	mu    sync.Mutex
	last  int64                          // the number of the latest turn
	asked map[types.NamespacedName]int64 // the latest turn of each resource
}

// sort sorts resources by their latest turns, those without one first, and forgets the resources that are gone.
func (t *turns) sort(webhooks []v1alpha1.WhatsAppWebhook) {
	t.mu.Lock()
	defer t.mu.Unlock()

	there := make(map[types.NamespacedName]int64, len(webhooks))
	for i := range webhooks {
		there[nameOf(&webhooks[i])] = t.asked[nameOf(&webhooks[i])]
	}

	t.asked = there

	slices.SortStableFunc(webhooks, func(a, b v1alpha1.WhatsAppWebhook) int {
		return cmp.Compare(there[nameOf(&a)], there[nameOf(&b)])
	})
}

// begin gives a resource the next turn.
func (t *turns) begin(webhook *v1alpha1.WhatsAppWebhook) {
	t.mu.Lock()
	defer t.mu.Unlock()

	t.last++
	t.asked[nameOf(webhook)] = t.last
}

// errNotAsked is why a page shows a resource without its receiver when the others took all the time.
var errNotAsked = fmt.Errorf("the receiver was not asked within %d s", pageTime/time.Second)

// until returns an asker that asks no receiver from a time on.
func (t *turns) until(end time.Time, ask asker) asker {
	return func(ctx context.Context, webhook *v1alpha1.WhatsAppWebhook) (*health.Report, string, error) {
		if !time.Now().Before(end) {
			return nil, "", errNotAsked
		}

		t.begin(webhook)

		return ask(ctx, webhook)
	}
}

func nameOf(webhook *v1alpha1.WhatsAppWebhook) types.NamespacedName {
	return types.NamespacedName{
		Namespace: webhook.Namespace,
		Name:      webhook.Name,
	}
}
