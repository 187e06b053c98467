// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/wawebhook/whatsapp-webhook-operator/controllers"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/apiserver"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/port"
)

// TestMonitoring lets a real Prometheus scrape the manager, and checks the alerts and the dashboard of the operator.
func TestMonitoring(t *testing.T) {
	c := startCluster(t)
	for _, name := range []string{"home", "upgrade"} {
		c.MustCreate(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})
	}

	c.grant(t, "../../config/rbac/role.yaml", "upgrade")
	c.grant(t, "../../config/rbac/leader_election.yaml", "home")
	c.grant(t, "../../config/rbac/metrics.yaml")

	// The name of the Service is taken.
	c.MustCreate(t, &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "upgrade", Name: "conflicting"},
		Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}},
	})

	for _, name := range []string{"ready", "progressing", "conflicting", "upgraded"} {
		resource := webhook("upgrade")
		resource.Name = name
		c.MustCreate(t, resource)
	}

	m := c.start(t, "--namespaces=upgrade", "--leader-elect", "--receiver-image="+oldImage)
	c.setStatus(t, "upgraded", complete)
	c.wantReadyMessage(t, "upgraded", "accepts deliveries")
	m.stop(t)

	m = c.start(t, "--namespaces=upgrade,absent", "--leader-elect", "--receiver-image="+newImage, "--max-concurrent-upgrades=1")
	c.wantUpgraded(t, 4)
	c.setStatus(t, "upgraded", exceeded)
	c.setStatus(t, "ready", complete)
	c.wantReadyMessage(t, "ready", "accepts deliveries")

	reader := []rbacv1.PolicyRule{{NonResourceURLs: []string{"/metrics"}, Verbs: []string{"get"}}}
	p := startPrometheus(t, m.metrics, c.token(t, "prometheus", reader))

	t.Run("alerts", func(t *testing.T) {
		want := map[string]string{
			"WhatsAppOperatorLacksRights":   "whatsapp-webhook-system",
			"WhatsAppOperatorUpgradeHalted": "whatsapp-webhook-system",
			"WhatsAppWebhookNotReady":       "upgrade",
			"WhatsAppWebhookStalled":        "upgrade",
			"WhatsAppWebhookNameConflict":   "upgrade",
		}

		apiserver.Eventually(t, func() error {
			got := map[string]string{}

			for _, alert := range p.alerts(t) {
				// Name conflicts may count as failed reconciliations.
				if alert.State != "firing" || alert.Labels["alertname"] == "WhatsAppOperatorReconcileErrors" {
					continue
				}

				got[alert.Labels["alertname"]] = alert.Labels["namespace"]
				for _, key := range []string{"summary", "description"} {
					if text := alert.Annotations[key]; text == "" || strings.Contains(text, "{{") || strings.Contains(text, "<no value>") {
						t.Errorf("%s of %s is %q", key, alert.Labels["alertname"], text)
					}
				}
			}

			if diff := cmp.Diff(want, got); diff != "" {
				return fmt.Errorf("firing alerts with their namespaces (-want +got):\n%s", diff)
			}

			return nil
		})
	})

	t.Run("each metric of an alert exists", func(t *testing.T) {
		for _, rule := range operatorRules(t)[0].Rules {
			for _, match := range regexp.MustCompile(`([a-z_]+)\{`).FindAllStringSubmatch(rule.Expr, -1) {
				p.wantValue(t, fmt.Sprintf("count(%s)", match[1]))
			}
		}
	})

	t.Run("each query of the dashboard has a value", func(t *testing.T) {
		variables := strings.NewReplacer("$namespace", "whatsapp-webhook-system", "$__rate_interval", "1m")

		for i, expr := range dashboardQueries(t) {
			c.poke(t, strconv.Itoa(i)) // so that rates are not zero
			p.wantValue(t, variables.Replace(expr))
		}
	})

	t.Run("the series of a deleted resource go", func(t *testing.T) {
		gone := webhook("upgrade")
		gone.Name = "progressing"

		if err := c.Delete(t.Context(), gone); err != nil {
			t.Fatal(err)
		}

		apiserver.Eventually(t, func() error {
			if samples := p.query(t, `whatsapp_operator_condition{resource_name="progressing"}`); len(samples) > 0 {
				return fmt.Errorf("%d series of a deleted resource", len(samples))
			}

			return nil
		})
		p.wantValue(t, `count(whatsapp_operator_condition{resource_name="ready"})`)
	})
}

// poke requests a reconciliation of every resource.
func (c *cluster) poke(t *testing.T, value string) {
	t.Helper()

	for _, name := range []string{"ready", "progressing", "conflicting", "upgraded"} {
		resource := webhook("upgrade")
		resource.Name = name
		patch := fmt.Sprintf(`{"metadata":{"annotations":{%q:%q}}}`, controllers.RequestedAtAnnotation, value)

		if err := c.Patch(t.Context(), resource, client.RawPatch("application/merge-patch+json", []byte(patch))); err != nil {
			t.Fatal(err)
		}
	}
}

