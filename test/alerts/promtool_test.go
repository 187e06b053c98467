//go:build linux

// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package alerts

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// operatorRules is the file with the alerts of the operator.
const operatorRules = "../../config/prometheus/prometheusrule.yaml"

// series is a time series that stays at its value.
type series struct {
	name, labels string
	value        int
}

// moment is a time at which an alert fires, or does not.
type moment struct {
	at     string
	firing bool
}

// TestSubscriptionIsNotComparedWithoutSecrets checks that the alert of the subscription fires by itself, and not while a secret
// of any role is missing: the receiver does not ask Meta then, and WhatsAppSecretMissing names the cause.
func TestSubscriptionIsNotComparedWithoutSecrets(t *testing.T) {
	const self = `namespace="messaging",job="sales-admin",pod="sales-0"`

	differs := series{"whatsapp_subscription_active", self, 0}

	for role, firing := range map[string]bool{
		"":                         true,
		"openai-key":               false,
		"handoff-key":              false,
		"access-token":             false,
		"messages-assistant-key":   false,
		"backup-secret-access-key": false,
	} {
		shown := []series{differs}
		if role != "" {
			shown = append(shown, series{"whatsapp_secret_missing", self + fmt.Sprintf(`,role=%q`, role), 1})
		}

		// The rules are faster: 15 minutes are one.
		checkAlert(t, rulesOf(t, "sales", false), "WhatsAppSubscriptionNotActive", shown, nil, moment{"30s", false}, moment{"2m", firing})
	}
}

// TestAlertOfAnotherResponder checks that the alert fires for the resource whose condition has been false for an hour.
func TestAlertOfAnotherResponder(t *testing.T) {
	const operator = `namespace="whatsapp-webhook-system",job="whatsapp-webhook-operator-metrics",type="Responding",`

	shown := []series{
		{"whatsapp_operator_condition", operator + `resource_namespace="messaging",resource_name="sales",status="False",reason="OtherResponder"`, 1},
		{"whatsapp_operator_condition", operator + `resource_namespace="messaging",resource_name="help",status="True",reason="NoOtherResponder"`, 1},
		{"whatsapp_operator_condition", operator + `resource_namespace="messaging",resource_name="new",status="Unknown",reason="NotReported"`, 1},
	}
	labels := map[string]string{"resource_namespace": "messaging", "resource_name": "sales"}

	data, err := os.ReadFile(operatorRules)
	if err != nil {
		t.Fatal(err)
	}

	var rules struct {
		Spec struct {
			Groups []group `yaml:"groups"`
		} `yaml:"spec"`
	}
	if err := yaml.Unmarshal(data, &rules); err != nil {
		t.Fatal(err)
	}

	checkAlert(t, rules.Spec.Groups[0], "WhatsAppWebhookOtherResponder", shown, labels, moment{"59m", false}, moment{"61m", true})
}

// checkAlert checks with promtool, which does not wait, at which moments an alert fires. Then it has the labels besides its own.
func checkAlert(t *testing.T, rules group, name string, shown []series, labels map[string]string, moments ...moment) {
	t.Helper()

	binary, err := exec.LookPath("promtool")
	if err != nil {
		t.Fatal("this test needs promtool: apt-get install --no-install-recommends prometheus")
	}

	input := make([]map[string]any, 0, len(shown))
	for _, s := range shown {
		input = append(input, map[string]any{
			"series": s.name + "{" + s.labels + "}",
			"values": fmt.Sprintf("%d+0x5000", s.value),
		})
	}

	expected := make([]map[string]any, 0, len(moments))

	for _, m := range moments {
		alerts := []any{}
		if m.firing {
			alerts = append(alerts, fired(t, rules, name, labels))
		}

		expected = append(expected, map[string]any{
			"eval_time":  m.at,
			"alertname":  name,
			"exp_alerts": alerts,
		})
	}

	dir := t.TempDir()
	write := func(file string, content any) {
		data, err := yaml.Marshal(content)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, file), data, 0o600)
		}

		if err != nil {
			t.Fatal(err)
		}
	}

	write("rules.yml", map[string]any{"groups": []group{rules}})
	write("test.yml", map[string]any{
		"rule_files":          []string{"rules.yml"},
		"evaluation_interval": interval.String(),
		"tests": []any{map[string]any{
			"interval":        interval.String(),
			"input_series":    input,
			"alert_rule_test": expected,
		}},
	})

	var printed bytes.Buffer

	check := exec.CommandContext(t.Context(), binary, "test", "rules", filepath.Join(dir, "test.yml"))
	check.Stdout = &printed
	check.Stderr = &printed

	if err := check.Run(); err != nil {
		t.Errorf("%s with %v: %v\n%s", name, shown, err, &printed)
	}
}

// fired returns what promtool expects of an alert that fires: its labels and its texts, with the values of the labels.
func fired(t *testing.T, rules group, name string, labels map[string]string) map[string]any {
	t.Helper()

	var places []string
	for label, value := range labels {
		places = append(places, "{{ $labels."+label+" }}", value)
	}

	fill := strings.NewReplacer(places...)

	for _, r := range rules.Rules {
		if r.Alert != name {
			continue
		}

		all := maps.Clone(labels)
		if all == nil {
			all = map[string]string{}
		}

		for label, value := range r.Labels {
			all[label] = fill.Replace(value)
		}

		texts := map[string]string{}
		for key, text := range r.Annotations {
			texts[key] = fill.Replace(text)
		}

		return map[string]any{"exp_labels": all, "exp_annotations": texts}
	}

	t.Fatalf("no alert %s", name)

	return nil
}
