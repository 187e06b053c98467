// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
)

const (
	// portNameAdmin is the name of the admin port of containers and of the admin Service.
	portNameAdmin = "admin"
	// portNameMessages is the name of the port of the messages API, of containers and of its Service.
	portNameMessages = "messages"
)

// servedPort is a port of a Service. Container and Service use the same port name.
type servedPort struct {
	name, appProtocol string
	port              int32
}

var (
	adminPort = servedPort{
		name:        portNameAdmin,
		appProtocol: "http",
		port:        PortAdmin,
	}
	messagesPort = servedPort{
		name:        portNameMessages,
		appProtocol: "http",
		port:        PortMessages,
	}
)

// publicPort returns the port of the webhook: an https port if the spec requires Meta's client certificate. The receiver then
// terminates TLS itself, and a proxy in front of it must pass TLS through.
func (p Params) publicPort() servedPort {
	if p.config.Webhook.MutualTLS != nil {
		return servedPort{
			name:        "https",
			appProtocol: "https",
			port:        443,
		}
	}

	return servedPort{
		name:        "http",
		appProtocol: "http",
		port:        80,
	}
}

// service receives Meta's deliveries, through an Ingress or any other publisher.
func service(p Params) Object {
	wanted := p.webhook.Spec.Service

	spec := corev1ac.ServiceSpec().
		WithSelector(p.selectorLabels()).
		WithPorts(servicePort(p.publicPort())).
		WithLoadBalancerSourceRanges(wanted.LoadBalancerSourceRanges...)
	if wanted.Type != "" {
		spec.WithType(wanted.Type)
	}

	if wanted.LoadBalancerClass != "" {
		spec.WithLoadBalancerClass(wanted.LoadBalancerClass)
	}

	if wanted.ExternalTrafficPolicy != "" {
		spec.WithExternalTrafficPolicy(wanted.ExternalTrafficPolicy)
	}

	return corev1ac.Service(p.name, p.webhook.Namespace).
		WithLabels(p.labels(wanted.Labels)).
		WithAnnotations(p.annotations(wanted.Annotations)).
		WithSpec(spec)
}

// adminService lists each pod's admin port, also of pods that are not ready, since their status shows the cause. The
// ServiceMonitor selects it by its component label.
func adminService(p Params) Object {
	return corev1ac.Service(p.name+suffixAdmin, p.webhook.Namespace).
		WithLabels(merge(p.labels(), adminLabels)).
		WithAnnotations(p.annotations()).
		WithSpec(corev1ac.ServiceSpec().
			WithClusterIP(corev1.ClusterIPNone).
			WithPublishNotReadyAddresses(true).
			WithSelector(p.selectorLabels()).
			WithPorts(servicePort(adminPort)))
}

// messagesService receives the requests to the messages API, which has its own port: its callers are restricted separately from
// Meta's deliveries.
func messagesService(p Params) Object {
	if p.config.MessagesAPI == nil {
		return nil
	}

	return corev1ac.Service(p.name+suffixMessages, p.webhook.Namespace).
		WithLabels(p.labels()).
		WithAnnotations(p.annotations()).
		WithSpec(corev1ac.ServiceSpec().
			WithSelector(p.selectorLabels()).
			WithPorts(servicePort(messagesPort)))
}

// servicePort sets the protocol although TCP is the default: port and protocol are the key of the list's entries.
func servicePort(served servedPort) *corev1ac.ServicePortApplyConfiguration {
	return corev1ac.ServicePort().
		WithName(served.name).
		WithProtocol(corev1.ProtocolTCP).
		WithAppProtocol(served.appProtocol).
		WithPort(served.port).
		WithTargetPort(intstr.FromString(served.name))
}
