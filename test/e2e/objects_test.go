// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
)

// pods returns the receivers of a WhatsAppWebhook.
func (s *suite) pods(ctx context.Context, webhook string) ([]corev1.Pod, error) {
	var list corev1.PodList

	err := s.List(
		ctx,
		&list,
		client.InNamespace(namespace),
		client.MatchingLabels(resources.SelectorLabels(webhook)),
	)

	return list.Items, err
}

// pod waits until a WhatsAppWebhook has exactly one receiver and it is ready, and returns it.
func (s *suite) pod(t *testing.T, webhook string) corev1.Pod {
	t.Helper()

	var only corev1.Pod
	s.eventually(t, func(ctx context.Context) error {
		pods, err := s.pods(ctx, webhook)
		switch {
		case err != nil:
			return err
		case len(pods) != 1 || !ready(pods[0]):
			return fmt.Errorf("%s has %d pods: %s", webhook, len(pods), phases(pods))
		}

		only = pods[0]

		return nil
	})

	return only
}

func phases(pods []corev1.Pod) string {
	var text []string
	for _, pod := range pods {
		text = append(text, fmt.Sprintf("%s is %s, ready: %v", pod.Name, pod.Status.Phase, ready(pod)))
	}

	return strings.Join(text, "; ")
}

func restarts(pod corev1.Pod) int32 {
	var n int32
	for _, c := range pod.Status.ContainerStatuses {
		n += c.RestartCount
	}

	return n
}

// sameProcess fails the test if the pod was replaced or restarted since before.
func (s *suite) sameProcess(t *testing.T, webhook string, before corev1.Pod) {
	t.Helper()

	now := s.pod(t, webhook)
	if now.UID != before.UID || restarts(now) != restarts(before) {
		t.Errorf(
			"pod %s with %d restarts is now %s with %d",
			before.Name,
			restarts(before),
			now.Name,
			restarts(now),
		)
	}
}

// anotherPod waits until the pod is replaced and the new pod is ready.
func (s *suite) anotherPod(t *testing.T, webhook string, before types.UID) {
	t.Helper()
	s.eventually(t, func(ctx context.Context) error {
		pods, err := s.pods(ctx, webhook)
		if err == nil && (len(pods) != 1 || pods[0].UID == before || !ready(pods[0])) {
			err = fmt.Errorf("the pod of %s is not replaced: %s", webhook, phases(pods))
		}

		return err
	})
}

func (s *suite) webhook(ctx context.Context, name string) (*v1alpha1.WhatsAppWebhook, error) {
	var webhook v1alpha1.WhatsAppWebhook

	err := s.Get(ctx, types.NamespacedName{Namespace: namespace, Name: name}, &webhook)

	return &webhook, err
}

// conditions waits until each condition of the newest generation has the wanted status and reason, such as
// "False/SecretMissing", and returns the resource.
func (s *suite) conditions(t *testing.T, name string, want map[string]string) *v1alpha1.WhatsAppWebhook {
	t.Helper()

	var webhook *v1alpha1.WhatsAppWebhook
	s.eventually(t, func(ctx context.Context) error {
		var err error
		if webhook, err = s.webhook(ctx, name); err != nil {
			return err
		}

		if webhook.Status.ObservedGeneration != webhook.Generation {
			return fmt.Errorf("generation %d is not observed", webhook.Generation)
		}

		for kind, wanted := range want {
			got := "absent"
			if c := meta.FindStatusCondition(webhook.Status.Conditions, kind); c != nil {
				got = string(c.Status) + "/" + c.Reason
			}

			if got != wanted {
				return fmt.Errorf("%s is %s, want %s", kind, got, wanted)
			}
		}

		return nil
	})

	return webhook
}

func (s *suite) condition(webhook *v1alpha1.WhatsAppWebhook, kind string) string {
	if c := meta.FindStatusCondition(webhook.Status.Conditions, kind); c != nil {
		return c.Message
	}

	return ""
}

// children are the kinds of the objects of a WhatsAppWebhook without optional APIs.
var children = []schema.GroupVersionKind{
	{Version: "v1", Kind: "ServiceAccount"},
	{Version: "v1", Kind: "ConfigMap"},
	{Version: "v1", Kind: "Service"},
	{Version: "v1", Kind: "PersistentVolumeClaim"},
	{Group: "apps", Version: "v1", Kind: "Deployment"},
	{Group: "policy", Version: "v1", Kind: "PodDisruptionBudget"},
	{Group: "networking.k8s.io", Version: "v1", Kind: "NetworkPolicy"},
}

// leftover lists the operator's objects, the pods and the volumes of the namespace, by kind and name.
func (s *suite) leftover(ctx context.Context) ([]string, error) {
	var found []string

	list := func(kind schema.GroupVersionKind, options ...client.ListOption) error {
		objects := &unstructured.UnstructuredList{}
		objects.SetGroupVersionKind(kind)

		if err := s.List(ctx, objects, options...); err != nil {
			return fmt.Errorf("list %s: %w", kind.Kind, err)
		}

		for _, o := range objects.Items {
			found = append(found, kind.Kind+"/"+o.GetName())
		}

		return nil
	}

	managed := client.MatchingLabelsSelector{Selector: resources.Managed()}
	for _, kind := range children {
		if err := list(kind, client.InNamespace(namespace), managed); err != nil {
			return nil, err
		}
	}

	if err := list(schema.GroupVersionKind{Version: "v1", Kind: "Pod"}, client.InNamespace(namespace)); err != nil {
		return nil, err
	}

	var volumes corev1.PersistentVolumeList
	if err := s.List(ctx, &volumes); err != nil {
		return nil, fmt.Errorf("list volumes: %w", err)
	}

	for _, volume := range volumes.Items {
		if claim := volume.Spec.ClaimRef; claim != nil && claim.Namespace == namespace {
			found = append(found, "PersistentVolume/"+volume.Name)
		}
	}

	slices.Sort(found)

	return found, nil
}

// nothingLeft waits until leftover is empty.
func (s *suite) nothingLeft(t *testing.T) {
	t.Helper()
	s.eventually(t, func(ctx context.Context) error {
		found, err := s.leftover(ctx)
		if err == nil && len(found) > 0 {
			err = fmt.Errorf("objects still exist: %s", strings.Join(found, ", "))
		}

		return err
	})
}
