// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import (
	"errors"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
)

const (
	defaultMilliCPU = 50
	// scaledMilliCPU is the default request of pods that scale by CPU. The default target is 70 percent of it, which about 150
	// turns a second use: see docs/resource.md. With the smaller request, 15 turns a second would start another pod.
	scaledMilliCPU = 500
)

// resourceRequirements returns the resources of the spec, or defaults without a CPU limit: throttling would make Meta's
// deliveries time out.
func resourceRequirements(receiver v1alpha1.ReceiverSpec) (*corev1.ResourceRequirements, error) {
	byCPU := scalesByCPU(receiver.Autoscaling)
	if given := receiver.Resources; given != nil {
		// The API server takes the limit as the request if there is none.
		if byCPU && given.Requests.Cpu().IsZero() && given.Limits.Cpu().IsZero() {
			return nil, errors.New("spec.receiver.resources has no CPU request, of which receiver.autoscaling measures the use: " +
				"set receiver.resources.requests.cpu to the CPU that one pod is expected to use, such as 500m")
		}

		return given, nil
	}

	milliCPU := int64(defaultMilliCPU)
	if byCPU {
		milliCPU = scaledMilliCPU
	}

	return &corev1.ResourceRequirements{
		Requests: corev1.ResourceList{
			corev1.ResourceCPU:    *resource.NewMilliQuantity(milliCPU, resource.DecimalSI),
			corev1.ResourceMemory: *resource.NewQuantity(64<<20, resource.BinarySI),
		},
		Limits: corev1.ResourceList{
			corev1.ResourceMemory: *resource.NewQuantity(256<<20, resource.BinarySI),
		},
	}, nil
}
