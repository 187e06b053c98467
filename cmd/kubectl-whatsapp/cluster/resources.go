// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
)

const (
	kind = "whatsappwebhooks.whatsapp.wawebhook.dev"
	// maxNames bounds the names in a message.
	maxNames = 10
)

// Webhook returns the resource of the given name in the namespace of the flags.
func (c *Cluster) Webhook(ctx context.Context, name string) (*v1alpha1.WhatsAppWebhook, error) {
	bounded, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()

	webhook := &v1alpha1.WhatsAppWebhook{}

	err := c.client.Get(bounded, client.ObjectKey{
		Namespace: c.Namespace,
		Name:      name,
	}, webhook)
	if apierrors.IsNotFound(err) {
		return nil, c.notFound(ctx, name)
	}

	return webhook, c.explain(err, fmt.Sprintf("get the WhatsAppWebhook %s of the namespace %s", name, c.Namespace), right{
		verb:      "get",
		resource:  kind,
		namespace: c.Namespace,
	})
}

// notFound says which resources there are instead.
func (c *Cluster) notFound(ctx context.Context, name string) error {
	fix := fmt.Sprintf("The namespace has none. Choose another with -n, or see all with kubectl get %s -A.", kind)

	there, err := c.Webhooks(ctx, c.Namespace)
	if err != nil {
		fix = "Choose another namespace with -n."
	}

	if len(there) > 0 {
		var names []string
		for _, webhook := range there[:min(len(there), maxNames)] {
			names = append(names, webhook.Name)
		}

		if len(there) > maxNames {
			names = append(names, "…")
		}

		fix = fmt.Sprintf("The namespace has: %s. Choose another namespace with -n.", strings.Join(names, ", "))
	}

	return output.Failed(fix, "there is no WhatsAppWebhook %s in the namespace %s", name, c.Namespace)
}

// Webhooks returns the resources of a namespace by namespace and name, or those of all namespaces for "".
func (c *Cluster) Webhooks(ctx context.Context, namespace string) ([]v1alpha1.WhatsAppWebhook, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()

	list := &v1alpha1.WhatsAppWebhookList{}

	where := "of the namespace " + namespace
	if namespace == "" {
		where = "of all namespaces"
	}

	err := c.client.List(ctx, list, client.InNamespace(namespace))
	if err != nil {
		return nil, c.explain(err, "list the WhatsAppWebhooks "+where, right{
			verb:      "list",
			resource:  kind,
			namespace: namespace,
		})
	}

	slices.SortFunc(list.Items, func(a, b v1alpha1.WhatsAppWebhook) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})

	return list.Items, nil
}

// Receivers returns the receiver pods of a resource by name.
func (c *Cluster) Receivers(ctx context.Context, namespace, name string) ([]corev1.Pod, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()

	pods := &corev1.PodList{}

	err := c.client.List(ctx, pods, client.InNamespace(namespace),
		client.MatchingLabels(resources.SelectorLabels(resources.Name(name))))
	if err != nil {
		return nil, c.explain(err, fmt.Sprintf("list the receiver pods of %s", name), right{
			verb:      "list",
			resource:  "pods",
			namespace: namespace,
		})
	}

	slices.SortFunc(pods.Items, func(a, b corev1.Pod) int { return cmp.Compare(a.Name, b.Name) })

	return pods.Items, nil
}

// choose returns the pod to connect to: a ready pod if there is one, else a running pod.
func choose(pods []corev1.Pod) (*corev1.Pod, bool) {
	var running *corev1.Pod

	for i := range pods {
		pod := &pods[i]

		switch {
		case pod.DeletionTimestamp != nil || pod.Status.Phase != corev1.PodRunning:
		case isReady(pod):
			return pod, true
		case running == nil:
			running = pod
		}
	}

	return running, running != nil
}

func isReady(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Status.Conditions, func(condition corev1.PodCondition) bool {
		return condition.Type == corev1.PodReady && condition.Status == corev1.ConditionTrue
	})
}

// noReceiver says why a resource has no pod to connect to.
func noReceiver(webhook *v1alpha1.WhatsAppWebhook) error {
	fix := fmt.Sprintf("See kubectl -n %s describe whatsappwebhook %s.", webhook.Namespace, webhook.Name)

	ready := meta.FindStatusCondition(webhook.Status.Conditions, v1alpha1.ConditionReady)
	if ready == nil {
		return output.Unreachable(
			"Check that the operator runs. "+fix,
			"%s has no receiver pod that runs, and the operator has not seen the resource yet", webhook.Name)
	}

	return output.Unreachable(fix, "%s has no receiver pod that runs: Ready is %s, %s: %s",
		webhook.Name, ready.Status, ready.Reason, strings.TrimSuffix(ready.Message, "."))
}
