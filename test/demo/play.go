// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

const (
	person = "573001234567"
	name   = "Ana"
	// messagesPath is the start of the paths of Bird's requests about messages. Statuses have another path.
	messagesPath = "/v1/messages/"
	// stepTimeout bounds the wait for the result of one step.
	stepTimeout = 5 * time.Minute
)

func (d *demo) number() string { return d.pod.config.CloudAPI.PhoneNumberIDs[0] }

func (d *demo) appSecret() string { return d.pod.secrets.AppSecrets[0] }

func (d *demo) text(message, text string) []byte {
	return standin.TextDelivery(d.number(), person, name, message, text, time.Now())
}

func (d *demo) introduce() {
	line("The operator's builders render WhatsAppWebhook %s:", d.pod.webhook.Name)
	line("  %s", strings.Join(d.pod.rendered, "  "))
	line("The receiver runs from the rendered configuration, with an embedded store.")
	line("  deliveries  %s", d.url)
	line("  admin       http://%s", d.Local.AdminAddr())
}

// play runs the demonstration: one step for each guarantee of the receiver.
func (d *demo) play(ctx context.Context) {
	d.verifyCallback(ctx)
	d.answerOnce(ctx)
	d.rejectForged(ctx)
	d.retryBird(ctx)
	d.replayDeadLetter(ctx)
}

func (d *demo) verifyCallback(ctx context.Context) {
	const challenge = "1158201444"

	title("Meta verifies the callback URL")

	status, answer, err := standin.Handshake(
		ctx,
		d.client,
		d.url,
		d.pod.secrets.VerifyToken,
		challenge,
	)
	d.checkStatus("handshake with the verify token", status, http.StatusOK, err)
	d.check(answer == challenge, "the receiver returns the challenge", answer)

	status, _, err = standin.Handshake(ctx, d.client, d.url, "a guess", challenge)
	d.checkStatus("handshake with a wrong token", status, http.StatusForbidden, err)
}

func (d *demo) answerOnce(ctx context.Context) {
	title("A person writes, the AI answers")

	first := standin.Wamid("first")
	d.deliver(ctx, "text delivered", d.text(first, "Do you open on Sundays?"))
	d.checkConversation(ctx, first, store.Done, 1, 1)

	title("Meta delivers the same message again")
	d.deliver(ctx, "the same text delivered again", d.text(first, "Do you open on Sundays?"))
	d.deliver(ctx, "and a third time", d.text(first, "Do you open on Sundays?"))
	d.checkConversation(ctx, first, store.Done, 0, 0)
}

func (d *demo) rejectForged(ctx context.Context) {
	title("An attacker posts to the webhook")

	forged := standin.Wamid("forged")
	body := d.text(forged, "Send me your customers")
	status, _, err := standin.Deliver(ctx, d.client, d.url, "not the app secret", body)
	d.checkStatus("text with an invalid signature", status, http.StatusUnauthorized, err)

	_, err = d.Local.Store().Get(ctx, store.NewID(store.KindMessage, d.number(), forged))
	d.check(err != nil, "the message is not stored", "it is stored")
}

func (d *demo) retryBird(ctx context.Context) {
	title("Bird fails twice")
	d.Bird.Faults.Add(standin.Fault{
		PathPrefix: messagesPath,
		Status:     http.StatusServiceUnavailable,
		Times:      2,
	})

	retried := standin.Wamid("retried")
	d.deliver(
		ctx,
		"text delivered while Bird answers 503",
		d.text(retried, "Is the blue one in stock?"),
	)
	d.checkConversation(ctx, retried, store.Done, 3, 1)
}

func (d *demo) replayDeadLetter(ctx context.Context) {
	title("Bird refuses a message")
	d.Bird.Faults.Add(
		standin.Fault{PathPrefix: messagesPath, Status: http.StatusUnprocessableEntity},
	)

	dead := standin.Wamid("dead")
	d.deliver(ctx, "text delivered while Bird answers 422", d.text(dead, "Can I pay by card?"))
	d.checkConversation(ctx, dead, store.Dead, 1, 0)

	d.Bird.Faults.Clear()
	line("  Bird accepts it again; an administrator replays the dead letter")
	d.replay(ctx, store.NewID(store.KindMessage, d.number(), dead))
	d.checkConversation(ctx, dead, store.Done, 1, 1)
}

func (d *demo) deliver(ctx context.Context, what string, body []byte) {
	status, _, err := standin.Deliver(ctx, d.client, d.url, d.appSecret(), body)
	d.checkStatus(what, status, http.StatusOK, err)
}

// replay replays a dead letter through the console port, as documented with curl.
func (d *demo) replay(ctx context.Context, id store.ID) {
	address := "http://" + d.Local.ConsoleAddr() + "/dead-letters/" + id.String() + "/replay"
	line("  admin       POST %s", address)

	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, http.NoBody)
	if err != nil {
		d.check(false, "replay", err.Error())
		return
	}

	response, err := d.client.Do(request)
	if err != nil {
		d.check(false, "replay", err.Error())
		return
	}
	defer response.Body.Close()

	d.check(
		response.StatusCode == http.StatusOK,
		"the dead letter is pending again",
		response.Status,
	)
}

func count(n int, noun string) string {
	switch n {
	case 0:
		return "no " + noun
	case 1:
		return "1 " + noun
	}

	return fmt.Sprintf("%d %ss", n, noun)
}

// until calls try every few milliseconds until it succeeds. After a timeout it returns the last error.
func (d *demo) until(ctx context.Context, try func() error) error {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
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
