// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import (
	"crypto/sha256"
	_ "embed" // the dashboard
	"encoding/hex"

	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
)

// dashboard is a dashboard in Grafana's format, with the placeholders of [Params.fill].
//
//go:embed dashboard.json
var dashboard string

// grafanaDashboard names its file by namespace and name, because Grafana's sidecar puts the dashboards of all namespaces
// into one folder.
func grafanaDashboard(p Params) Object {
	wanted := p.webhook.Spec.Monitoring.GrafanaDashboard
	if wanted.State != v1alpha1.Enabled {
		return nil
	}

	labels := wanted.Labels
	if len(labels) == 0 {
		labels = map[string]string{"grafana_dashboard": "1"}
	}

	return corev1ac.ConfigMap(p.name+suffixDashboard, p.webhook.Namespace).
		WithLabels(merge(labels, p.labels())).
		WithData(map[string]string{p.webhook.Namespace + "_" + p.name + ".json": p.fill(dashboard)})
}

// dashboardUID returns a UID that is the same in every cluster, so that links to the dashboard stay valid. Grafana allows
// 40 characters.
func (p Params) dashboardUID() string {
	sum := sha256.Sum256([]byte(p.webhook.Namespace + "/" + p.webhook.Name))
	return "whatsapp-" + hex.EncodeToString(sum[:])[:20]
}
