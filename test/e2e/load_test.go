// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
	"github.com/wawebhook/whatsapp-webhook-operator/test/e2e/standins"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin/meta"
)

const (
	// people write concurrently, each at most once in everyMilliseconds.
	people            = 30
	everyMilliseconds = 900
	// moreMessages is how many messages must be acknowledged before and after a disturbance.
	moreMessages = 2 * people
)

// underLoad runs a disturbance while people write to a WhatsAppWebhook, and then verifies their messages.
func (s *suite) underLoad(t *testing.T, webhook string, disturb func()) meta.Report {
	t.Helper()
	s.startWriting(t, webhook)
	s.waitForMessages(t)
	disturb()
	s.waitForMessages(t)

	return s.verify(t, webhook)
}

// startWriting starts a load on a WhatsAppWebhook.
func (s *suite) startWriting(t *testing.T, webhook string) {
	t.Helper()

	if err := s.standins.ResetRecords(t.Context()); err != nil {
		t.Fatal(err)
	}

	s.slowDown(t)

	load := meta.Load{
		Name:              t.Name(),
		PhoneNumberID:     standins.PhoneNumberID,
		Conversations:     people,
		EveryMilliseconds: everyMilliseconds,
	}
	if err := s.standins.StartLoad(t.Context(), load); err != nil {
		t.Fatal(err)
	}

	logStep(t, "%d people write to %s, each every %d ms", people, webhook, everyMilliseconds)
}

// slowDown delays the answers of Bird and Graph, so that a disturbance interrupts calls in flight. Graph answers late,
// after it has sent the message: a receiver killed in between has a send with unknown outcome.
func (s *suite) slowDown(t *testing.T) {
	t.Helper()

	for service, fault := range map[string]map[string]any{
		standins.Bird: {"pathPrefix": "/v1/messages/", "delay": "300ms"},
		standins.Graph: {
			"pathPrefix":  "/" + standins.PhoneNumberID + "/messages",
			"delay":       "150ms",
			"afterEffect": true,
		},
	} {
		if err := s.standins.ClearFaults(t.Context(), service); err != nil {
			t.Fatal(err)
		}

		if err := s.standins.AddFault(t.Context(), service, fault); err != nil {
			t.Fatal(err)
		}
	}
}

// waitForMessages waits until moreMessages more messages are acknowledged.
func (s *suite) waitForMessages(t *testing.T) {
	t.Helper()

	before, err := s.standins.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	s.eventually(t, func(ctx context.Context) error {
		now, err := s.standins.Load(ctx)
		if err == nil && len(now.Messages) < len(before.Messages)+moreMessages {
			err = fmt.Errorf("%d messages are acknowledged, %d of them earlier; refused: %v",
				len(now.Messages), len(before.Messages), now.Refusals)
		}

		return err
	})
}

