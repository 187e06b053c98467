// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package status

import (
	"context"
	"errors"
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
		all[i].Name = fmt.Sprintf("sales-%04d", i)
		all[i].Status.URL = "https://hooks.example.com/" + all[i].Name
		all[i].Status.Conditions = []metav1.Condition{{
			Type:   v1alpha1.ConditionReady,
			Status: metav1.ConditionTrue,
			Reason: v1alpha1.ReasonReady,
		}}
	}

	return all
}

// answer returns an asker whose receivers answer after a time, except the first ones, which hang.
func answer(after time.Duration, hang int) asker {
	return func(ctx context.Context, webhook *v1alpha1.WhatsAppWebhook) (*health.Report, string, error) {
		ctx, cancel := context.WithTimeout(ctx, fleetReportTimeout)
		defer cancel()

		if webhook.Name >= fmt.Sprintf("sales-%04d", hang) {
			select {
			case <-time.After(after):
				return &health.Report{}, "pod-of-" + webhook.Name, nil
			case <-ctx.Done():
			}
		}

		<-ctx.Done()

		return nil, "", ctx.Err()
	}
}

// countAnswers returns how many receivers answered. It checks that the other statuses have a reason.
func countAnswers(t *testing.T, all []Status) int {
	t.Helper()

	answered := 0

	for _, s := range all {
		if s.URL == "" || (s.Report == nil) != (s.Unreachable != "") {
			t.Errorf("status %+v, want what the resource says, and a report or the reason", s)
		}

		if s.Report != nil {
			answered++
		}
	}

	return answered
}

// TestReceiversThatHang looks at all resources, of which some receivers never answer.
func TestReceiversThatHang(t *testing.T) {
	for name, test := range map[string]struct {
		resources int
		after     time.Duration
		hang      int // the first ones
		within    time.Duration
	}{
		"a large fleet": {1000, 300 * time.Millisecond, 0, 10 * time.Second},
		"a few":         {200, 0, 20, fleetReportTimeout},
		"many":          {200, 0, parallel + 8, 2 * fleetReportTimeout},
		"all":           {200, 0, 200, 7 * fleetReportTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				all := readAll(t.Context(), webhooks(test.resources), answer(test.after, test.hang))

				if took := time.Since(began); took > test.within {
					t.Errorf("the look took %s, want %s at most", took, test.within)
				}

				if answered, want := countAnswers(t, all), test.resources-test.hang; len(all) != test.resources || answered != want {
					t.Errorf("%d of %d answered, want %d of %d", answered, len(all), want, test.resources)
				}
			})
		})
	}
}

// TestPageReachesAllInTurn looks at more resources than one look of a page reaches. Each look ends in time, and the next one begins
// with the receivers that were not asked.
func TestPageReachesAllInTurn(t *testing.T) {
	for name, test := range map[string]struct {
		hang  int // of 1,000, the first ones
		looks int // until all were reached
	}{
		"all answer": {0, 2},
		"many hang":  {200, 5},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var turns turns

				reached := map[string]bool{}

				for i := range test.looks {
					began := time.Now()
					resources := webhooks(1000)
					turns.sort(resources)

					all := readAll(t.Context(), resources, turns.until(began.Add(pageTime), answer(300*time.Millisecond, test.hang)))

					if took := time.Since(began); took > pageTime+fleetReportTimeout {
						t.Errorf("look %d took %s, want %s at most", i, took, pageTime+fleetReportTimeout)
					}

					for _, s := range all {
						reached[s.Name] = reached[s.Name] || s.Report != nil

						if s.Report == nil && s.Unreachable != "the receiver was not asked within 8 s" && s.Name >= fmt.Sprintf("sales-%04d", test.hang) {
							t.Errorf("%s: %s", s.Name, s.Unreachable)
						}
					}

					countAnswers(t, all)
				}

				for name, answered := range reached {
					if !answered && name >= fmt.Sprintf("sales-%04d", test.hang) {
						t.Errorf("%s was reached in no look", name)
					}
				}
			})
		})
	}
}

func TestTurnsForgetResources(t *testing.T) {
	var turns turns

	all := webhooks(3)
	turns.sort(all)
	turns.begin(&all[0])
	turns.begin(&all[2])

	turns.sort(all)

	if got := all[0].Name + all[1].Name + all[2].Name; got != "sales-0001sales-0000sales-0002" {
		t.Errorf("the order is %s", got)
	}

	turns.sort(all[:1])

	if len(turns.asked) != 1 {
		t.Errorf("the turns of %d resources are kept, want 1", len(turns.asked))
	}
}

// TestScaledToZero reads the status of a resource whose receivers are scaled to 0. It is neither failing nor unreachable.
func TestScaledToZero(t *testing.T) {
	resource := webhooks(1)[0]
	resource.Status.Receivers = "0/0"
	resource.Status.Conditions[0].Status = metav1.ConditionFalse
	resource.Status.Conditions[0].Reason = v1alpha1.ReasonScaledToZero
	resource.Status.Conditions[0].Message = "scaled to 0"

	s := read(t.Context(), &resource, func(context.Context, *v1alpha1.WhatsAppWebhook) (*health.Report, string, error) {
		return nil, "", errors.New("there is no receiver pod")
	})

	if s.Severity != Fine || s.Unreachable != "" || Summary(s) != "not ready (ScaledToZero): scaled to 0" {
		t.Errorf("severity %s, unreachable %q, summary %q", s.Severity, s.Unreachable, Summary(s))
	}
}
