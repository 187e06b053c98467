// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import (
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
)

// serviceAccount has no rights and no token, since the receiver does not call Kubernetes. With an account of their own, the
// pods never get rights granted to the namespace's default account.
func serviceAccount(p Params) Object {
	return corev1ac.ServiceAccount(p.name, p.webhook.Namespace).
		WithLabels(p.labels()).
		WithAnnotations(p.annotations()).
		WithAutomountServiceAccountToken(false)
}
