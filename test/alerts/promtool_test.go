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

// series is a time series that begins at its value and rises by step at each interval.
type series struct {
	name, labels string
	value, step  int
}

// moment is a time at which an alert fires, or does not. value is what its texts then have as the value of the expression.
type moment struct {
	at     string
	firing bool
	value  string
}

// TestSubscriptionIsNotComparedWithoutSecrets checks that the alert of the subscription fires by itself, and not while a secret
// of any role is missing: the receiver does not ask Meta then, and WhatsAppSecretMissing names the cause.
func TestSubscriptionIsNotComparedWithoutSecrets(t *testing.T) {
	const self = `namespace="messaging",job="sales-admin",pod="sales-0"`

	differs := series{name: "whatsapp_subscription_active", labels: self}

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
			shown = append(shown, missingSecret(self, role))
		}

		// The rules are faster: 15 minutes are one.
		checkAlert(t, rulesOf(t, "sales", false), "WhatsAppSubscriptionNotActive", shown, nil, moment{at: "30s"}, moment{at: "2m", firing: firing})
	}
}

// missingSecret is the series of a secret that has no value.
func missingSecret(self, role string) series {
	return series{
		name:   "whatsapp_secret_missing",
		labels: self + fmt.Sprintf(`,role=%q`, role),
		value:  1,
	}
}

// TestStoreWithoutItsSecret checks that the alert of the store does not fire while a secret is missing without which it cannot be used:
// WhatsAppSecretMissing names the cause.
func TestStoreWithoutItsSecret(t *testing.T) {
	const self = `namespace="messaging",job="sales-admin",pod="sales-0"`

	fails := series{
		name:   "whatsapp_store_errors_total",
		labels: self + `,operation="claim"`,
		step:   1,
	}
	labels := map[string]string{"operation": "claim"}

	for role, firing := range map[string]bool{
		"":             true,
		"access-token": true,
		"store-key":    false,
		"database-url": false,
	} {
		shown := []series{fails}
		if role != "" {
			shown = append(shown, missingSecret(self, role))
		}

		// The rules are faster: 5 minutes are 20 seconds.
		checkAlert(t, rulesOf(t, "sales", false), "WhatsAppStoreFailing", shown, labels, moment{at: "10s"}, moment{at: "1m", firing: firing})
	}
}

// TestStatusesOfALimitedMethod checks that statuses which the AI limits for long alert: no other alert says so. While the AI does not
// take them, WhatsAppAIMethodUnavailable does.
func TestStatusesOfALimitedMethod(t *testing.T) {
	const self = `namespace="messaging",job="sales-admin",pod="sales-0"`

	for reason, firing := range map[string]bool{"rate_limited": true, "refused": false, "unavailable": false} {
		shown := []series{
			{name: "whatsapp_status_queue_size", labels: self, value: 20},
			{name: "whatsapp_answers_awaited", labels: self},
			{name: "whatsapp_scope_closed", labels: self + fmt.Sprintf(`,scope="bird_method",reason=%q`, reason), value: 1},
		}

		checkAlert(t, rulesOf(t, "sales", false), "WhatsAppStatusesWaiting", shown, nil, moment{at: "5m", firing: firing, value: "20"})
	}
}

// TestSilenceBeforeTheFirstMessage checks that a number which never got a message alerts too, after the time of silence since the start
// of the receiver; not while the store is unavailable, so that the newest message is unknown.
func TestSilenceBeforeTheFirstMessage(t *testing.T) {
	const self = `namespace="messaging",job="silent-admin",pod="silent-0"`

	var (
		started = series{name: "process_start_time_seconds", labels: self}
		queue   = series{name: "whatsapp_message_queue_size", labels: self}
		newest  = series{name: "whatsapp_last_message_timestamp_seconds", labels: self, value: 60}
	)

	for name, test := range map[string]struct {
		shown   []series
		moments []moment
	}{
		// The times of promtool begin at the start of the receiver, and 20 minutes of the rules are 80 seconds.
		"no message yet": {[]series{started, queue}, []moment{{at: "1m"}, {at: "2m", firing: true, value: "2m 0s"}}},
		"a message":      {[]series{started, queue, newest}, []moment{{at: "2m"}, {at: "3m", firing: true, value: "2m 0s"}}},
		"no store":       {[]series{started}, []moment{{at: "2m"}}},
	} {
		t.Run(name, func(t *testing.T) {
			checkAlert(t, rulesOf(t, "silent", false), "WhatsAppSilent", test.shown, nil, test.moments...)
		})
	}
}

// TestAlertOfAnotherResponder checks that the alert fires for the resource whose condition has been false for an hour.
func TestAlertOfAnotherResponder(t *testing.T) {
	const operator = `namespace="whatsapp-webhook-system",job="whatsapp-webhook-operator-metrics",type="Responding",`

	shown := []series{
		{"whatsapp_operator_condition", operator + `resource_namespace="messaging",resource_name="sales",status="False",reason="OtherResponder"`, 1, 0},
		{"whatsapp_operator_condition", operator + `resource_namespace="messaging",resource_name="help",status="True",reason="NoOtherResponder"`, 1, 0},
		{"whatsapp_operator_condition", operator + `resource_namespace="messaging",resource_name="new",status="Unknown",reason="NotReported"`, 1, 0},
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

	checkAlert(t, rules.Spec.Groups[0], "WhatsAppWebhookOtherResponder", shown, labels, moment{at: "59m"}, moment{at: "61m", firing: true})
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
			"values": fmt.Sprintf("%d+%dx5000", s.value, s.step),
		})
	}

	expected := make([]map[string]any, 0, len(moments))

	for _, m := range moments {
		alerts := []any{}
		if m.firing {
			alerts = append(alerts, fired(t, rules, name, m.value, labels))
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

// fired returns what promtool expects of an alert that fires: its labels and its texts, with the value and those of the labels.
func fired(t *testing.T, rules group, name, value string, labels map[string]string) map[string]any {
	t.Helper()

	places := []string{"{{ $value | humanizeDuration }}", value, "{{ $value }}", value}
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
