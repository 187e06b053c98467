// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/cluster"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
)

const (
	// callTimeout bounds one call.
	callTimeout = 20 * time.Second
	// maxObjects bounds the objects of one list, and maxEvents the events that are kept.
	maxObjects = 500
	maxEvents  = 500
)

// kinds are the kinds of the objects of a resource.
var kinds = []schema.GroupVersionKind{
	{Version: "v1", Kind: "ServiceAccount"},
	{Version: "v1", Kind: "ConfigMap"},
	{Version: "v1", Kind: "PersistentVolumeClaim"},
	{Group: "apps", Version: "v1", Kind: "Deployment"},
	{Group: "apps", Version: "v1", Kind: "ReplicaSet"},
	{Version: "v1", Kind: "Pod"},
	{Version: "v1", Kind: "Service"},
	{Group: "networking.k8s.io", Version: "v1", Kind: "Ingress"},
	{Group: "networking.k8s.io", Version: "v1", Kind: "NetworkPolicy"},
	{Group: "autoscaling", Version: "v2", Kind: "HorizontalPodAutoscaler"},
	{Group: "policy", Version: "v1", Kind: "PodDisruptionBudget"},
	resources.HTTPRouteKind,
	resources.ScaledObjectKind,
	resources.ServiceMonitorKind,
	resources.PrometheusRuleKind,
}

// Cluster adds the objects of the resource from the API server: the resource, its objects, its pods with the last lines of
// their logs, its events, the operator, and the versions. Objects that the user may not read are recorded as missing.
func (b *Bundle) Cluster(ctx context.Context, c *cluster.Cluster, name string, lines int64) {
	b.version(c)

	names := []string{name}
	b.resource(ctx, c, name)

	for _, kind := range kinds {
		names = append(names, b.objects(ctx, c, kind, name)...)
	}

	b.events(ctx, c, names)

	pods, err := c.Receivers(ctx, c.Namespace, name)
	if err != nil {
		b.AddMissing("the logs of the receivers", err)
	}

	for i := range pods {
		b.log(ctx, c, &pods[i], resources.ContainerName, lines)
	}

	b.operator(ctx, c, lines)
}

func (b *Bundle) version(c *cluster.Cluster) {
	config := rest.CopyConfig(c.Config())
	config.Timeout = callTimeout

	api, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		b.AddMissing("cluster/version.json", err)
		return
	}

	version, err := api.ServerVersion()
	if err != nil {
		b.AddMissing("cluster/version.json", err)
		return
	}

	b.JSON("cluster/version.json", version)
}

func (b *Bundle) resource(ctx context.Context, c *cluster.Cluster, name string) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()

	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(v1alpha1.SchemeGroupVersion.WithKind(v1alpha1.Kind))

	if err := c.Client().Get(ctx, client.ObjectKey{Namespace: c.Namespace, Name: name}, object); err != nil {
		b.AddMissing("cluster/WhatsAppWebhook.json", err)
		return
	}

	b.JSON("cluster/WhatsAppWebhook.json", reduced(object))
}

// objects adds the objects of a kind and returns their names.
func (b *Bundle) objects(ctx context.Context, c *cluster.Cluster, kind schema.GroupVersionKind, name string) []string {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()

	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(kind)

	file := "cluster/" + kind.Kind + ".json"

	err := c.Client().List(ctx, list, client.InNamespace(c.Namespace),
		client.MatchingLabels(resources.SelectorLabels(resources.Name(name))), client.Limit(maxObjects))
	if meta.IsNoMatchError(err) {
		b.AddMissing(file, fmt.Errorf("the cluster does not serve %s", kind.GroupVersion()))
		return nil
	}

	if err != nil {
		b.AddMissing(file, err)
		return nil
	}

	var names []string

	objects := make([]any, 0, len(list.Items))
	for i := range list.Items {
		names = append(names, list.Items[i].GetName())
		objects = append(objects, reduced(&list.Items[i]))
	}

	if len(objects) > 0 {
		b.JSON(file, objects)
	}

	return names
}

