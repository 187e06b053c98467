// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import (
	"crypto/sha256"
	"encoding/hex"

	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
)

// configMap holds the receiver's configuration.
func configMap(p Params) Object {
	return corev1ac.ConfigMap(p.name+suffixConfig, p.webhook.Namespace).
		WithLabels(p.labels()).
		WithData(map[string]string{configFile: p.yaml})
}

func (p Params) configHash() string {
	sum := sha256.Sum256([]byte(p.yaml))
	return hex.EncodeToString(sum[:])
}
