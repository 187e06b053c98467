// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/metrics" //nolint:depguard // alerts and dashboard must use existing metrics
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"   //nolint:depguard // needed to register them
)

// TestQueries checks the query of every alert and dashboard panel: Prometheus can parse it, its metrics exist, and it selects
// this resource only.
func TestQueries(t *testing.T) {
	known := metricNames(t)
	for query, text := range queries(t) {
		expression, err := parser.NewParser(parser.Options{}).ParseExpr(text)
		if err != nil {
			t.Errorf("%s: %v\n%s", query, err, text)
			continue
		}

		parser.Inspect(expression, func(node parser.Node, _ []parser.Node) error {
			selector, ok := node.(*parser.VectorSelector)
			if !ok {
				return nil
			}

			if !known[selector.Name] {
				t.Errorf("%s: receivers have no metric %s", query, selector.Name)
			}

			matched := map[string]string{}
			for _, matcher := range selector.LabelMatchers {
				if matcher.Type == labels.MatchEqual {
					matched[matcher.Name] = matcher.Value
				}
			}

			ours := matched["job"] == "sales-admin" || matched["persistentvolumeclaim"] == "sales-store"
			if matched["namespace"] != "messaging" || !ours {
				t.Errorf("%s: %s also selects other resources", query, selector)
			}

			return nil
		})
	}
}

// TestAlertTexts checks the texts for the person on call.
func TestAlertTexts(t *testing.T) {
	for _, rule := range rules(t) {
		for _, field := range []string{rule.Alert, rule.For, rule.Labels["severity"], rule.Annotations["summary"], rule.Annotations["description"], rule.Annotations["runbook"]} {
			if field == "" || strings.Contains(field, "@") {
				t.Errorf("alert %s: %q", rule.Alert, field)
			}
		}
	}
}

type rule struct {
	Alert, Expr, For    string
	Labels, Annotations map[string]string
}

func rules(t *testing.T) []rule {
	t.Helper()

	var found []rule

	// The embedded store has an additional alert.
	for _, object := range render(t, read(t, filepath.Join("testdata", "full"))) {
		if *object.GetKind() != "PrometheusRule" {
			continue
		}

		var parsed struct {
			Spec struct{ Groups []struct{ Rules []rule } }
		}
		remarshal(t, object, &parsed)

		for _, group := range parsed.Spec.Groups {
			found = append(found, group.Rules...)
		}
	}

	if len(found) == 0 {
		t.Fatal("no alerts are rendered")
	}

	return found
}

func queries(t *testing.T) map[string]string {
	t.Helper()

	found := map[string]string{}
	for _, rule := range rules(t) {
		found["alert "+rule.Alert] = rule.Expr
	}

	for _, object := range render(t, read(t, filepath.Join("testdata", "full"))) {
		if *object.GetName() != "sales-dashboard" {
			continue
		}

		var configMap struct{ Data map[string]string }
		remarshal(t, object, &configMap)

		var dashboard struct {
			UID    string
			Panels []struct {
				ID      int
				Title   string
				Targets []struct{ Expr, RefID string }
			}
		}
		if err := json.Unmarshal([]byte(configMap.Data["messaging_sales.json"]), &dashboard); err != nil {
			t.Fatal(err)
		}

		if len(dashboard.UID) > 40 || len(dashboard.Panels) == 0 {
			t.Errorf("the dashboard has %d panels and the uid %q", len(dashboard.Panels), dashboard.UID)
		}

		for _, panel := range dashboard.Panels {
			for _, target := range panel.Targets {
				found[fmt.Sprintf("panel %d %s %s", panel.ID, panel.Title, target.RefID)] = strings.ReplaceAll(target.Expr, "$__rate_interval", "5m")
			}
		}
	}

	return found
}

func remarshal(t *testing.T, from, to any) {
	t.Helper()

	data, err := json.Marshal(from)
	if err != nil {
		t.Fatal(err)
	}

	if err := json.Unmarshal(data, to); err != nil {
		t.Fatal(err)
	}
}

// metricNames returns the names of the metrics of a receiver, and the metrics of Prometheus and the kubelet.
func metricNames(t *testing.T) map[string]bool {
	t.Helper()

	m := metrics.New(clockwork.NewRealClock())
	m.WatchStore(struct{ store.Store }{}, clockwork.NewRealClock())
	m.WatchSubscription(func() health.Subscription { return health.Subscription{} }, func() time.Time { return time.Time{} })

	descriptions := make(chan *prometheus.Desc)
	go func() {
		defer close(descriptions)

		m.Registry.Describe(descriptions)
	}()

	names := map[string]bool{
		"up":                                   true,
		"kubelet_volume_stats_available_bytes": true,
		"kubelet_volume_stats_capacity_bytes":  true,
	}

	quoted := regexp.MustCompile(`fqName: "([^"]+)"`)
	for description := range descriptions {
		name := quoted.FindStringSubmatch(description.String())[1]
		for _, suffix := range []string{"", "_bucket", "_count", "_sum"} {
			names[name+suffix] = true
		}
	}

	return names
}
