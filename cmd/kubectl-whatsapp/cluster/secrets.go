// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
)

// SecretValue returns the value that a reference of a resource names, without white space around it.
func (c *Cluster) SecretValue(ctx context.Context, ref v1alpha1.SecretKeyReference) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()

	secret := &corev1.Secret{}

	err := c.client.Get(ctx, client.ObjectKey{
		Namespace: c.Namespace,
		Name:      ref.Name,
	}, secret)
	if err != nil {
		return "", c.explain(err, fmt.Sprintf("get the Secret %s of the namespace %s", ref.Name, c.Namespace), right{
			verb:      "get",
			resource:  "secrets",
			namespace: c.Namespace,
		})
	}

	value := strings.TrimSpace(string(secret.Data[ref.Key]))
	if value == "" {
		return "", output.Failed(
			"Add the key to the Secret. kubectl whatsapp status shows what else is missing.",
			"the Secret %s has no value under the key %s", ref.Name, ref.Key)
	}

	return value, nil
}