// event is what a bundle has of an event.
type event struct {
	Time    time.Time `json:"time"`
	Count   int32     `json:"count"`
	Type    string    `json:"type"`
	Reason  string    `json:"reason"`
	Object  string    `json:"object"`
	Source  string    `json:"source"`
	Message string    `json:"message"`
}

// events adds the newest events of the objects, the oldest first.
func (b *Bundle) events(ctx context.Context, c *cluster.Cluster, names []string) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()

	list := &corev1.EventList{}
	if err := c.Client().List(ctx, list, client.InNamespace(c.Namespace)); err != nil {
		b.AddMissing("cluster/events.json", err)
		return
	}

	kept := []event{}

	for _, e := range list.Items {
		if !slices.Contains(names, e.InvolvedObject.Name) {
			continue
		}

		kept = append(kept, event{
			Time:    cmp.Or(e.LastTimestamp.Time, e.EventTime.Time, e.CreationTimestamp.Time).UTC(),
			Count:   max(e.Count, 1),
			Type:    e.Type,
			Reason:  e.Reason,
			Object:  e.InvolvedObject.Kind + " " + e.InvolvedObject.Name,
			Source:  cmp.Or(e.Source.Component, e.ReportingController),
			Message: e.Message,
		})
	}

	slices.SortFunc(kept, func(a, b event) int { return a.Time.Compare(b.Time) })

	b.JSON("cluster/events.json", kept[max(0, len(kept)-maxEvents):])
}

// log adds the last lines of a pod's log, and those of the container before its last restart.
func (b *Bundle) log(ctx context.Context, c *cluster.Cluster, pod *corev1.Pod, container string, lines int64) {
	options := cluster.LogOptions{Container: container, Tail: &lines}
	b.stream(ctx, c, pod, options, "logs/"+pod.Name+".log")

	for _, status := range pod.Status.ContainerStatuses {
		if status.Name == container && status.RestartCount > 0 {
			options.Previous = true
			b.stream(ctx, c, pod, options, "logs/"+pod.Name+".before-restart.log")
		}
	}
}

func (b *Bundle) stream(ctx context.Context, c *cluster.Cluster, pod *corev1.Pod, options cluster.LogOptions, file string) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()

	stream, err := c.Log(ctx, pod, options)
	if err != nil {
		b.AddMissing(file, err)
		return
	}
	defer stream.Close()

	end := &logEnd{}
	if _, err := io.Copy(end, stream); err != nil {
		b.AddMissing("the rest of "+file, err)
	}

	b.addEnd(file, end)
}

// operator adds the operator's pods and their logs.
func (b *Bundle) operator(ctx context.Context, c *cluster.Cluster, lines int64) {
	bounded, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()

	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(schema.GroupVersionKind{Version: "v1", Kind: "Pod"})

	err := c.Client().List(bounded, list, client.MatchingLabelsSelector{Selector: resources.Operators()}, client.Limit(maxObjects))
	if err == nil && len(list.Items) == 0 {
		err = errors.New("no pod has the labels of the operator")
	}

	if err != nil {
		b.AddMissing("operator/Pod.json, and the operator's log", err)
		return
	}

	objects := make([]any, 0, len(list.Items))
	for i := range list.Items {
		objects = append(objects, reduced(&list.Items[i]))
	}

	b.JSON("operator/Pod.json", objects)

	for i := range list.Items {
		pod := &corev1.Pod{}
		pod.Namespace = list.Items[i].GetNamespace()
		pod.Name = list.Items[i].GetName()

		b.log(ctx, c, pod, operatorContainer(list.Items[i]), lines)
	}
}

// operatorContainer returns the name of the operator's container, the first of its pod.
func operatorContainer(pod unstructured.Unstructured) string {
	containers, _, _ := unstructured.NestedSlice(pod.Object, "spec", "containers")
	if len(containers) == 0 {
		return ""
	}

	first, _ := containers[0].(map[string]any)
	name, _ := first["name"].(string)

	return name
}
