// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
)

// ContainerName is the name of the receiver's container.
const ContainerName = "receiver"

func container(p Params) *corev1ac.ContainerApplyConfiguration {
	c := corev1ac.Container().
		WithName(ContainerName).
		WithImage(p.image()).
		WithArgs("--config", configDir+"/"+configFile).
		WithPorts(containerPorts(p)...).
		WithEnv(environmentVariables(p)...).
		WithResources(p.resources).
		// The last lines of the log say why the process ended.
		WithTerminationMessagePolicy(corev1.TerminationMessageFallbackToLogsOnError).
		WithSecurityContext(securityContext(p)).
		WithLifecycle(corev1ac.Lifecycle().
			WithPreStop(corev1ac.LifecycleHandler().
				WithSleep(corev1ac.SleepAction().WithSeconds(int64(preStop.Seconds()))))).
		// A missing secret or a migration of the store may leave a receiver unready for any time, and must not kill it. So the
		// startup probe checks liveness, not readiness: the admin port answers before the store is open.
		WithStartupProbe(probe("/healthz", 1, 300)).
		WithLivenessProbe(probe("/healthz", 10, 3)).
		WithReadinessProbe(probe("/readyz", 2, 3)).
		WithVolumeMounts(mounts(p)...)
	if policy := p.webhook.Spec.Receiver.ImagePullPolicy; policy != "" {
		c.WithImagePullPolicy(policy)
	}

	return c
}

func containerPorts(p Params) []*corev1ac.ContainerPortApplyConfiguration {
	ports := []*corev1ac.ContainerPortApplyConfiguration{
		containerPort(p.publicPort().name, portWebhook),
		containerPort(portNameAdmin, PortAdmin),
	}
	if p.config.MessagesAPI != nil {
		ports = append(ports, containerPort(portNameMessages, PortMessages))
	}

	return ports
}

// containerPort sets the protocol although TCP is the default: port and protocol are the key of the list's entries.
func containerPort(name string, port int32) *corev1ac.ContainerPortApplyConfiguration {
	return corev1ac.ContainerPort().WithName(name).WithContainerPort(port).WithProtocol(corev1.ProtocolTCP)
}

func probe(path string, periodSeconds, failures int32) *corev1ac.ProbeApplyConfiguration {
	return corev1ac.Probe().
		WithHTTPGet(corev1ac.HTTPGetAction().WithPath(path).WithPort(intstr.FromString(portNameAdmin))).
		WithPeriodSeconds(periodSeconds).
		WithTimeoutSeconds(2).
		WithFailureThreshold(failures)
}
