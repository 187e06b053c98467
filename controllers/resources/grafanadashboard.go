// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import (
	"crypto/sha256"
	_ "embed" // the dashboard
	"encoding/hex"
	"encoding/json"

	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
)

// dashboard is the dashboard of all receivers in Grafana's format. Its variables namespace and name choose resources.
// 'make chart' copies it to config/grafana and into the chart, which install it once for a cluster.
//
//go:embed dashboard.json
var dashboard []byte

// grafanaDashboard renders the dashboard with the variables set to this resource, for a Grafana that reads ConfigMaps of
// this namespace only. It names the file by namespace and name, because Grafana's sidecar puts the dashboards of all
// namespaces into one folder.
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
		WithLabels(p.labels(labels)).
		WithAnnotations(p.annotations()).
		WithData(map[string]string{p.webhook.Namespace + "_" + p.name + ".json": p.dashboard()})
}

// dashboard returns the dashboard of this resource only.
func (p Params) dashboard() string {
	var own map[string]any

	if err := json.Unmarshal(dashboard, &own); err != nil {
		panic("dashboard.json is not JSON: " + err.Error()) // it is part of the program, and a test reads it
	}

	own["uid"] = p.dashboardUID()
	own["title"] = "WhatsApp webhook " + p.webhook.Namespace + "/" + p.webhook.Name
	own["description"] = "The messages that the receivers of this WhatsAppWebhook receive, process and send."
	own["templating"] = map[string]any{"list": []any{
		map[string]any{
			"name":    "datasource",
			"label":   "Data source",
			"type":    "datasource",
			"query":   "prometheus",
			"refresh": 1,
		},
		constantVariable("namespace", p.webhook.Namespace),
		constantVariable("name", p.name),
	}}

	text, err := json.MarshalIndent(own, "", "  ")
	if err != nil {
		panic("the dashboard cannot be encoded: " + err.Error()) // it was decoded from JSON
	}

	return string(text) + "\n"
}

// constantVariable returns a hidden variable with one value.
func constantVariable(name, value string) map[string]any {
	return map[string]any{
		"name":  name,
		"type":  "constant",
		"query": value,
		"hide":  2,
	}
}

// dashboardUID returns a UID that is the same in every cluster, so that links to the dashboard stay valid. Grafana allows
// 40 characters.
func (p Params) dashboardUID() string {
	sum := sha256.Sum256([]byte(p.webhook.Namespace + "/" + p.webhook.Name))
	return "whatsapp-" + hex.EncodeToString(sum[:])[:20]
}
