// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/receiverapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/consoleapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// maxRemembered bounds the events that a watch remembers.
const maxRemembered = 20 * maxPage

// watchEvents writes the newest events in order of arrival, and then each event that comes or changes, until ctx ends.
func watchEvents(ctx context.Context, p *output.Printer, api *receiverapi.Client, filter receiverapi.Filter, limit int) error {
	watch := newEventWatch()

	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()

	for {
		page, err := api.Events(ctx, filter, 0, maxPage)

		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && watch.looks > 0 && output.ExitCode(err) == output.CodeUnreachable: // it may come back
			p.Warn("%v", err)
		case err != nil:
			return err
		default:
			if err := printNews(p, watch, page, limit); err != nil {
				return err
			}
		}

		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// printNews writes the events of a page that are new or have changed. Of the first page it writes the last ones only.
func printNews(p *output.Printer, watch *eventWatch, page consoleapi.EventPage, limit int) error {
	news, isCut := watch.add(page)
	if watch.looks == 1 {
		news = news[max(0, len(news)-max(0, limit)):]
	}

	if isCut {
		p.Warn("more events came or changed than the %d of a page: some are not shown. Select fewer with --where.", maxPage)
	}

	for _, event := range news {
		if err := p.Line(event, func() { printEventLine(p, event) }); err != nil {
			return err
		}
	}

	return nil
}

// eventWatch finds the news in successive pages of the newest events that a filter selects. An event can begin to match long
// after it arrived, as when it becomes a dead letter, so the events are remembered, not how far the last page reached.
type eventWatch struct {
	looks int
	floor int64 // the Seq at which the first page ended: earlier events are not known, and not shown
	known map[int64]knownEvent
}

// knownEvent has the remembered values of an event.
type knownEvent struct {
	state    store.State
	attempts int
	replays  int
	look     int // the last poll that returned the event
}

func newEventWatch() *eventWatch { return &eventWatch{known: map[int64]knownEvent{}} }

// add returns the events of a page that are new or have changed, the oldest first. It reports whether there may be more of them
// than the page has.
func (w *eventWatch) add(page consoleapi.EventPage) (news []consoleapi.Event, isCut bool) {
	w.looks++
	if w.looks == 1 {
		w.floor = page.Next
	}

	for i, event := range slices.Backward(page.Events) {
		before, isKnown := w.known[event.Seq]

		switch {
		case event.Seq < w.floor:
			continue
		case i == len(page.Events)-1 && len(page.Events) >= maxPage && page.Next > 0:
			isCut = !isKnown && w.looks > 1 // and so may be what follows it
		}

		now := knownEvent{
			state:    event.State,
			attempts: event.Attempts,
			replays:  event.Replays,
			look:     w.looks,
		}
		w.known[event.Seq] = now

		before.look = now.look
		if !isKnown || before != now {
			news = append(news, event)
		}
	}

	w.forget()

	return news, isCut
}

// forget makes room: the events that were not on a page for the longest time go, and of those the oldest.
func (w *eventWatch) forget() {
	excess := len(w.known) - maxRemembered
	if excess <= 0 {
		return
	}

	oldest := slices.SortedFunc(maps.Keys(w.known), func(a, b int64) int {
		return cmp.Or(cmp.Compare(w.known[a].look, w.known[b].look), cmp.Compare(a, b))
	})

	for _, seq := range oldest[:excess] {
		delete(w.known, seq)
	}
}

func printEventLine(p *output.Printer, event consoleapi.Event) {
	person := event.Person
	if event.Name != "" {
		person = event.Name
	}

	line := fmt.Sprintf("%s %s %s", event.Kind, event.Type, person)
	if event.Code != "" {
		line += " code " + event.Code
	}

	p.Printf("%s %s %s %s\n", output.Time(event.ReceivedAt), p.Paint(stateTones[string(event.State)], string(event.State)),
		output.CleanLine(line), p.Paint(output.Faint, event.ID))
}
