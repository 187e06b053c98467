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
// of a claim or an Ingress that the spec named before. It leaves out the size of a claim that another manager has enlarged. The API server chooses the default class when it creates an object: a claim
// that loses its class is refused, and an Ingress has none at all. It reads of an Ingress only the class. Owned reports whether the
// operator has applied a field of the live object's spec.
func KeepInitial(rendered Object, live any, owned func(field string) bool) {
	switch rendered := rendered.(type) {
	case *corev1ac.PersistentVolumeClaimApplyConfiguration:
		if claim, ok := live.(*corev1.PersistentVolumeClaim); ok && claim != nil {
			keepClaim(rendered.Spec, claim.Spec, owned("storageClassName"))
			keepSize(rendered.Spec, claim.Spec, owned("resources"))
		}
	case *networkingv1ac.IngressApplyConfiguration:
		if ingress, ok := live.(*networkingv1.Ingress); ok && ingress != nil {
			keepClass(rendered, ingress.Spec.IngressClassName, owned("ingressClassName"))
		}
	}
}

func keepClaim(rendered *corev1ac.PersistentVolumeClaimSpecApplyConfiguration, live corev1.PersistentVolumeClaimSpec, ownsClass bool) {
	if rendered.StorageClassName == nil && ownsClass {
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

// keepSize leaves the request of a claim that another manager has raised, such as a controller that enlarges volumes that fill up.
// The API server would reject a smaller one.
func keepSize(rendered *corev1ac.PersistentVolumeClaimSpecApplyConfiguration, live corev1.PersistentVolumeClaimSpec, ownsSize bool) {
	wanted := rendered.Resources.Requests.Storage()
	if !ownsSize && live.Resources.Requests.Storage().Cmp(*wanted) > 0 {
		rendered.Resources = nil
	}
}

func keepClass(rendered *networkingv1ac.IngressApplyConfiguration, live *string, ownsClass bool) {
	if ownsClass && rendered.Spec.IngressClassName == nil && rendered.Annotations[annotationIngressClass] == "" {
		rendered.Spec.IngressClassName = live
	}
}
