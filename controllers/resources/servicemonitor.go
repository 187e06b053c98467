// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import (
	"fmt"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
)

// serviceMonitor selects the admin Service only: with the public one, each pod would be scraped twice.
func serviceMonitor(p Params) Object {
	wanted := p.webhook.Spec.Monitoring.ServiceMonitor
	if wanted.State != v1alpha1.Enabled {
		return nil
	}

	endpoint := monitoringv1.Endpoint{Port: portNameAdmin, Path: "/metrics"}
	if wanted.IntervalSeconds > 0 {
		endpoint.Interval = monitoringv1.Duration(fmt.Sprintf("%ds", wanted.IntervalSeconds))
	}

	return newExtension(p, ServiceMonitorKind, wanted.Labels, monitoringv1.ServiceMonitorSpec{
		Selector:          metav1.LabelSelector{MatchLabels: merge(p.selectorLabels(), adminLabels)},
		NamespaceSelector: monitoringv1.NamespaceSelector{MatchNames: []string{p.webhook.Namespace}},
		Endpoints:         []monitoringv1.Endpoint{endpoint},
	})
}

// job returns the job label of metrics scraped by a ServiceMonitor, which is the name of the Service.
func (p Params) job() string {
	return p.name + suffixAdmin
}
