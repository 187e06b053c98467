// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import (
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
)

const (
	// containerName is the name of the receiver's container.
	containerName = "receiver"

	// nonroot is the user id of the images.
	nonroot = 65532

	// preStop is how long a terminating pod still accepts deliveries, until every proxy has removed it.
	preStop = 5 * time.Second
	// closeMargin is the time the receiver has after its drain to close the store.
	closeMargin = 10 * time.Second
)

// podTemplate contains nothing of the operator's release but the image and its pull secrets, so that an upgrade with the same
// image restarts no pods.
func podTemplate(p Params) *corev1ac.PodTemplateSpecApplyConfiguration {
	receiver := p.webhook.Spec.Receiver
	gracePeriod := preStop + p.config.Shutdown.DrainTimeout + closeMargin

	spec := corev1ac.PodSpec().
		WithServiceAccountName(p.name).
		WithAutomountServiceAccountToken(false).
		WithEnableServiceLinks(false).
		WithTerminationGracePeriodSeconds(int64(gracePeriod.Seconds())).
		WithSecurityContext(corev1ac.PodSecurityContext().
			WithRunAsNonRoot(true).
			WithRunAsUser(nonroot).
			WithRunAsGroup(nonroot).
			WithFSGroup(nonroot).
			WithFSGroupChangePolicy(corev1.FSGroupChangeOnRootMismatch).
			WithSeccompProfile(corev1ac.SeccompProfile().WithType(corev1.SeccompProfileTypeRuntimeDefault))).
		WithContainers(container(p)).
		WithVolumes(volumes(p)...).
		WithNodeSelector(receiver.Scheduling.NodeSelector).
		WithTolerations(p.tolerations...).
		WithTopologySpreadConstraints(topologySpread(p)...)
	if p.affinity != nil {
		spec.WithAffinity(p.affinity)
	}

	if class := receiver.Scheduling.PriorityClassName; class != "" {
		spec.WithPriorityClassName(class)
	}

	for _, name := range p.imagePullSecrets() {
		spec.WithImagePullSecrets(corev1ac.LocalObjectReference().WithName(name))
	}

	return corev1ac.PodTemplateSpec().
		WithLabels(merge(receiver.PodMetadata.Labels, p.selectorLabels())).
		WithAnnotations(merge(receiver.PodMetadata.Annotations, map[string]string{annotationStartHash: p.startHash})).
		WithSpec(spec)
}

func container(p Params) *corev1ac.ContainerApplyConfiguration {
	c := corev1ac.Container().
		WithName(containerName).
		WithImage(p.image()).
		WithArgs("--config", configDir+"/"+configFile).
		WithPorts(containerPorts(p)...).
		WithResources(p.resources).
		WithSecurityContext(corev1ac.SecurityContext().
			WithAllowPrivilegeEscalation(false).
			WithReadOnlyRootFilesystem(true).
			WithCapabilities(corev1ac.Capabilities().WithDrop("ALL"))).
		WithLifecycle(corev1ac.Lifecycle().
			WithPreStop(corev1ac.LifecycleHandler().
				WithSleep(corev1ac.SleepAction().WithSeconds(int64(preStop.Seconds()))))).
		// A missing secret or a migration of the store leaves a receiver unready for any length of time, and must not get it
		// killed. So the startup probe checks liveness, not readiness: the admin port answers before the store is open.
		WithStartupProbe(probe("/healthz", 1, 300)).
		WithLivenessProbe(probe("/healthz", 10, 3)).
		WithReadinessProbe(probe("/readyz", 2, 3)).
		WithVolumeMounts(mounts(p)...)
	if policy := p.webhook.Spec.Receiver.ImagePullPolicy; policy != "" {
		c.WithImagePullPolicy(policy)
	}

	if limits := p.resources.Limits; limits != nil && !limits.Memory().IsZero() {
		// The rest is for memory the Go runtime does not count.
		c.WithEnv(corev1ac.EnvVar().WithName("GOMEMLIMIT").WithValue(strconv.FormatInt(limits.Memory().Value()/10*9, 10)))
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
