// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/admin"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/encrypted"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/postgres"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/sqlite"
)

// openStore opens the configured store. The embedded store needs its file at start; PostgreSQL may be unreachable then.
func (r *Receiver) openStore(ctx context.Context, starting *admin.Starting) (store.Store, error) {
	inner, err := r.openEngine(ctx, starting)
	if err != nil {
		return nil, err
	}

	r.encrypted = encrypted.New(inner, r.storeKeys(), r.clock, r.log)

	return r.encrypted, nil
}

// storeKeys returns a function that returns the keys of the store. It parses them again when they have changed.
func (r *Receiver) storeKeys() func() (encrypted.Keys, error) {
	type parsed struct {
		of   *config.Snapshot
		keys encrypted.Keys
		err  error
	}

	var latest atomic.Pointer[parsed]

	return func() (encrypted.Keys, error) {
		now := r.live.Current()
		if known := latest.Load(); known != nil && known.of == now {
			return known.keys, known.err
		}

		next := &parsed{of: now}

		next.keys, next.err = encrypted.ParseKeys(now.Secrets.StoreKeys)
		if next.err == nil && now.Store.Encrypted && len(now.Secrets.StoreKeys) == 0 {
			next.err = errors.New("the secret " + config.RoleStoreKey + " is missing")
		}

		latest.Store(next)

		return next.keys, next.err
	}
}

func (r *Receiver) openEngine(ctx context.Context, starting *admin.Starting) (store.Store, error) {
	settings := r.live.Current().Store
	if settings.PostgreSQL == nil {
		if err := r.restore(ctx, settings.Embedded.Path, starting); err != nil {
			return nil, err
		}

		return sqlite.Open(ctx, settings.Embedded.Path, sqlite.Options{
			Clock: r.clock,
			Log:   r.log,
			Progress: func(m store.Migration) {
				starting.Migrating(m)
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
