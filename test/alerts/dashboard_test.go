//go:build linux

// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package alerts

import (
	"encoding/json"
	"net/url"
	"os"
	"strings"
	"testing"
)

// checkDashboard checks that each query of the dashboard of all receivers has a value for a resource.
func checkDashboard(t *testing.T, s *server, resource string) {
	t.Helper()

	data, err := os.ReadFile("../../config/grafana/receivers.json")
	if err != nil {
		t.Fatal(err)
	}

	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(data, &dashboard); err != nil {
		t.Fatal(err)
	}

	variables := strings.NewReplacer("$namespace", namespace, "$name", resource, "$__rate_interval", "10s")

	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			expr := variables.Replace(target.Expr)
			until(t, "panel "+panel.Title+": "+expr, func() error { return s.hasValue(expr) })
		}
	}
}

// checkTexts checks that the texts of the firing alerts of a resource are complete.
func checkTexts(t *testing.T, s *server, resource string) {
	t.Helper()

	body, err := s.get("/api/v1/alerts", url.Values{})
	if err != nil {
		t.Fatal(err)
	}

	var answer struct {
		Data struct {
			Alerts []struct {
				Labels, Annotations map[string]string
				State               string
			}
		}
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		t.Fatal(err)
	}

	for _, alert := range answer.Data.Alerts {
		if alert.Labels["whatsappwebhook"] != resource || alert.State != "firing" {
			continue
		}

		for _, key := range []string{"summary", "description", "runbook_url"} {
			text := alert.Annotations[key]
			if text == "" || strings.Contains(text, "{{") || strings.Contains(text, "<no value>") || strings.Contains(text, "error ") {
				t.Errorf("%s of %s is %q", key, alert.Labels["alertname"], text)
			}
		}

		t.Logf("%s (%s): %s. %s", alert.Labels["alertname"], alert.Labels["severity"], alert.Annotations["summary"], alert.Annotations["description"])
	}
}
