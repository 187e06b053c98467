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
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

const (
	person = "573001234567"
	name   = "Ana"
	// questions is where Bird is asked about messages; it is told of statuses elsewhere.
	questions = "/v1/messages/"
)

func (s *scene) number() string { return s.pod.config.CloudAPI.PhoneNumberIDs[0] }

func (s *scene) appSecret() string { return s.pod.secrets.AppSecrets[0] }

func (s *scene) text(message, text string) []byte {
	return standin.TextDelivery(s.number(), person, name, message, text, time.Now())
}

func (s *scene) introduce() {
	line("WhatsAppWebhook %s, rendered by the operator's builders:", s.pod.webhook.Name)
	line("  %s", strings.Join(s.pod.rendered, "  "))
	line("The receiver runs from the rendered configuration, on an embedded store.")
	line("  deliveries  %s", s.url)
	line("  admin       http://%s", s.receiver.AdminAddr())
}

// play is the demonstration itself, one paragraph a promise.
func (s *scene) play(ctx context.Context) {
	title("Meta verifies the callback URL")

	status, challenge, err := standin.Handshake(ctx, s.client, s.url, s.pod.secrets.VerifyToken, "1158201444")
	s.answered("handshake with the verify token", status, 200, err)
	s.check(challenge == "1158201444", "the challenge comes back", challenge)
	status, _, err = standin.Handshake(ctx, s.client, s.url, "a guess", "1158201444")
	s.answered("handshake with a guess", status, 403, err)

	title("A person writes, the AI answers")

	first := standin.Wamid("first")
	s.deliver(ctx, "text delivered", s.text(first, "Do you open on Sundays?"))
	s.conversation(ctx, first, store.Done, 1, 1)

	title("Meta delivers the same message again")
	s.deliver(ctx, "the same text delivered", s.text(first, "Do you open on Sundays?"))
	s.deliver(ctx, "and once more", s.text(first, "Do you open on Sundays?"))
	s.conversation(ctx, first, store.Done, 0, 0)

	title("Somebody else posts to the webhook")

	forged := standin.Wamid("forged")
	status, _, err = standin.Deliver(ctx, s.client, s.url, "not the app secret", s.text(forged, "Send me your customers"))
	s.answered("text with a bad signature", status, 401, err)
	_, err = s.receiver.Store().Get(ctx, store.NewID(store.KindMessage, s.number(), forged))
	s.check(err != nil, "nothing of it is stored", "it is stored")

	title("Bird is down for a moment")
	s.bird.Faults.Add(standin.Fault{
		PathPrefix: questions,
		Status:     http.StatusServiceUnavailable,
		Times:      2,
	})

	healing := standin.Wamid("healing")
	s.deliver(ctx, "text delivered, while Bird answers 503", s.text(healing, "Is the blue one in stock?"))
	s.conversation(ctx, healing, store.Done, 3, 1)

	title("Bird stays down")
	s.bird.Faults.Add(standin.Fault{PathPrefix: questions, Status: http.StatusServiceUnavailable})

	lost := standin.Wamid("lost")
	s.deliver(ctx, "text delivered, while Bird answers 503", s.text(lost, "Can I pay by card?"))
	s.conversation(ctx, lost, store.Dead, 1+*s.pod.config.Processing.Retry.MaxRetries, 0)
	s.bird.Faults.Clear()
	line("  Bird is back; a person replays the dead letter")
	s.replay(ctx, store.NewID(store.KindMessage, s.number(), lost))
	s.conversation(ctx, lost, store.Done, 1, 1)
}

func (s *scene) deliver(ctx context.Context, what string, body []byte) {
	status, _, err := standin.Deliver(ctx, s.client, s.url, s.appSecret(), body)
	s.answered(what, status, http.StatusOK, err)
}

// replay does what the documentation says to do with curl.
func (s *scene) replay(ctx context.Context, id store.ID) {
	address := "http://" + s.receiver.ConsoleAddr() + "/dead-letters/" + id.String() + "/replay"
	line("  operator    POST %s", address)

	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, http.NoBody)
	if err != nil {
		s.check(false, "replay", err.Error())
		return
	}

	response, err := s.client.Do(request)
	if err != nil {
		s.check(false, "replay", err.Error())
		return
	}
	defer response.Body.Close()

	s.check(response.StatusCode == http.StatusOK, "the dead letter is pending again", response.Status)
}

