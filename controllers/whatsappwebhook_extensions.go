// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"slices"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
)

// extensionsAvailability returns the verdict on the optional APIs.
func extensionsAvailability(seen observation) verdict {
	switch {
	case len(seen.missing) > 0:
		var problems []string
		for _, gvk := range seen.missing {
			if cause, ok := seen.denied[gvk]; ok {
				problems = append(problems, cause)
			} else {
				problems = append(problems, fmt.Sprintf("the cluster does not serve %s (%s); install its API", gvk.Kind, gvk.GroupVersion()))
			}
		}

		return no(v1alpha1.ReasonExtensionMissing, "%s; or remove it from the spec: all other objects are applied", strings.Join(problems, "; "))
	case len(seen.wanted) == 0:
		return yes(v1alpha1.ReasonNotRequested, "the spec uses no optional API")
	default:
		return yes(v1alpha1.ReasonExtensionsServed, "the cluster serves every optional API that the spec uses")
	}
}

// autoscaling returns the verdict on the autoscaler. It has no own condition: Ready repeats the conditions of the autoscaler.
func autoscaling(seen observation) verdict {
	switch {
	case seen.autoscaler != nil:
		return podAutoscaling(seen.autoscaler)
	case seen.scaledObject != nil:
		return eventAutoscaling(seen.scaledObject)
	default:
		return verdict{}
	}
}

func podAutoscaling(hpa *autoscalingv2.HorizontalPodAutoscaler) verdict {
	for _, kind := range []autoscalingv2.HorizontalPodAutoscalerConditionType{autoscalingv2.AbleToScale, autoscalingv2.ScalingActive} {
		i := slices.IndexFunc(hpa.Status.Conditions, func(c autoscalingv2.HorizontalPodAutoscalerCondition) bool { return c.Type == kind })
		if i < 0 {
			return no(v1alpha1.ReasonAutoscalerNotReady, "Kubernetes has not evaluated HorizontalPodAutoscaler %s yet", hpa.Name)
		}

		if c := hpa.Status.Conditions[i]; c.Status == corev1.ConditionFalse {
			return no(v1alpha1.ReasonAutoscalerNotReady, "HorizontalPodAutoscaler %s does not scale: %s: %s",
				hpa.Name, c.Reason, excerpt(c.Message, maxExcerpt))
		}
	}

	return verdict{}
}

func eventAutoscaling(scaled *ScaledObject) verdict {
	i := slices.IndexFunc(scaled.Status.Conditions, func(c ScaledObjectCondition) bool { return c.Type == "Ready" })
	if i < 0 || scaled.Status.Conditions[i].Status == corev1.ConditionUnknown {
		return no(v1alpha1.ReasonAutoscalerNotReady, "KEDA has not taken up ScaledObject %s yet; its operator must run", scaled.Name)
	}

	if c := scaled.Status.Conditions[i]; c.Status == corev1.ConditionFalse {
		return no(v1alpha1.ReasonAutoscalerNotReady, "ScaledObject %s does not scale: %s: %s", scaled.Name, c.Reason, excerpt(c.Message, maxExcerpt))
	}

	return verdict{}
}
