// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// checkConversation waits until a message has reached a state. It prints Bird's requests, the failures and the answers
// since the last check, and checks the number of requests and answers.
func (d *demo) checkConversation(
	ctx context.Context,
	message string,
	want store.State,
	requests, answers int,
) {
	id := store.NewID(store.KindMessage, d.number(), message)

	var record *store.Record

	err := d.until(ctx, func() (err error) {
		record, err = d.Local.Store().Get(ctx, id)
		if err == nil && record.Event.State != want {
			err = fmt.Errorf("the message is %s", record.Event.State)
		}

		return err
	})
	asked := d.Bird.Recorder.Calls(standin.On(http.MethodPost, messagesPath))[d.asked:]
	sent := d.Graph.Sent()[d.sent:]
	d.asked += len(asked)
	d.sent += len(sent)

	printRequests(asked)

	if record != nil {
		for i, failure := range record.Failures[d.failures[id]:] {
			line(
				"  %-11s failure %d, %s: %s",
				"store",
				d.failures[id]+i+1,
				failure.Class,
				failure.Text,
			)
		}

		d.failures[id] = len(record.Failures)
	}

	for _, m := range sent {
		line("  %-11s %s got %q", "person", m.To, m.Text)
	}

	d.check(err == nil, fmt.Sprintf("the message is %s", stateWords[want]), fmt.Sprint(err))
	d.check(len(asked) == requests, "Bird got "+count(requests, "request"), fmt.Sprint(len(asked)))
	d.check(len(sent) == answers, "the person got "+count(answers, "answer"), fmt.Sprint(len(sent)))
	d.checkStatuses(ctx, sent)
}

// printRequests prints requests to Bird.
func printRequests(asked []standin.Call) {
	for _, call := range asked {
		var request struct{ Text string }

		_ = json.Unmarshal(call.Body, &request) // an invalid body prints as an empty text

		attempt := call.Header.Get("X-Attempt")
		line(
			"  %-11s %s %q, attempt %s: answered %d",
			"Bird",
			call.Path,
			request.Text,
			attempt,
			call.Status,
		)
	}
}

// checkStatuses waits until the status read of each answer is stored.
func (d *demo) checkStatuses(ctx context.Context, sent []standin.SentMessage) {
	for _, m := range sent {
		err := d.until(ctx, func() error {
			status, err := d.Local.Store().MessageStatus(ctx, d.number(), m.ID, "")
			if err == nil && status.Status != "read" {
				err = fmt.Errorf("the latest status is %s", status.Status)
			}

			return err
		})
		d.check(
			err == nil,
			"Meta's statuses of the answer are stored: sent, delivered, read",
			fmt.Sprint(err),
		)
	}
}

var stateWords = map[store.State]string{
	store.Done:  "done",
	store.Dead:  "a dead letter: stored, listed, ready to replay",
	store.Human: "left to people",
}

// health prints and checks the status on the admin port.
func (d *demo) health(ctx context.Context) {
	title("Health")

	address := "http://" + d.Local.AdminAddr() + "/status"

	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		d.check(false, "status", err.Error())
		return
	}

	response, err := d.client.Do(request)
	if err != nil {
		d.check(false, "status", err.Error())
		return
	}
	defer response.Body.Close()

	body, err := io.ReadAll(response.Body)

	var report health.Report
	if err == nil {
		err = json.Unmarshal(body, &report)
	}

	d.check(err == nil, "GET /status", fmt.Sprint(err))
	line("  %s", strings.ReplaceAll(strings.TrimSpace(string(body)), "\n", "\n  "))

	backlog := report.Backlog
	if backlog == nil {
		backlog = &health.Backlog{Pending: -1}
	}

	d.check(
		backlog.Pending == 0 && backlog.DeadLetters == 0,
		"no message is pending, and there is no dead letter",
		fmt.Sprintf("%d pending, %d dead letters", backlog.Pending, backlog.DeadLetters),
	)
	d.check(
		report.Status == "healthy",
		"the receiver reports that it is healthy: the dead letter was replayed and answered",
		fmt.Sprintf("%s: %s", report.Status, strings.Join(report.Warnings, "; ")),
	)
}
