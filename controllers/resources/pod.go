// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
)

const (
	// preStop is how long a terminating pod still accepts deliveries, until every proxy has removed it.
	preStop = 5 * time.Second
	// closeMargin is the time the receiver has after its drain to close the store.
	closeMargin = 10 * time.Second
)

// platform selects the nodes that can run the image: a cluster may have Windows nodes, too.
var platform = map[string]string{corev1.LabelOSStable: string(corev1.Linux)}

// podTemplate returns the template with the patch of the spec. It contains nothing of the operator's release but the image and
// its pull secrets, so that an upgrade with the same image restarts no pods.
func podTemplate(p Params) (*corev1ac.PodTemplateSpecApplyConfiguration, error) {
	p.memoryLimit = memoryLimit(p.resources)

	template, err := patchedPodTemplate(p)
	if err != nil {
		return nil, err
	}

	// GOMEMLIMIT is rendered again if the patch changes the limit. Before the patch, so that a value of the patch replaces it.
	if limit := memoryLimit(template.Spec.Containers[0].Resources); limit != p.memoryLimit {
		p.memoryLimit = limit

		if template, err = patchedPodTemplate(p); err != nil {
			return nil, err
		}
	}

	// Not even the patch can change these: the Deployment selects its pods by the labels, and rolls them by the annotation.
	template.
		WithLabels(p.selectorLabels()).
		WithAnnotations(map[string]string{annotationStartHash: p.startHash})

	template.Labels = withoutDomain(template.Labels)

	return template, nil
}

// patchedPodTemplate returns the template with the patch of the spec. The container of the receiver is the first.
func patchedPodTemplate(p Params) (*corev1ac.PodTemplateSpecApplyConfiguration, error) {
	receiver := p.webhook.Spec.Receiver
	gracePeriod := preStop + p.config.Shutdown.DrainTimeout + closeMargin

	spec := corev1ac.PodSpec().
		WithServiceAccountName(p.name).
		WithAutomountServiceAccountToken(false).
		WithEnableServiceLinks(false).
		WithTerminationGracePeriodSeconds(int64(gracePeriod.Seconds())).
		WithSecurityContext(podSecurityContext(p)).
		WithContainers(container(p)).
		WithVolumes(volumes(p)...).
		WithNodeSelector(merge(platform, receiver.Scheduling.NodeSelector)).
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

	template, err := patchPodTemplate(corev1ac.PodTemplateSpec().
		WithLabels(merge(p.webhook.Spec.CommonMetadata.Labels, receiver.PodMetadata.Labels)).
		WithAnnotations(p.annotations(receiver.PodMetadata.Annotations)).
		WithSpec(spec), receiver.PodTemplatePatch)
	if err != nil {
		return nil, fmt.Errorf("spec.receiver.podTemplatePatch: %w", err)
	}

	return template, nil
}
