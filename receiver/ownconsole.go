// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"
	"log/slog"
	"net/http"
	"strings"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/console"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/consoleapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
)

// ownConsole is the source of the console of a receiver. It shows one resource: the receiver's own.
type ownConsole struct {
	api  http.Handler
	live *config.Live
	log  *slog.Logger
}

// Resources implements console.Source.
func (c ownConsole) Resources(ctx context.Context) ([]console.Resource, error) {
	api := console.InProcess(c.api, "", c.log)

	report, err := console.Get[health.Report](ctx, api, "/status", nil)
	if err != nil {
		return nil, err
	}

	figures, err := console.Get[consoleapi.Figures](ctx, api, "/figures", nil)
	if err != nil {
		return nil, err
	}

	own := c.live.Current().Resource
	resource := console.Resource{
		Namespace: own.Namespace,
		Name:      own.Name,
		Message:   strings.Join(report.Warnings, "; "),
	}
	resource.AddReport(&report)

	if report.Status != health.StatusHealthy {
		resource.Severity = console.Warning
	}

	if n := len(figures.Points); n > 0 {
		last := figures.Points[n-1]
		resource.PerMinute = new(float64(last.Received) * 60 / last.Seconds)
	}

	return []console.Resource{resource}, nil
}

// Open implements console.Source. A port on which the receiver of another resource listened before leads here too, so the
// names decide.
func (c ownConsole) Open(_ context.Context, namespace, name string) (console.API, error) {
	if (config.Resource{Namespace: namespace, Name: name}) != c.live.Current().Resource {
		return console.API{}, console.ErrNoResource
	}

	return console.InProcess(c.api, "", c.log), nil
}
