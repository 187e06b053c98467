// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package status

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
)

// webhooks returns resources that are ready.
func webhooks(n int) []v1alpha1.WhatsAppWebhook {
	all := make([]v1alpha1.WhatsAppWebhook, n)

	for i := range all {
		all[i].Namespace = "shop"
		all[i].Name = fmt.Sprintf("sales-%03d", i)
		all[i].Status.URL = "https://hooks.example.com/" + all[i].Name
		all[i].Status.Conditions = []metav1.Condition{{
			Type:   v1alpha1.ConditionReady,
			Status: metav1.ConditionTrue,
			Reason: v1alpha1.ReasonReady,
		}}
	}

	return all
}

// TestReceiversThatHang looks at resources of which some receivers never answer.
func TestReceiversThatHang(t *testing.T) {
	for name, test := range map[string]struct {
		hang     int // the first ones
		answered int // of 200
	}{
		"none":  {0, 200},
		"a few": {20, 180},
		"many":  {parallel + 8, 200 - parallel - 8},
		"all":   {200, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), fleetTimeout)
				defer cancel()

				began := time.Now()
				all := readAll(ctx, webhooks(200), func(ctx context.Context, webhook *v1alpha1.WhatsAppWebhook) (*health.Report, string, error) {
					if webhook.Name < fmt.Sprintf("sales-%03d", test.hang) {
						ctx, cancel := context.WithTimeout(ctx, fleetReportTimeout)
						defer cancel()

						<-ctx.Done()

						return nil, "", ctx.Err()
					}

					return &health.Report{}, "pod-of-" + webhook.Name, nil
				})

				if took := time.Since(began); took > fleetTimeout {
					t.Errorf("the look took %s, want %s at most", took, fleetTimeout)
				}

				answered := 0

				for _, s := range all {
					if s.URL == "" || (s.Report == nil) != (s.Unreachable != "") {
						t.Errorf("status %+v, want what the resource says, and a report or the reason", s)
					}

					if s.Report != nil {
						answered++
					}
				}

				if len(all) != 200 || answered != test.answered {
					t.Errorf("%d of %d answered, want %d of 200", answered, len(all), test.answered)
				}
			})
		})
	}
}
