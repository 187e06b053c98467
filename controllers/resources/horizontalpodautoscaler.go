// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import (
	"cmp"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	autoscalingv2ac "k8s.io/client-go/applyconfigurations/autoscaling/v2"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
)

// defaultCPUUtilization is in percent of the CPU request. It leaves room for a burst while a new pod starts.
const defaultCPUUtilization = 70

// horizontalPodAutoscaler scales the Deployment and not the WhatsAppWebhook, whose spec belongs to the user and is compared
// by GitOps tools. It measures the receiver's container only: a sidecar without a request would stop the scaling. It is absent
// with KEDA, which creates its own HorizontalPodAutoscaler: two would conflict.
func horizontalPodAutoscaler(p Params) Object {
	autoscaling := p.webhook.Spec.Receiver.Autoscaling
	if !scalesByCPU(autoscaling) {
		return nil
	}

	target := cmp.Or(autoscaling.CPU.TargetUtilizationPercent, defaultCPUUtilization)

	return autoscalingv2ac.HorizontalPodAutoscaler(p.name, p.webhook.Namespace).
		WithLabels(p.labels()).
		WithAnnotations(p.annotations()).
		WithSpec(autoscalingv2ac.HorizontalPodAutoscalerSpec().
			WithScaleTargetRef(autoscalingv2ac.CrossVersionObjectReference().
				WithAPIVersion(appsv1.SchemeGroupVersion.String()).
				WithKind("Deployment").
				WithName(p.name)).
			WithMinReplicas(max(autoscaling.MinReplicas, 1)).
			WithMaxReplicas(autoscaling.MaxReplicas).
			WithMetrics(autoscalingv2ac.MetricSpec().
				WithType(autoscalingv2.ContainerResourceMetricSourceType).
				WithContainerResource(autoscalingv2ac.ContainerResourceMetricSource().
					WithContainer(ContainerName).
					WithName(corev1.ResourceCPU).
					WithTarget(autoscalingv2ac.MetricTarget().
						WithType(autoscalingv2.UtilizationMetricType).
						WithAverageUtilization(target)))).
			WithBehavior(slowScaleDown()))
}

func scalesByCPU(autoscaling v1alpha1.AutoscalingSpec) bool {
	return autoscaling.MaxReplicas > 0 && autoscaling.PendingWork.TargetPerReplica == 0
}

// slowScaleDown removes one pod a minute, after five minutes of low load. A stopping pod releases its conversations to the
// others, and traffic comes in waves.
func slowScaleDown() *autoscalingv2ac.HorizontalPodAutoscalerBehaviorApplyConfiguration {
	return autoscalingv2ac.HorizontalPodAutoscalerBehavior().
		WithScaleDown(autoscalingv2ac.HPAScalingRules().
			WithStabilizationWindowSeconds(300).
			WithPolicies(autoscalingv2ac.HPAScalingPolicy().
				WithType(autoscalingv2.PodsScalingPolicy).
				WithValue(1).
				WithPeriodSeconds(60)))
}
