// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import (
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
)

// serviceAccount has no rights and no token: the receiver does not talk to Kubernetes. It gives the pods an identity of
// their own, so that rights granted to the namespace's default account never reach them.
func serviceAccount(p Params) Object {
	return corev1ac.ServiceAccount(p.name, p.webhook.Namespace).
		WithLabels(p.labels()).
		WithAutomountServiceAccountToken(false)
}
