// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/apiserver"
)

// pods replaces the network between operator and pods, since there are no pods without a node. It routes a request for the
// address of a pod to the server that stands in for it.
type pods struct {
	mu      sync.Mutex
	last    byte
	servers map[string]*httptest.Server
}

func newPods() *pods { return &pods{servers: map[string]*httptest.Server{}} }

func (p *pods) RoundTrip(req *http.Request) (*http.Response, error) {
	p.mu.Lock()
	server := p.servers[req.URL.Host]
	p.mu.Unlock()

	if server == nil {
		return nil, fmt.Errorf("no pod has the address %s", req.URL.Host)
	}

	req = req.Clone(req.Context())
	req.URL.Host = server.Listener.Addr().String()

	return http.DefaultTransport.RoundTrip(req)
}

// pod is a stand-in for a receiver, listed in an EndpointSlice.
type pod struct {
	mu     sync.Mutex
	report health.Report
	asked  bool
}

// isAsked reports whether the operator has asked the pod for its report.
func (p *pod) isAsked() bool {
	p.mu.Lock()
	defer p.mu.Unlock()

	return p.asked
}

// setReport sets the report the pod answers with.
func (p *pod) setReport(r health.Report) {
	p.mu.Lock()
	defer p.mu.Unlock()

	p.report = r
}

func (p *pod) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()

	p.asked = true
	_ = json.NewEncoder(w).Encode(p.report) //nolint:errchkjson // a Report always marshals
}

// newPod starts a pod with the report, and lists it in an EndpointSlice.
func newPod(t *testing.T, webhook *v1alpha1.WhatsAppWebhook, r health.Report) (*pod, *discoveryv1.EndpointSlice) {
	t.Helper()

	p, slice := newEndpoint(t, webhook, r)
	createReceiverPod(t, webhook, corev1.PodRunning, slice.Endpoints[0].Addresses[0])

	return p, slice
}

// createReceiverPod creates a pod of the resource with a phase and an address.
func createReceiverPod(t *testing.T, webhook *v1alpha1.WhatsAppWebhook, phase corev1.PodPhase, address string) {
	t.Helper()

	created := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: webhook.Namespace, GenerateName: "receiver-",
			Labels: resources.SelectorLabels(resources.Name(webhook.Name)),
		},
		Spec: corev1.PodSpec{
			AutomountServiceAccountToken: new(false),
			Containers:                   []corev1.Container{{Name: resources.ContainerName, Image: testImage}},
		},
	}
	testCluster.MustCreate(t, created)
	changeStatus(t, created, func(p *corev1.Pod) {
		p.Status.Phase = phase
		p.Status.PodIP = address
		p.Status.PodIPs = []corev1.PodIP{{IP: address}}
	})
}

// newEndpoint starts a server with the report, and lists it in an EndpointSlice as a pod of the resource, which it is not.
func newEndpoint(t *testing.T, webhook *v1alpha1.WhatsAppWebhook, r health.Report) (*pod, *discoveryv1.EndpointSlice) {
	t.Helper()

	p := &pod{report: r}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	testCluster.pods.mu.Lock()
	testCluster.pods.last++
	address := fmt.Sprintf("10.0.0.%d", testCluster.pods.last)
	testCluster.pods.servers[fmt.Sprintf("%s:%d", address, resources.PortAdmin)] = server
	testCluster.pods.mu.Unlock()

	service := &corev1.Service{ObjectMeta: named(webhook, resources.AdminServiceName(webhook.Name))}
	apiserver.MustGet(t, testCluster.Server, service)

	slice := &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: webhook.Namespace, GenerateName: service.Name + "-",
			Labels: map[string]string{discoveryv1.LabelServiceName: service.Name},
		},
		AddressType: discoveryv1.AddressTypeIPv4,
		Endpoints:   []discoveryv1.Endpoint{{Addresses: []string{address}, Conditions: discoveryv1.EndpointConditions{Ready: new(false)}}},
	}
	// The endpoints controller copies the labels of a Service.
	maps.Copy(slice.Labels, service.Labels)
	testCluster.MustCreate(t, slice)

	return p, slice
}

// toggleReadiness makes the operator poll the pods again, as when one becomes ready.
func toggleReadiness(t *testing.T, slice *discoveryv1.EndpointSlice) {
	t.Helper()
	change(t, slice, func(s *discoveryv1.EndpointSlice) {
		s.Endpoints[0].Conditions.Ready = new(!*s.Endpoints[0].Conditions.Ready)
	})
}

// TestOnlyPodsOfTheResourceAreAsked lets a tenant list the pod of another tenant as one of its own. The operator, which the
// NetworkPolicy of that pod admits, does not show its state to the tenant.
func TestOnlyPodsOfTheResourceAreAsked(t *testing.T) {
	t.Parallel()

	webhook := newWebhook(testCluster.NewNamespace(t), "sales")
	testCluster.MustCreate(t, webhook)
	waitUntilSettled(t, webhook)

	foreign, _ := newEndpoint(t, webhook, health.Report{MissingSecrets: []string{"app-secret"}})
	ended, slice := newEndpoint(t, webhook, health.Report{MissingSecrets: []string{"app-secret"}})
	createReceiverPod(t, webhook, corev1.PodSucceeded, slice.Endpoints[0].Addresses[0]) // the address may be that of another pod by now
	newPod(t, webhook, health.Report{MissingSecrets: []string{"verify-token"}})

	apiserver.Eventually(t, wantConditions(t, webhook, map[string]string{
		"Ready":            "False SecretMissing",
		"Reconciling":      "True SecretMissing",
		"Available":        "False SecretMissing",
		"SecretsAvailable": "False SecretMissing",
	}))

	if text := message(webhook, v1alpha1.ConditionSecretsAvailable); foreign.isAsked() || ended.isAsked() || strings.Contains(text, "app-secret") {
		t.Errorf("a pod of others was asked: %t, %t, and the message is %q", foreign.isAsked(), ended.isAsked(), text)
	}
}
