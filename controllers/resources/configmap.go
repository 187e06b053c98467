// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"reflect"

	"go.yaml.in/yaml/v3"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
)

// configMap holds the receiver's configuration.
func configMap(p Params) Object {
	return corev1ac.ConfigMap(p.name+suffixConfig, p.webhook.Namespace).
		WithLabels(p.labels()).
		WithAnnotations(p.annotations()).
		WithData(map[string]string{configFile: p.yaml})
}

// startHash returns a hash of the settings that a receiver reads at start only. Settings that are not given do not count, so
// that a release of the operator with more settings does not roll receivers whose image is pinned.
func startHash(c config.Config) (string, error) {
	given := c.StartSettings()
	maps.DeleteFunc(given, func(_ string, value any) bool { return reflect.ValueOf(value).IsZero() })

	data, err := yaml.Marshal(given)
	if err != nil {
		return "", fmt.Errorf("marshal the start settings: %w", err)
	}

	sum := sha256.Sum256(data)

	return hex.EncodeToString(sum[:]), nil
}
