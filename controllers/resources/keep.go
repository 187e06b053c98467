// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import (
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	networkingv1ac "k8s.io/client-go/applyconfigurations/networking/v1"
)

// annotationIngressClass names the class of an Ingress in the way that came before the field.
const annotationIngressClass = "kubernetes.io/ingress.class"

// KeepInitial gives a rendered object what only the creation of the live one decides: the data source of a claim, and the class
// of a claim or an Ingress for which the spec names none. The API server chooses the default class when it creates an object:
// without the class that the spec named before, a claim is refused, and an Ingress has no class at all. It reads of an Ingress
// only the class.
func KeepInitial(rendered Object, live any) {
	switch rendered := rendered.(type) {
	case *corev1ac.PersistentVolumeClaimApplyConfiguration:
		if claim, ok := live.(*corev1.PersistentVolumeClaim); ok && claim != nil {
			keepClaim(rendered.Spec, claim.Spec)
		}
	case *networkingv1ac.IngressApplyConfiguration:
		if ingress, ok := live.(*networkingv1.Ingress); ok && ingress != nil {
			keepClass(rendered, ingress.Spec.IngressClassName)
		}
	}
}

func keepClaim(rendered *corev1ac.PersistentVolumeClaimSpecApplyConfiguration, live corev1.PersistentVolumeClaimSpec) {
	if rendered.StorageClassName == nil {
		rendered.StorageClassName = live.StorageClassName
	}

	rendered.DataSource = nil

	if source := live.DataSource; source != nil {
		group := ""
		if source.APIGroup != nil {
			group = *source.APIGroup
		}

		rendered.WithDataSource(dataSource(group, source.Kind, source.Name))
	}
}

func keepClass(rendered *networkingv1ac.IngressApplyConfiguration, live *string) {
	if rendered.Spec.IngressClassName == nil && rendered.Annotations[annotationIngressClass] == "" {
		rendered.Spec.IngressClassName = live
	}
}
