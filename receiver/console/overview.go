// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package console

import (
	"math"
	"net/http"
	"slices"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/consoleapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/gate"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/lasthour"
)

// overview is the data of the first page of a resource.
type overview struct {
	Report health.Report
	Rates  []gate.Rate
	Charts []chart
	Totals hourTotals
}

// hourTotals are the sums of the last hour.
type hourTotals struct {
	Received, Sent, Statuses, Failed, Unanswered, Priced int64
}

func (c *console) overview(v *view) error {
	report, err := Get[health.Report](v.request.Context(), v.api, "/status", nil)
	if err != nil {
		return err
	}

	hour, err := Get[consoleapi.Figures](v.request.Context(), v.api, "/figures", nil)
	if err != nil {
		return err
	}

	slices.Sort(report.Warnings)
	v.render(http.StatusOK, "overview", overview{
		Report: report,
		Rates:  hour.Rates,
		Charts: v.charts(hour.Points),
		Totals: totalsOf(hour.Points),
	})

	return nil
}

func totalsOf(points []lasthour.Point) hourTotals {
	var t hourTotals

	for _, p := range points {
		t.Received += p.Received
		t.Sent += p.Sent
		t.Statuses += p.Statuses
		t.Failed += p.Failed
		t.Unanswered += p.Unanswered
		t.Priced += p.Priced
	}

	return t
}

// charts returns the charts of the last hour.
func (v *view) charts(points []lasthour.Point) []chart {
	perMinute := func(title string, count func(lasthour.Point) int64) chart {
		return newChart(v.T(title), v.T("a minute"), collect(points, func(p lasthour.Point) float64 {
			return float64(count(p)) * 60 / p.Seconds
		}), formatCount)
	}
	number := func(title string, value func(lasthour.Point) int64) chart {
		return newChart(v.T(title), "", collect(points, func(p lasthour.Point) float64 { return float64(value(p)) }), formatCount)
	}
	seconds := func(title string, value func(lasthour.Point) *float64) chart {
		return newChart(v.T(title), "", collect(points, func(p lasthour.Point) float64 {
			if at := value(p); at != nil {
				return *at
			}

			return math.NaN()
		}), formatSeconds)
	}

	return []chart{
		perMinute("Messages received", func(p lasthour.Point) int64 { return p.Received }),
		perMinute("Messages sent", func(p lasthour.Point) int64 { return p.Sent }),
		seconds("Answer time, median", func(p lasthour.Point) *float64 { return p.AnswerP50 }),
		seconds("Answer time, 95th percentile", func(p lasthour.Point) *float64 { return p.AnswerP95 }),
		seconds("AI response time, median", func(p lasthour.Point) *float64 { return p.AIP50 }),
		seconds("AI response time, 95th percentile", func(p lasthour.Point) *float64 { return p.AIP95 }),
		number("Pending messages", func(p lasthour.Point) int64 { return p.Pending }),
		number("Dead letters", func(p lasthour.Point) int64 { return p.DeadLetters }),
		perMinute("Statuses received", func(p lasthour.Point) int64 { return p.Statuses }),
		seconds("Acknowledgement time, 99th percentile", func(p lasthour.Point) *float64 { return p.AckP99 }),
		perMinute("Requests not answered 200", func(p lasthour.Point) int64 { return p.Unanswered }),
		perMinute("Messages billed by Meta", func(p lasthour.Point) int64 { return p.Priced }),
	}
}

// collect returns a value of each point, after a gap for the part of the hour before the first.
func collect(points []lasthour.Point, value func(lasthour.Point) float64) []float64 {
	values := slices.Repeat([]float64{math.NaN()}, max(lasthour.MaxPoints-len(points), 0))
	for _, p := range points {
		values = append(values, value(p))
	}

	return values
}
