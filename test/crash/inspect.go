// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig"
)

const page = 500

// inspect reads the store after the end of all replicas.
func (t *trial) inspect(ctx context.Context, l *ledger) (_ *ending, err error) {
	inbox, err := rig.OpenStore(ctx, t.store(), t.database)
	if err != nil {
		return nil, err
	}

	defer func() { err = errors.Join(err, inbox.Close()) }()

	end := &ending{Messages: map[string]store.Record{}, Statuses: map[string]string{}}
	for after := int64(0); ; {
		records, err := inbox.List(ctx, store.Filter{Kind: store.KindMessage}, after, page)
		if err != nil {
			return nil, fmt.Errorf("read the store: %w", err)
		}

		for _, record := range records {
			record.Event.Payload = nil
			end.Messages[record.Event.ID.String()] = record
			after = record.Seq
		}

		if len(records) < page {
			break
		}
	}

	for _, s := range l.accepted {
		update, err := inbox.MessageStatus(ctx, phoneNumberID, s.Message, "")
		if errors.Is(err, store.ErrNotFound) {
			continue
		}

		if err != nil {
			return nil, fmt.Errorf("read the store: %w", err)
		}

		end.Statuses[s.Message] = update.Status
	}

	if end.Stats, err = inbox.Stats(ctx, time.Now()); err != nil {
		return nil, fmt.Errorf("read the store: %w", err)
	}

	return end, nil
}

// record writes the ledger and the content of the store into dir, to investigate a violation.
func record(dir string, l *ledger, end *ending, r *result) error {
	for name, content := range map[string]any{
		"messages.json":   l.messages,
		"sends.json":      l.sends,
		"incidents.json":  l.incidents,
		"outages.json":    l.outages,
		"store.json":      end,
		"violations.json": r.violations,
		"repeats.json":    r.repeats,
	} {
		data, err := json.MarshalIndent(content, "", " ")
		if err != nil {
			return fmt.Errorf("write record of the trial: %w", err)
		}

		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			return fmt.Errorf("write record of the trial: %w", err)
		}
	}

	return nil
}
