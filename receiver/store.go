// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/postgres"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/sqlite"
)

// openStore opens the configured store. The embedded store needs its file at start; PostgreSQL may be unreachable then.
func (r *Receiver) openStore(ctx context.Context, progress func(store.Migration)) (store.Store, error) {
	settings := r.live.Current().Store
	if settings.PostgreSQL == nil {
		return sqlite.Open(ctx, settings.Embedded.Path, sqlite.Options{
			Clock: r.clock,
			Log:   r.log,
			Progress: func(m store.Migration) {
				progress(m)
				r.log.Info("migrating the store", "step", m.Step, "of", m.Of)
			},
		})
	}

	access := func() postgres.Access {
		secrets := r.live.Current().Secrets
		return postgres.Access{URL: secrets.DatabaseURL, CA: secrets.DatabaseCA}
	}

	return postgres.Open(access, postgres.Options{
		MaxConnections: settings.PostgreSQL.MaxConnections,
		Clock:          r.clock,
		Log:            r.log,
	}), nil
}
