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
	// people write at the same time, each once in everyMilliseconds at most.
	people            = 30
	everyMilliseconds = 900
	// settled is how many more messages are to be acknowledged before and after a disturbance.
	settled = 2 * people
)

// underLoad plays a disturbance while people write to a WhatsAppWebhook, and then checks what became of what they wrote.
func (s *suite) underLoad(t *testing.T, webhook string, disturb func()) meta.Report {
	t.Helper()
	s.write(t, webhook)
	s.more(t)
	disturb()
	s.more(t)

	return s.verify(t, webhook)
}

// write lets people write to a WhatsAppWebhook from now on.
func (s *suite) write(t *testing.T, webhook string) {
	t.Helper()

	if err := s.standins.Forget(t.Context()); err != nil {
		t.Fatal(err)
	}

	s.slow(t)

	load := meta.Load{
		Name:              t.Name(),
		PhoneNumberID:     standins.PhoneNumberID,
		Conversations:     people,
		EveryMilliseconds: everyMilliseconds,
	}
	if err := s.standins.StartLoad(t.Context(), load); err != nil {
		t.Fatal(err)
	}

	say(t, "%d people write to %s, each every %d ms", people, webhook, everyMilliseconds)
}

// slow gives Bird and Graph the time to answer that they take, so that there is something to be interrupted. Graph takes
// its time after it has sent the message: who is killed meanwhile does not know that it was sent.
func (s *suite) slow(t *testing.T) {
	t.Helper()

	for service, fault := range map[string]map[string]any{
		standins.Bird: {"pathPrefix": "/v1/messages/", "delay": "300ms"},
		standins.Graph: {
			"pathPrefix":  "/" + standins.PhoneNumberID + "/messages",
			"delay":       "150ms",
			"afterEffect": true,
		},
	} {
		if err := s.standins.Heal(t.Context(), service); err != nil {
			t.Fatal(err)
		}

		if err := s.standins.AddFault(t.Context(), service, fault); err != nil {
			t.Fatal(err)
		}
	}
}

// more waits until more messages have been acknowledged.
func (s *suite) more(t *testing.T) {
	t.Helper()

	before, err := s.standins.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	s.eventually(t, func(ctx context.Context) error {
		now, err := s.standins.Load(ctx)
		if err == nil && len(now.Messages) < len(before.Messages)+settled {
			err = fmt.Errorf("%d messages are acknowledged, %d of them earlier; refused: %v", len(now.Messages), len(before.Messages), now.Refusals)
		}

		return err
	})
}

// verify lets nobody write any more, waits until everything that was written is at its end, and checks that each message
// which was acknowledged was answered once, and each conversation in its order.
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
			return fmt.Errorf("messages or statuses are still refused: %v, %d statuses wait", load.Refusals, load.Statuses.Waiting)
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
	twice, missing := compare(t, load.Messages, sent)
	r.twice += twice

	r.missing += missing
	if twice > 0 || missing > 0 {
		t.Errorf("of %d acknowledged messages %d were not answered, and %d replies are second ones", len(load.Messages), missing, twice)
	}

	if load.Statuses.Dropped > 0 {
		t.Errorf("%d statuses were never delivered", load.Statuses.Dropped)
	}

	say(t, "%d messages acknowledged, each answered once and in order; refused meanwhile: %v%s; %d statuses delivered",
		len(load.Messages), load.Refusals, unanswered(load), load.Statuses.Posted)

	return load
}

func unanswered(load meta.Report) string {
	if load.Refusals[meta.NoAnswer] == 0 {
		return ""
	}

	return fmt.Sprintf(" from %s to %s, the last: %s", load.Unanswered.From.Format(clock), load.Unanswered.To.Format(clock), load.Unanswered.Reason)
}

// refusedNothing fails when a receiver answered a delivery otherwise than 200. A connection that did not come to be is no
// answer of its; such deliveries are in the table, as repeated.
func refusedNothing(t *testing.T, load meta.Report, meanwhile string) {
	t.Helper()

	refused := maps.Clone(load.Refusals)
	delete(refused, meta.NoAnswer)

	if len(refused) > 0 {
		t.Errorf("deliveries were refused %s: %v", meanwhile, refused)
	}
}

// stored counts the messages that Bird was asked about: those were in the store.
func stored(asked []standin.BirdCall) int {
	ids := map[string]bool{}
	for _, call := range asked {
		if id, ok := call.Payload["message_id"].(string); ok && call.Method == "process_text_message" {
			ids[id] = true
		}
	}

	return len(ids)
}

// compare counts the replies beyond the first to a message and the messages without one, and checks that each person got
// the replies in the order of the messages.
func compare(t *testing.T, acknowledged []meta.Message, sent []standin.SentMessage) (twice, missing int) {
	t.Helper()

	written := map[string][]string{}
	answered := map[string][]string{}

	known := map[string]bool{}
	for _, m := range acknowledged {
		known[m.ID] = true
		written[m.Person] = append(written[m.Person], m.ID)
	}

	replied := map[string]bool{}
	for _, m := range sent {
		switch {
		case !known[m.ContextID]:
			t.Errorf("a reply answers a message that nobody wrote now: %q", m.Text)
		case replied[m.ContextID]:
			twice++

			t.Logf("a second reply: %q", m.Text)
		default:
			replied[m.ContextID] = true
			person := strings.TrimPrefix(m.To, "+")
			answered[person] = append(answered[person], m.ContextID)
		}
	}

	missing = len(known) - len(replied)
	for _, person := range slices.Sorted(maps.Keys(written)) {
		if missing == 0 && !slices.Equal(written[person], answered[person]) {
			t.Errorf("person %s was not answered in the order of the messages", person[len(person)-4:])
		}
	}

	return twice, missing
}

// status is what a receiver of a WhatsAppWebhook that is ready says. Those that share a store say the same of it.
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
			return health.Report{}, fmt.Errorf("read the status of pod %s: %w", pod.Name, err)
		}

		return reported, nil
	}

	return health.Report{}, fmt.Errorf("none of %d pods of %s is ready", len(pods), webhook)
}

func ready(pod corev1.Pod) bool {
	return pod.DeletionTimestamp == nil && slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}
