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

// dnsPorts are the ports of the pods behind the cluster's DNS Service, whose own port is 53: most network plugins compare the
// port of the pod. OpenShift's listen on 5353, and Gardener's on 8053.
//
// Sources: https://github.com/openshift/cluster-dns-operator (the DaemonSet),
// https://github.com/gardener/gardener/blob/master/pkg/component/networking/coredns/constants/constants.go
var dnsPorts = []int32{53, 5353, 8053}

// networkPolicy limits outgoing traffic by port only: a NetworkPolicy has no host names, and the addresses of Meta and the AI
// change. Probes need no rule, because traffic from a pod's own node is allowed. The console needs none either, because
// kubectl port-forward connects through the pod's loopback interface.
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
	// A rule without peers would allow all of them.
	if from := adminPeers(p); len(from) > 0 {
		spec.WithIngress(networkingv1ac.NetworkPolicyIngressRule().
			WithPorts(policyPort(corev1.ProtocolTCP, PortAdmin)).
			WithFrom(from...))
	}

	if p.config.MessagesAPI != nil {
		spec.WithIngress(networkingv1ac.NetworkPolicyIngressRule().
			WithPorts(policyPort(corev1.ProtocolTCP, PortMessages)).
			WithFrom(messagesPeers(p)...))
	}

	dns := networkingv1ac.NetworkPolicyEgressRule()
	for _, port := range dnsPorts {
		dns.WithPorts(policyPort(corev1.ProtocolUDP, port), policyPort(corev1.ProtocolTCP, port))
	}

	egress := networkingv1ac.NetworkPolicyEgressRule()
	for _, port := range egressPorts(p) {
		egress.WithPorts(policyPort(corev1.ProtocolTCP, port))
	}

	return networkingv1ac.NetworkPolicy(p.name, p.webhook.Namespace).
		WithLabels(p.labels()).
		WithAnnotations(p.annotations()).
		WithSpec(spec.WithEgress(dns, egress).WithEgress(p.egress...))
}

// adminPeers returns the peers that may connect to the admin port: the operator, and those of the spec.
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

// messagesPeers returns the peers that may call the messages API: every pod of the cluster, and those that may deliver if it
// is public. If these are not given, it returns none, which allows all.
func messagesPeers(p Params) []*networkingv1ac.NetworkPolicyPeerApplyConfiguration {
	public := p.webhook.Spec.MessagesAPI.Exposure == v1alpha1.ExposurePublic
	if public && len(p.webhookFrom) == 0 {
		return nil
	}

	cluster := networkingv1ac.NetworkPolicyPeer().WithNamespaceSelector(metav1ac.LabelSelector())
	peers := []*networkingv1ac.NetworkPolicyPeerApplyConfiguration{cluster}

	if public {
		peers = append(peers, p.webhookFrom...)
	}

	return peers
}

// egressPorts returns the ports of all servers that the spec names, sorted and distinct, and that of https, where Meta keeps
// files. A file that an answer links to can be at any port: the spec has to allow others in egress.
func egressPorts(p Params) []int32 {
	ports := map[int32]struct{}{443: {}}
	for _, called := range []string{
		p.config.CloudAPI.BaseURL,
		p.config.AIBaseURL(),
		p.config.Handoff.URL,
		p.config.Notifications.SinkURL,
		p.config.Tracing.EndpointURL,
		backup(p.webhook.Spec.Store).S3.Endpoint,
		p.webhook.Spec.Receiver.Proxy.HTTPURL,
		p.webhook.Spec.Receiver.Proxy.HTTPSURL,
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

// portOf returns the port of a URL, and false for an address that is not configured.
func portOf(address string) (int32, bool) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return 0, false
	}

	if u.Port() != "" {
		port, err := strconv.ParseUint(u.Port(), 10, 16)
		return int32(port), err == nil
	}

	switch u.Scheme {
	case "http":
		return 80, true
	case "socks5", "socks5h":
		return 1080, true
	default:
		return 443, true
	}
}

// policyPort uses the number of the pod's port, because not every network plugin supports port names.
func policyPort(protocol corev1.Protocol, port int32) *networkingv1ac.NetworkPolicyPortApplyConfiguration {
	return networkingv1ac.NetworkPolicyPort().WithProtocol(protocol).WithPort(intstr.FromInt32(port))
}
