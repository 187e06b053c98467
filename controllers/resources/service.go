// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
)

// The names of the container's ports, which Services, probes and the Ingress refer to.
const (
	portNameHTTP  = "http"
	portNameAdmin = "admin"
)

// service is what Meta's deliveries reach, through an Ingress or whatever else publishes it.
func service(p Params) Object {
	return corev1ac.Service(p.name, p.webhook.Namespace).
		WithLabels(p.labels()).
		WithSpec(corev1ac.ServiceSpec().
			WithSelector(p.selectorLabels()).
			WithPorts(servicePort(portNameHTTP, 80)))
}

// adminService makes each pod's admin port findable, also of pods that are not ready: those are the ones to ask why.
func adminService(p Params) Object {
	return corev1ac.Service(p.name+suffixAdmin, p.webhook.Namespace).
		WithLabels(p.labels()).
		WithSpec(corev1ac.ServiceSpec().
			WithClusterIP(corev1.ClusterIPNone).
			WithPublishNotReadyAddresses(true).
			WithSelector(p.selectorLabels()).
			WithPorts(servicePort(portNameAdmin, portAdmin)))
}

// servicePort names the protocol although TCP is the default: port and protocol are the key of the list's entries.
func servicePort(name string, port int32) *corev1ac.ServicePortApplyConfiguration {
	return corev1ac.ServicePort().
		WithName(name).
		WithProtocol(corev1.ProtocolTCP).
		WithAppProtocol("http").
		WithPort(port).
		WithTargetPort(intstr.FromString(name))
}
