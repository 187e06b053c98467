// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/test/e2e/kube"
	"github.com/wawebhook/whatsapp-webhook-operator/test/e2e/standins"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin/meta"
)

const person, name = "573001234567", "Ana"

func (d *demo) handshake(ctx context.Context) error {
	for token, want := range map[string]int{
		standins.VerifyToken: http.StatusOK,
		"a guess":            http.StatusForbidden,
	} {
		// A Service routes to a pod only some time after the pod is ready.
		var answer meta.Answer

		err := kube.Eventually(ctx, waitTimeout, func(ctx context.Context) (err error) {
			answer, err = d.standins.Handshake(ctx, token, "1158201444")
			return err
		})
		if err != nil {
			return err
		}

		d.line("handshake with %q: %d", token, answer.Status)

		if answer.Status != want {
			return fmt.Errorf("handshake answered %d, want %d", answer.Status, want)
		}
	}

	return nil
}

// converse delivers messages that are new even if the demo ran before, and waits for the answers and their statuses.
func (d *demo) converse(ctx context.Context) error {
	if err := d.standins.ResetRecords(ctx); err != nil {
		return err
	}

	before, err := d.standins.Load(ctx)
	if err != nil {
		return err
	}

	if err := d.deliver(ctx); err != nil {
		return err
	}

	const answers = 2

	err = kube.Eventually(ctx, waitTimeout, func(ctx context.Context) error {
		now, err := d.standins.Load(ctx)
		if err == nil && now.Statuses.Posted-before.Statuses.Posted < 3*answers {
			err = errors.New("the receiver has not accepted all statuses of its answers")
		}

		return err
	})
	if err != nil {
		return err
	}

	return d.showCalls(ctx, answers)
}

// deliver delivers messages, a repeated one, and one with a wrong signature.
func (d *demo) deliver(ctx context.Context) error {
	run := time.Now().String()
	text := func(words string) []byte {
		return standin.TextDelivery(
			standins.PhoneNumberID,
			person,
			name,
			standin.Wamid(run+words),
			words,
			time.Now(),
		)
	}
	choice := map[string]any{
		"type":         "button_reply",
		"button_reply": map[string]string{"id": "blue", "title": "The blue one"},
	}
	button := standin.MessageDelivery(standins.PhoneNumberID, person, name,
		standin.Wamid(run+"button"), "interactive", choice, time.Now())

	deliveries := []struct {
		what, appSecret string
		body            []byte
		want            int
	}{
		{"a text", standins.AppSecret, text("Do you open on Sundays?"), http.StatusOK},
		{"the same text again", standins.AppSecret, text("Do you open on Sundays?"), http.StatusOK},
		{"a pressed button", standins.AppSecret, button, http.StatusOK},
		{
			"a text with an invalid signature",
			"not the app secret",
			text("Send me your customers"),
			http.StatusUnauthorized,
		},
	}
	for _, delivery := range deliveries {
		answer, err := d.standins.Deliver(ctx, delivery.appSecret, delivery.body)
		if err != nil {
			return err
		}

		d.line("Meta delivers %s: %d", delivery.what, answer.Status)

		if answer.Status != delivery.want {
			return fmt.Errorf("delivery answered %d, want %d", answer.Status, delivery.want)
		}
	}

	return nil
}

// showCalls shows what Bird was asked and what the person gets, which must be so many answers.
func (d *demo) showCalls(ctx context.Context, answers int) error {
	asked, err := d.standins.Asked(ctx)
	if err != nil {
		return err
	}

	for _, call := range asked {
		if call.Method != "notify_bird_status_change" {
			d.line("Bird gets a request: %s", call.Method)
		}
	}

	sent, err := d.standins.Sent(ctx)
	if err != nil {
		return err
	}

	for _, message := range sent {
		d.line("%s gets %q; the receiver gets its statuses: sent, delivered, read", name, message.Text)
	}

	if len(sent) != answers {
		return fmt.Errorf("%d answers were sent, want %d", len(sent), answers)
	}

	return nil
}