// conversation waits until a message has reached a state, tells what Bird was asked and the person got on the way, and
// checks how often.
func (s *scene) conversation(ctx context.Context, message string, want store.State, calls, answers int) {
	id := store.NewID(store.KindMessage, s.number(), message)

	var record *store.Record

	err := s.until(ctx, func() (err error) {
		record, err = s.receiver.Store().Get(ctx, id)
		if err == nil && record.Event.State != want {
			err = fmt.Errorf("it is %s", record.Event.State)
		}

		return err
	})
	asked := s.bird.Recorder.Calls(standin.On(http.MethodPost, questions))[s.asked:]
	sent := s.graph.Sent()[s.sent:]
	s.asked += len(asked)
	s.sent += len(sent)

	for _, call := range asked {
		var question struct{ Text string }

		_ = json.Unmarshal(call.Body, &question) // shown as far as it can be read
		line("  %-11s %s %q, attempt %s: answered %d", "Bird", call.Path, question.Text, call.Header.Get("X-Attempt"), call.Status)
	}

	if record != nil {
		for i, failure := range record.Failures[s.failures[id]:] {
			line("  %-11s failure %d, %s: %s", "store", s.failures[id]+i+1, failure.Class, failure.Text)
		}

		s.failures[id] = len(record.Failures)
	}

	for _, m := range sent {
		line("  %-11s %s got %q", "person", m.To, m.Text)
	}

	s.check(err == nil, fmt.Sprintf("the message is %s", stateWords[want]), fmt.Sprint(err))
	s.check(len(asked) == calls, "Bird was asked "+times(calls), fmt.Sprint(len(asked)))
	s.check(len(sent) == answers, "the person was answered "+times(answers), fmt.Sprint(len(sent)))

	for _, m := range sent {
		err := s.until(ctx, func() error {
			status, err := s.receiver.Store().MessageStatus(ctx, s.number(), m.ID, "")
			if err == nil && status.Status != "read" {
				err = fmt.Errorf("it is %s", status.Status)
			}

			return err
		})
		s.check(err == nil, "Meta's statuses of the answer are stored, up to read", fmt.Sprint(err))
	}
}

var stateWords = map[store.State]string{store.Done: "done", store.Dead: "a dead letter: stored, shown, to be replayed"}

// health shows the admin port's figures.
func (s *scene) health(ctx context.Context) {
	title("Health")

	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.receiver.AdminAddr()+"/status", http.NoBody)
	if err != nil {
		s.check(false, "status", err.Error())
		return
	}

	response, err := s.client.Do(request)
	if err != nil {
		s.check(false, "status", err.Error())
		return
	}
	defer response.Body.Close()

	body, err := io.ReadAll(response.Body)

	var figures health.Report
	if err == nil {
		err = json.Unmarshal(body, &figures)
	}

	s.check(err == nil, "GET /status", fmt.Sprint(err))
	line("  %s", strings.ReplaceAll(strings.TrimSpace(string(body)), "\n", "\n  "))

	backlog := figures.Backlog
	if backlog == nil {
		backlog = &health.Backlog{Pending: -1}
	}

	s.check(backlog.Pending == 0 && backlog.DeadLetters == 0, "nothing waits, and no dead letter is left",
		fmt.Sprintf("%d pending, %d dead letters", backlog.Pending, backlog.DeadLetters))
}

func times(n int) string {
	switch n {
	case 0:
		return "not at all"
	case 1:
		return "once"
	}

	return fmt.Sprintf("%d times", n)
}

// until tries every few milliseconds until try succeeds, and returns its last error when that takes too long.
func (s *scene) until(ctx context.Context, try func() error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()

	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()

	for {
		err := try()
		if err == nil {
			return nil
		}

		select {
		case <-ctx.Done():
			return err
		case <-tick.C:
		}
	}
}
