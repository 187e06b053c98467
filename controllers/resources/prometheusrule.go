// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import (
	"cmp"
	"fmt"
	"strings"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
)

// prometheusRule limits every alert to this resource, by the namespace and the job of its receivers' metrics.
func prometheusRule(p Params) Object {
	wanted := p.webhook.Spec.Monitoring.PrometheusRule
	if wanted.State != v1alpha1.Enabled {
		return nil
	}

	var rules []monitoringv1.Rule
	for _, a := range alerts(p) {
		rules = append(rules, monitoringv1.Rule{
			Alert: a.name,
			Expr:  intstr.FromString(p.fill(a.expr)),
			For:   new(monitoringv1.Duration(a.pending)),
			Labels: map[string]string{
				"severity":        a.severity,
				"namespace":       p.webhook.Namespace,
				"whatsappwebhook": p.webhook.Name,
			},
			Annotations: map[string]string{
				"summary":     p.fill("@namespace/@resource: " + a.summary),
				"description": p.fill(a.description),
				"runbook_url": p.runbookURL(a.name),
			},
		})
	}

	return newExtension(p, PrometheusRuleKind, wanted.Labels, monitoringv1.PrometheusRuleSpec{
		Groups: []monitoringv1.RuleGroup{{Name: "whatsapp-webhook", Rules: rules}},
	})
}

// oldestPendingSeconds returns how long a message may wait before an alert fires.
func (p Params) oldestPendingSeconds() int32 {
	return cmp.Or(p.webhook.Spec.Monitoring.PrometheusRule.OldestPendingSeconds, 300)
}

// deadLetterNoticeAge returns the age in minutes from which a dead letter is announced before its purge.
func (p Params) deadLetterNoticeAge() int {
	stored := config.Store{DeadLetterDays: int(cmp.Or(p.webhook.Spec.Store.DeadLetterDays, 90))}

	return int((stored.DeadLetterRetention() - stored.ExpiryNotice()).Minutes())
}

// fill replaces the placeholders in the text of an alert. The names need no quoting in PromQL: claims and resources have
// those of DNS.
func (p Params) fill(text string) string {
	return strings.NewReplacer(
		"@self", fmt.Sprintf("namespace=%q,job=%q", p.webhook.Namespace, p.job()),
		"@namespace", p.webhook.Namespace,
		"@claim", ClaimName(p.webhook),
		"@resource", p.webhook.Name,
	).Replace(text)
}
