// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import (
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
)

// serviceAccount has no rights and no token, because the receiver does not call Kubernetes. A dedicated account excludes rights
// that were granted to the default account of the namespace.
func serviceAccount(p Params) Object {
	return corev1ac.ServiceAccount(p.name, p.webhook.Namespace).
		WithLabels(p.labels()).
		WithAnnotations(p.annotations()).
		WithAutomountServiceAccountToken(false)
}
