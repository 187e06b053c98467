// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"
	"log/slog"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/postgres"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/sqlite"
)

// openStore opens the configured store. The embedded store needs its file at start; PostgreSQL may be unreachable then.
func openStore(ctx context.Context, live *config.Live, clock clockwork.Clock, log *slog.Logger) (store.Store, error) {
	settings := live.Current().Store
	if settings.PostgreSQL == nil {
		return sqlite.Open(ctx, settings.Embedded.Path, sqlite.Options{Clock: clock})
	}

	access := func() postgres.Access {
		secrets := live.Current().Secrets
		return postgres.Access{URL: secrets.DatabaseURL, CA: secrets.DatabaseCA}
	}

	return postgres.Open(access, postgres.Options{MaxConnections: settings.PostgreSQL.MaxConnections, Clock: clock, Log: log}), nil
}
