// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/intake"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// postAll delivers every JSON file of a folder, signed, and looks up each of its events in the store.
func (d *demo) postAll(ctx context.Context, dir string) {
	title("Deliveries from folder " + dir)

	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) == 0 {
		d.check(false, "the folder has JSON files", "none in "+dir)
		return
	}

	answered := 0
	contained := 0
	stored := map[store.ID]bool{}

	for _, file := range files {
		events, err := d.post(ctx, file)
		if err != nil {
			d.check(false, filepath.Base(file)+" is answered 200", err.Error())
			continue
		}

		answered++
		contained += len(events)

		for _, event := range events {
			if _, err := d.Local.Store().Get(ctx, event.ID); err != nil {
				d.check(
					false,
					fmt.Sprintf("the %s in %s is stored", event.Kind, filepath.Base(file)),
					err.Error(),
				)

				continue
			}

			stored[event.ID] = true
		}
	}

	d.check(
		answered == len(files),
		fmt.Sprintf("%d files, each answered 200", len(files)),
		fmt.Sprint(answered),
	)
	line(
		"  store       %d events, %d of them unique, all stored; the others are duplicates",
		contained,
		len(stored),
	)
	d.showStore(ctx)
}

// post delivers one file and returns its events.
func (d *demo) post(ctx context.Context, file string) ([]store.Event, error) {
	body, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}

	status, answer, err := standin.Deliver(ctx, d.client, d.url, d.appSecret(), body)
	if err != nil {
		return nil, err
	}

	if status != http.StatusOK {
		return nil, fmt.Errorf("answered %d %s", status, answer)
	}

	return intake.Events(ctx, body, config.Config{}, time.Now())
}

// showStore waits until no event is pending, and prints the dead letters and the counts of the store.
func (d *demo) showStore(ctx context.Context) {
	err := d.until(ctx, func() error {
		stats, err := d.Local.Store().Stats(ctx, time.Now())
		if err == nil && stats.Pending > 0 {
			err = fmt.Errorf("%d are pending", stats.Pending)
		}

		return err
	})
	d.check(err == nil, "all events are processed", fmt.Sprint(err))

	// Messages with media become dead letters: the stand-ins do not have these media.
	dead, err := d.Local.Store().DeadLetters(ctx, store.Selection{States: []store.State{store.Dead}}, 0, 1000)
	d.check(err == nil, "the dead letters can be listed", fmt.Sprint(err))

	for _, letter := range dead {
		last := letter.Failures[len(letter.Failures)-1]
		line("  %-11s dead letter, %s: %s", "store", letter.Event.Type, last.Text)
	}

	totals, err := d.Local.Store().Totals(ctx)
	d.check(err == nil, "the store counts its events", fmt.Sprint(err))

	for _, total := range totals {
		line(
			"  %-11s %-8s %-34s %-12s %d",
			"store",
			total.Kind,
			total.Type,
			total.State,
			total.Count,
		)
	}
}