// verify ends the load, waits until every message is processed, and checks that each acknowledged message was answered
// exactly once and each conversation in order.
func (s *suite) verify(t *testing.T, webhook string) meta.Report {
	t.Helper()

	if err := s.standins.EndLoad(t.Context()); err != nil {
		t.Fatal(err)
	}

	var load meta.Report
	s.eventually(t, func(ctx context.Context) error {
		var err error
		if load, err = s.standins.Load(ctx); err != nil {
			return err
		}

		if load.Running || load.Statuses.Waiting > 0 {
			return fmt.Errorf(
				"the load still delivers; refused: %v, %d statuses wait",
				load.Refusals,
				load.Statuses.Waiting,
			)
		}

		reported, err := s.status(ctx, webhook)
		if err == nil && reported.Pending > 0 {
			err = fmt.Errorf("%d events are pending", reported.Pending)
		}

		return err
	})

	reported, err := s.status(t.Context(), webhook)
	if err != nil {
		t.Fatal(err)
	}

	if reported.DeadLetters > 0 || len(reported.Problems) > 0 {
		t.Errorf("%d dead letters, problems: %v", reported.DeadLetters, reported.Problems)
	}

	sent, err := s.standins.Sent(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	asked, err := s.standins.Asked(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	r := &s.rows[len(s.rows)-1]

	r.acknowledged += len(load.Messages)
	for _, n := range load.Refusals {
		r.repeated += n
	}

	r.stored += stored(asked)
	r.sent += len(sent)

	duplicates, missing := compare(t, load.Messages, sent)
	r.duplicates += duplicates
	r.missing += missing

	if duplicates > 0 || missing > 0 {
		t.Errorf("of %d acknowledged messages %d were not answered; %d answers are duplicates",
			len(load.Messages), missing, duplicates)
	}

	if load.Statuses.Dropped > 0 {
		t.Errorf("%d statuses were never delivered", load.Statuses.Dropped)
	}

	logStep(
		t,
		"%d messages acknowledged, each answered once and in order; refused: %v%s; %d statuses delivered",
		len(load.Messages),
		load.Refusals,
		unanswered(load),
		load.Statuses.Posted,
	)

	return load
}

// unanswered describes the deliveries without an answer.
func unanswered(load meta.Report) string {
	if load.Refusals[meta.NoAnswer] == 0 {
		return ""
	}

	from := load.Unanswered.From.Format(timeFormat)
	to := load.Unanswered.To.Format(timeFormat)

	return fmt.Sprintf(" from %s to %s, last error: %s", from, to, load.Unanswered.Reason)
}

// refusedNothing fails the test if a receiver answered a delivery with another status than 200. A failed connection is not
// an answer of the receiver: the table counts such deliveries as repeated.
func refusedNothing(t *testing.T, load meta.Report, meanwhile string) {
	t.Helper()

	refused := maps.Clone(load.Refusals)
	delete(refused, meta.NoAnswer)

	if len(refused) > 0 {
		t.Errorf("deliveries were refused %s: %v", meanwhile, refused)
	}
}

// stored returns the number of messages in requests to Bird, all of which were stored.
func stored(asked []standin.BirdCall) int {
	ids := map[string]bool{}
	for _, call := range asked {
		if id, ok := call.Payload["message_id"].(string); ok && call.Method == "process_text_message" {
			ids[id] = true
		}
	}

	return len(ids)
}

// compare returns the number of answers beyond the first to a message, and of messages without an answer. It checks that
// each person got the answers in the order of the messages.
func compare(
	t *testing.T,
	acknowledged []meta.Message,
	sent []standin.SentMessage,
) (duplicates, missing int) {
	t.Helper()

	written := map[string][]string{}
	answered := map[string][]string{}

	known := map[string]bool{}
	for _, m := range acknowledged {
		known[m.ID] = true
		written[m.Person] = append(written[m.Person], m.ID)
	}

	seen := map[string]bool{}
	for _, m := range sent {
		switch {
		case !known[m.ContextID]:
			t.Errorf("an answer belongs to no message of this load: %q", m.Text)
		case seen[m.ContextID]:
			duplicates++

			t.Logf("duplicate answer: %q", m.Text)
		default:
			seen[m.ContextID] = true
			person := strings.TrimPrefix(m.To, "+")
			answered[person] = append(answered[person], m.ContextID)
		}
	}

	missing = len(known) - len(seen)
	for _, person := range slices.Sorted(maps.Keys(written)) {
		if missing == 0 && !slices.Equal(written[person], answered[person]) {
			t.Errorf("person %s was not answered in the order of the messages", person[len(person)-4:])
		}
	}

	return duplicates, missing
}

// status returns the status of a ready receiver of a WhatsAppWebhook. Receivers with the same store report the same backlog.
func (s *suite) status(ctx context.Context, webhook string) (health.Report, error) {
	pods, err := s.pods(ctx, webhook)
	if err != nil {
		return health.Report{}, err
	}

	for _, pod := range pods {
		if !ready(pod) {
			continue
		}

		raw, err := s.Call(ctx, http.MethodGet, "pods", namespace, pod.Name+":9090", "status", nil, nil)
		if err != nil {
			return health.Report{}, err
		}

		var reported health.Report
		if err := json.Unmarshal(raw, &reported); err != nil {
			return health.Report{}, fmt.Errorf("decode the status of pod %s: %w", pod.Name, err)
		}

		return reported, nil
	}

	return health.Report{}, fmt.Errorf("none of %d pods of %s is ready", len(pods), webhook)
}

func ready(pod corev1.Pod) bool {
	isReady := func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	}

	return pod.DeletionTimestamp == nil && slices.ContainsFunc(pod.Status.Conditions, isReady)
}
