//go:build linux

// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package alerts tests the alerts and the dashboard with a real Prometheus, and receivers that have one fault each.
package alerts

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
)

const (
	namespace = "messaging"
	// faster is the factor by which the test shortens every duration of a rule: ranges, the time that an expression must
	// hold, and thresholds in seconds. A minute of the rules is four seconds of the test: on a busy machine less
	// would confuse a delay with a fault. Nothing else is changed.
	faster = 15
)

// group is a group of rules in Prometheus's format.
type group struct {
	Name  string `json:"name"  yaml:"name"`
	Rules []rule `json:"rules" yaml:"rules"`
}

type rule struct {
	Alert       string            `json:"alert"       yaml:"alert"`
	Expr        string            `json:"expr"        yaml:"expr"`
	For         string            `json:"for"         yaml:"for"`
	Labels      map[string]string `json:"labels"      yaml:"labels"`
	Annotations map[string]string `json:"annotations" yaml:"annotations"`
}

// rulesOf returns the rules that the operator renders for a resource, faster. The longest wait of a message is shortened only if
// messages wait for the fault: the times of a receiver's leases and retries are not, so that on a busy machine a message of a
// healthy receiver may wait for 20 seconds.
func rulesOf(t *testing.T, resource string, waits bool) group {
	t.Helper()

	oldestPending := int32(300)
	if waits {
		oldestPending /= faster
	}

	webhook := &v1alpha1.WhatsAppWebhook{
		ObjectMeta: metav1.ObjectMeta{Name: resource, Namespace: namespace},
		Spec: v1alpha1.WhatsAppWebhookSpec{
			Bird: v1alpha1.BirdSpec{BaseURL: "https://bridge.example.com"},
			Monitoring: v1alpha1.MonitoringSpec{PrometheusRule: v1alpha1.PrometheusRuleSpec{
				State:                v1alpha1.Enabled,
				OldestPendingSeconds: oldestPending,
				SilenceAfterMinutes:  silenceOf(resource),
			}},
		},
	}

	if resource == days {
		webhook.Spec.Store.Embedded = &v1alpha1.EmbeddedStore{Backup: v1alpha1.StoreBackup{
			Schedule: "@daily",
			Volume:   v1alpha1.BackupVolume{ExistingClaim: "copies"},
		}}
	}

	params, err := resources.NewParams(webhook, resources.Environment{})
	if err != nil {
		t.Fatal(err)
	}

	for _, object := range resources.Render(params) {
		if *object.GetKind() != "PrometheusRule" {
			continue
		}

		data, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}

		var rendered struct{ Spec struct{ Groups []group } }
		if err := json.Unmarshal(data, &rendered); err != nil {
			t.Fatal(err)
		}

		found := rendered.Spec.Groups[0]
		found.Name = resource

		for i := range found.Rules {
			found.Rules[i].Expr = shorten(t, found.Rules[i].Expr)
			found.Rules[i].For = shortenDuration(t, found.Rules[i].For)
		}

		return found
	}

	t.Fatal("no PrometheusRule is rendered")

	return group{}
}

// silenceOf returns the time of silence of the resource that tests it: 20 minutes, 40 s here.
func silenceOf(resource string) int32 {
	if resource == "silent" {
		return 20
	}

	return 0
}

var (
	ranges     = regexp.MustCompile(`\[(\d+[smh])(?::(\d+[smh]))?\]`)
	thresholds = regexp.MustCompile(`(\d+) \* 60\b`)
)

// shorten shortens the durations of an expression.
func shorten(t *testing.T, expr string) string {
	t.Helper()

	expr = ranges.ReplaceAllStringFunc(expr, func(text string) string {
		match := ranges.FindStringSubmatch(text)

		step := ""
		if match[2] != "" {
			step = ":" + shortenDuration(t, match[2])
		}

		return "[" + shortenDuration(t, match[1]) + step + "]"
	})

	return thresholds.ReplaceAllStringFunc(expr, func(text string) string {
		n, err := strconv.Atoi(thresholds.FindStringSubmatch(text)[1])
		if err != nil {
			t.Fatal(err)
		}

		return fmt.Sprint(n * 60 / faster)
	})
}

func shortenDuration(t *testing.T, text string) string {
	t.Helper()

	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}

	return fmt.Sprintf("%dms", (d / faster).Milliseconds())
}
