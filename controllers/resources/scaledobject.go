// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import (
	"fmt"
	"strconv"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	autoscalingv2ac "k8s.io/client-go/applyconfigurations/autoscaling/v2"
)

// The fields of a ScaledObject that the operator sets: https://keda.sh/docs/latest/reference/scaledobject-spec
type (
	scaledObjectSpec struct {
		ScaleTargetRef  scaleTargetRef  `json:"scaleTargetRef"`
		MinReplicaCount int32           `json:"minReplicaCount"`
		MaxReplicaCount int32           `json:"maxReplicaCount"`
		Triggers        []scaleTrigger  `json:"triggers"`
		Advanced        advancedScaling `json:"advanced"`
	}
	scaleTargetRef struct {
		Name string `json:"name"`
	}
	scaleTrigger struct {
		Type       string                         `json:"type"`
		MetricType autoscalingv2.MetricTargetType `json:"metricType"`
		Metadata   map[string]string              `json:"metadata"`
	}
	advancedScaling struct {
		HorizontalPodAutoscalerConfig autoscalerConfig `json:"horizontalPodAutoscalerConfig"`
	}
	autoscalerConfig struct {
		Behavior *autoscalingv2ac.HorizontalPodAutoscalerBehaviorApplyConfiguration `json:"behavior"`
	}
)

// scaledObject scales by the number of pending messages. The store is shared, so any receiver reports the total, and KEDA
// divides it by the number of pods. While no receiver answers, the number of pods stays unchanged.
func scaledObject(p Params) Object {
	autoscaling := p.webhook.Spec.Receiver.Autoscaling
	if autoscaling.PendingWork.TargetPerReplica == 0 {
		return nil
	}

	return newExtension(p, ScaledObjectKind, nil, scaledObjectSpec{
		ScaleTargetRef:  scaleTargetRef{Name: p.name},
		MinReplicaCount: max(autoscaling.MinReplicas, 1), // with no receiver, no delivery is accepted
		MaxReplicaCount: autoscaling.MaxReplicas,
		Triggers: []scaleTrigger{{
			Type:       "metrics-api",
			MetricType: autoscalingv2.AverageValueMetricType,
			Metadata: map[string]string{
				"url":           fmt.Sprintf("http://%s.%s.svc:%d/status", p.name+suffixAdmin, p.webhook.Namespace, PortAdmin),
				"valueLocation": "pending",
				"targetValue":   strconv.Itoa(int(autoscaling.PendingWork.TargetPerReplica)),
			},
		}},
		Advanced: advancedScaling{HorizontalPodAutoscalerConfig: autoscalerConfig{Behavior: slowScaleDown()}},
	})
}