type ruleGroup struct {
	Name  string `json:"name"`
	Rules []struct {
		Alert       string            `json:"alert"`
		Expr        string            `json:"expr"`
		For         string            `json:"for,omitempty"`
		Labels      map[string]string `json:"labels"`
		Annotations map[string]string `json:"annotations"`
	} `json:"rules"`
}

// operatorRules returns the alerts of the operator, which fire at once.
func operatorRules(t *testing.T) []ruleGroup {
	t.Helper()

	data, err := os.ReadFile("../../config/prometheus/prometheusrule.yaml")
	if err != nil {
		t.Fatal(err)
	}

	var rule struct{ Spec struct{ Groups []ruleGroup } }
	if err := yaml.Unmarshal(data, &rule); err != nil {
		t.Fatal(err)
	}

	for _, group := range rule.Spec.Groups {
		for i := range group.Rules {
			group.Rules[i].For = ""
		}
	}

	return rule.Spec.Groups
}

func dashboardQueries(t *testing.T) []string {
	t.Helper()

	data, err := os.ReadFile("../../config/grafana/operator.json")
	if err != nil {
		t.Fatal(err)
	}

	var dashboard struct {
		Panels []struct{ Targets []struct{ Expr string } }
	}
	if err := json.Unmarshal(data, &dashboard); err != nil {
		t.Fatal(err)
	}

	var queries []string
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			queries = append(queries, target.Expr)
		}
	}

	return queries
}

// prometheus is a running Prometheus that scrapes a manager.
type prometheus struct{ url string }

func startPrometheus(t *testing.T, target, token string) *prometheus {
	t.Helper()

	binary, err := exec.LookPath("prometheus")
	if err != nil {
		t.Fatal("this test needs Prometheus: apt-get install --no-install-recommends prometheus")
	}

	dir := t.TempDir()
	write := func(name string, content any) {
		data, err := yaml.Marshal(content)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), data, 0o600)
		}

		if err != nil {
			t.Fatal(err)
		}
	}

	write("rules.yml", map[string]any{"groups": operatorRules(t)})
	write("prometheus.yml", map[string]any{
		"global":     map[string]any{"scrape_interval": "1s", "evaluation_interval": "1s"},
		"rule_files": []string{"rules.yml"},
		"scrape_configs": []any{map[string]any{
			"job_name":      "whatsapp-webhook-operator-metrics",
			"scheme":        "https",
			"tls_config":    map[string]any{"insecure_skip_verify": true},
			"authorization": map[string]any{"credentials": token},
			"static_configs": []any{map[string]any{
				"targets": []string{target},
				"labels":  map[string]string{"namespace": "whatsapp-webhook-system", "pod": "manager-0"},
			}},
		}},
	})

	address := port.Address(t)

	var output bytes.Buffer

	process := exec.CommandContext(context.WithoutCancel(t.Context()), binary,
		"--config.file="+filepath.Join(dir, "prometheus.yml"),
		"--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+address,
		"--log.level=warn")
	process.Stdout = &output
	process.Stderr = &output

	if err := process.Start(); err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() {
		err := errors.Join(process.Process.Signal(syscall.SIGTERM), process.Wait())
		if err != nil || t.Failed() {
			t.Logf("Prometheus ended: %v\n%s", err, &output)
		}
	})

	return &prometheus{url: "http://" + address}
}

// get reads the data of a response of Prometheus.
func (p *prometheus) get(t *testing.T, path string, query url.Values, data any) error {
	t.Helper()

	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+path+"?"+query.Encode(), http.NoBody)
	if err != nil {
		return err
	}

	resp, err := (&http.Client{Timeout: 10 * time.Second}).Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()

	answer := struct {
		Error string
		Data  any
	}{Data: data}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return err
	}

	if answer.Error != "" {
		t.Fatalf("%s: %s", query, answer.Error)
	}

	return nil
}

type alert struct {
	Labels, Annotations map[string]string
	State               string
}

func (p *prometheus) alerts(t *testing.T) []alert {
	t.Helper()

	var data struct{ Alerts []alert }
	if err := p.get(t, "/api/v1/alerts", nil, &data); err != nil {
		return nil // it is starting
	}

	return data.Alerts
}

// query returns the values of an expression that are numbers.
func (p *prometheus) query(t *testing.T, expr string) []float64 {
	t.Helper()

	var data struct{ Result []struct{ Value [2]any } }
	if err := p.get(t, "/api/v1/query", url.Values{"query": {expr}}, &data); err != nil {
		return nil // it is starting
	}

	var values []float64
	for _, sample := range data.Result {
		value, err := strconv.ParseFloat(fmt.Sprint(sample.Value[1]), 64)
		if err == nil && !math.IsNaN(value) {
			values = append(values, value)
		}
	}

	return values
}

func (p *prometheus) wantValue(t *testing.T, expr string) {
	t.Helper()
	apiserver.Eventually(t, func() error {
		if len(p.query(t, expr)) == 0 {
			return fmt.Errorf("no value: %s", expr)
		}

		return nil
	})
}
