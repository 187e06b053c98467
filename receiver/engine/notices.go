// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/gate"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/notice"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const opNotice = "send notice"

// notice returns a notice about the event as an event to store, or none if no sink is configured.
func (h head) notice(kind string, at time.Time, data any) []store.Event {
	if h.settings.Notifications.SinkURL == "" {
		return nil
	}

	encoded, err := json.Marshal(data)
	if err != nil {
		return nil // unreachable: data holds numbers and strings
	}

	n := notice.Notice{
		Type:    kind,
		Source:  notice.Number(h.work.Event.PhoneNumberID),
		Subject: h.work.Event.ID.String(),
		Time:    at,
		Data:    encoded,
	}

	return []store.Event{n.Event(strconv.Itoa(h.work.Replays))}
}

// processNotice is the process function of class Notices.
func (e *Engine) processNotice(ctx context.Context, h head) (*store.Work, error) {
	process := e.sendNotice
	failures := &e.sinkFailures

	if h.work.Event.Kind == store.KindDeskMessage {
		process = e.callDesk
		failures = &e.deskFailures
	}

	err := process(ctx, h)
	if isLeaseLost(ctx, err) {
		return nil, store.ErrLeaseLost
	}

	step := e.resolveSideEvent(ctx, h, gate.Call{}, store.Step{}, err)
	h.expireLone(failures, &step, err)

	return e.finish(ctx, h, step)
}

// sendNotice sends a notice to the sink.
func (e *Engine) sendNotice(ctx context.Context, h head) error {
	if err := h.checkStarts(); err != nil {
		return err
	}

	err := e.Notices.Send(ctx, h.work.Event.ID.String(), h.work.Event.Payload)
	e.recordCall(opNotice, err)

	return err
}
