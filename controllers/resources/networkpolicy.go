// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import (
	"cmp"
	"maps"
	"net/url"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"
	networkingv1ac "k8s.io/client-go/applyconfigurations/networking/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
)

const defaultDatabasePort = 5432

// networkPolicy bounds ports where it cannot bound peers: Kubernetes knows no host names in it, and the addresses of Meta
// and of Bird change. Probes need no rule, because what comes from a pod's own node is let through; the console needs
// none, because kubectl port-forward enters by the pod's loopback.
func networkPolicy(p Params) Object {
	wanted := p.webhook.Spec.NetworkPolicy
	if wanted.State != v1alpha1.Enabled {
		return nil
	}

	spec := networkingv1ac.NetworkPolicySpec().
		WithPodSelector(metav1ac.LabelSelector().WithMatchLabels(p.selectorLabels())).
		WithPolicyTypes(networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress).
		WithIngress(networkingv1ac.NetworkPolicyIngressRule().
			WithPorts(policyPort(corev1.ProtocolTCP, portWebhook)).
			WithFrom(p.webhookFrom...))
	// A rule that names nobody lets everybody in.
	if from := adminPeers(p); len(from) > 0 {
		spec.WithIngress(networkingv1ac.NetworkPolicyIngressRule().
			WithPorts(policyPort(corev1.ProtocolTCP, PortAdmin)).
			WithFrom(from...))
	}

	spec.WithEgress(networkingv1ac.NetworkPolicyEgressRule().
		WithPorts(policyPort(corev1.ProtocolUDP, 53), policyPort(corev1.ProtocolTCP, 53)))

	outward := networkingv1ac.NetworkPolicyEgressRule()
	for _, port := range outwardPorts(p) {
		outward.WithPorts(policyPort(corev1.ProtocolTCP, port))
	}

	return networkingv1ac.NetworkPolicy(p.name, p.webhook.Namespace).
		WithLabels(p.labels()).
		WithSpec(spec.WithEgress(outward).WithEgress(p.egress...))
}

func adminPeers(p Params) []*networkingv1ac.NetworkPolicyPeerApplyConfiguration {
	if p.env.OperatorNamespace == "" {
		return p.adminFrom
	}

	operator := networkingv1ac.NetworkPolicyPeer().
		WithNamespaceSelector(metav1ac.LabelSelector().
			WithMatchLabels(map[string]string{corev1.LabelMetadataName: p.env.OperatorNamespace})).
		WithPodSelector(metav1ac.LabelSelector().
			WithMatchLabels(map[string]string{labelName: operatorName}))

	return append([]*networkingv1ac.NetworkPolicyPeerApplyConfiguration{operator}, p.adminFrom...)
}

// outwardPorts are those of all that the receiver calls, in order and each once. Media come by https always.
func outwardPorts(p Params) []int32 {
	ports := map[int32]struct{}{443: {}}
	for _, called := range []string{
		p.config.CloudAPI.BaseURL, p.config.Bird.BaseURL, p.config.Notifications.SinkURL, p.config.Tracing.EndpointURL,
	} {
		if port, ok := portOf(called); ok {
			ports[port] = struct{}{}
		}
	}

	if shared(p.webhook.Spec.Store) {
		ports[cmp.Or(p.webhook.Spec.NetworkPolicy.DatabasePort, defaultDatabasePort)] = struct{}{}
	}

	return slices.Sorted(maps.Keys(ports))
}

// portOf knows no port for what is not configured.
func portOf(address string) (int32, bool) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return 0, false
	}

	switch {
	case u.Port() != "":
		port, err := strconv.ParseUint(u.Port(), 10, 16)
		return int32(port), err == nil
	case u.Scheme == "http":
		return 80, true
	}

	return 443, true
}

// policyPort is the pod's own port and a number: not every network knows the names of ports.
func policyPort(protocol corev1.Protocol, port int32) *networkingv1ac.NetworkPolicyPortApplyConfiguration {
	return networkingv1ac.NetworkPolicyPort().WithProtocol(protocol).WithPort(intstr.FromInt32(port))
}
