// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"
	"io"
	"sync"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/admin"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/backup"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/sqlite"
)

// restore begins the embedded store with a copy, if the configuration names one and there is no store. Until it succeeds, the
// receiver is not ready. It follows changes of the configuration and the secrets, which may be what it waits for.
func (r *Receiver) restore(ctx context.Context, path string, starting *admin.Starting) error {
	embedded := r.live.Current().Store.Embedded
	if embedded.Backup == nil || embedded.Backup.Restore == "" {
		return nil
	}

	if exists, err := sqlite.Exists(path); exists || err != nil {
		return err
	}

	restorer := &backup.Restorer{
		Install: func(ctx context.Context, size int64, write func(io.Writer) error) error {
			return sqlite.Install(ctx, path, size, write)
		},
		Report: starting.Restoring,
		Live:   r.live,
		Clock:  r.clock,
		Log:    r.log,
	}

	watch, cancel := context.WithCancel(ctx)

	var watching sync.WaitGroup

	watching.Go(func() { r.live.Watch(watch) })

	err := restorer.Run(ctx)

	cancel()
	watching.Wait()
	starting.Opening()

	return err
}
