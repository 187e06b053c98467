// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
)

// portNameAdmin is the name of the admin port of containers and of the admin Service.
const portNameAdmin = "admin"

// publicPort is the port at which the Service publishes the receiver. Container and Service use the same port name.
type publicPort struct {
	name, appProtocol string
	port              int32
}

// publicPort returns an https port if the spec requires Meta's client certificate. The receiver then ends TLS itself, and
// a proxy in front of it must pass TLS through.
func (p Params) publicPort() publicPort {
	if p.config.Webhook.MutualTLS != nil {
		return publicPort{
			name:        "https",
			appProtocol: "https",
			port:        443,
		}
	}

	return publicPort{
		name:        "http",
		appProtocol: "http",
		port:        80,
	}
}

// service receives Meta's deliveries, through an Ingress or any other publisher.
func service(p Params) Object {
	public := p.publicPort()

	return corev1ac.Service(p.name, p.webhook.Namespace).
		WithLabels(p.labels()).
		WithSpec(corev1ac.ServiceSpec().
			WithSelector(p.selectorLabels()).
			WithPorts(servicePort(public.name, public.appProtocol, public.port)))
}

// adminService lists each pod's admin port, also of pods that are not ready, since their status shows the cause. The
// ServiceMonitor selects it by its component label.
func adminService(p Params) Object {
	return corev1ac.Service(p.name+suffixAdmin, p.webhook.Namespace).
		WithLabels(merge(p.labels(), adminLabels)).
		WithSpec(corev1ac.ServiceSpec().
			WithClusterIP(corev1.ClusterIPNone).
			WithPublishNotReadyAddresses(true).
			WithSelector(p.selectorLabels()).
			WithPorts(servicePort(portNameAdmin, "http", PortAdmin)))
}

// servicePort sets the protocol although TCP is the default: port and protocol are the key of the list's entries.
func servicePort(name, appProtocol string, port int32) *corev1ac.ServicePortApplyConfiguration {
	return corev1ac.ServicePort().
		WithName(name).
		WithProtocol(corev1.ProtocolTCP).
		WithAppProtocol(appProtocol).
		WithPort(port).
		WithTargetPort(intstr.FromString(name))
}
