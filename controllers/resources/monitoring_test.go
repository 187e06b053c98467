// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/yaml"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/metrics" //nolint:depguard // alerts and dashboard must use existing metrics
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"   //nolint:depguard // needed to register them
)

// TestQueries checks the query of every alert and dashboard panel: Prometheus can parse it, its metrics exist, and it selects
// this resource only.
func TestQueries(t *testing.T) {
	known := metricNames(t)
	texts := queries(t)

	parsed := parseQueries(t, texts)
	if len(parsed) != len(texts) {
		t.Errorf("%d of %d queries were parsed", len(parsed), len(texts))
	}

	for name, query := range parsed {
		if query.Error != "" {
			t.Errorf("%s: %s\n%s", name, query.Error, texts[name])
		}

		for _, selector := range query.Selectors {
			if !known[selector.Metric] {
				t.Errorf("%s: receivers have no metric %s", name, selector.Metric)
			}

			matched := selector.Matchers
			alert := matched["namespace"] == "messaging" && (matched["job"] == "sales-admin" || matched["persistentvolumeclaim"] == "sales-store")
			panel := matched["namespace"] == "~$namespace" && matched["job"] == "~$name-admin"

			if isAlert := strings.HasPrefix(name, "alert "); isAlert && !alert || !isAlert && !panel {
				t.Errorf("%s: %s%v also selects other resources", name, selector.Metric, matched)
			}
		}
	}
}

// parsedQuery is what Prometheus reads in a query.
type parsedQuery struct {
	Error     string
	Selectors []struct {
		Metric   string
		Matchers map[string]string
	}
}

// parseQueries parses queries by their names with Prometheus' parser, which is a tool of its own module.
func parseQueries(t *testing.T, texts map[string]string) map[string]parsedQuery {
	t.Helper()

	text, err := json.Marshal(texts)
	if err != nil {
		t.Fatal(err)
	}

	parser := exec.CommandContext(t.Context(), "go", "-C", "../../hack/tools/prometheus", "tool", "selectors")
	parser.Stdin = bytes.NewReader(text)
	parser.Stderr = t.Output()

	printed, err := parser.Output()
	if err != nil {
		t.Fatalf("parse the queries: %v", err)
	}

	var parsed map[string]parsedQuery
	if err := json.Unmarshal(printed, &parsed); err != nil {
		t.Fatal(err)
	}

	return parsed
}

// TestRunbooks checks that each alert has a section in docs/alerts.md and a link to it, and each section an alert.
func TestRunbooks(t *testing.T) {
	page, err := os.ReadFile("../../docs/alerts.md")
	if err != nil {
		t.Fatal(err)
	}

	all := rules(t)

	operator, err := os.ReadFile("../../config/prometheus/prometheusrule.yaml")
	if err != nil {
		t.Fatal(err)
	}

	var parsed prometheusRules
	if err := yaml.Unmarshal(operator, &parsed); err != nil {
		t.Fatal(err)
	}

	for _, group := range parsed.Spec.Groups {
		all = append(all, group.Rules...)
	}

	sections := map[string]string{}

	for _, section := range strings.Split(string(page), "\n### ")[1:] {
		name, text, _ := strings.Cut(section, "\n")
		sections[name], _, _ = strings.Cut(text, "\n## ")
	}

	for _, rule := range all {
		text := sections[rule.Alert]
		for _, part := range []string{"**Means** (" + rule.Labels["severity"] + "):", "**People notice**:", "**Look at**:", "**Do**:"} {
			if !strings.Contains(text, part) {
				t.Errorf("the section of %s lacks %q", rule.Alert, part)
			}
		}

		if want := resources.DefaultRunbookURL + "#" + strings.ToLower(rule.Alert); rule.Annotations["runbook_url"] != want {
			t.Errorf("%s links to %q, want %q", rule.Alert, rule.Annotations["runbook_url"], want)
		}

		delete(sections, rule.Alert)
	}

	for name := range sections {
		t.Errorf("the section %s has no alert", name)
	}
}

type prometheusRules struct {
	Spec struct{ Groups []struct{ Rules []rule } }
}

type rule struct {
	Alert, Expr, For    string
	Labels, Annotations map[string]string
}

// rules returns all alerts of receivers. The embedded store has additional ones.
func rules(t *testing.T) []rule {
	t.Helper()

	webhook := read(t, filepath.Join("testdata", "full"))
	webhook.Spec.Receiver.Replicas = new(int32(1)) // none has no alert about receivers that do not run

	return rulesOf(t, webhook)
}

func rulesOf(t *testing.T, webhook *v1alpha1.WhatsAppWebhook) []rule {
	t.Helper()

	var found []rule

	for _, object := range render(t, webhook) {
		if *object.GetKind() != "PrometheusRule" {
			continue
		}

		var parsed prometheusRules

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
			UID        string
			Templating struct {
				List []struct{ Name, Query string }
			}
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

		variables := map[string]string{}
		for _, variable := range dashboard.Templating.List {
			variables[variable.Name] = variable.Query
		}

		if variables["namespace"] != "messaging" || variables["name"] != "sales" {
			t.Errorf("the variables of the dashboard are %v, want those of this resource", variables)
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
	m.WatchStore(m.CountStore(nil), clockwork.NewRealClock())
	m.WatchTakeovers(struct{ store.Store }{}, clockwork.NewRealClock())
	m.WatchScopes(func() []metrics.ClosedScope { return nil })
	m.WatchConfiguration(config.Fixed(config.Config{}, config.Secrets{}), func() health.TokenState { return "" })
	m.WatchBackup(func() *health.Backup { return nil })
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
