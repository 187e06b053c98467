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
	for token, want := range map[string]int{standins.VerifyToken: http.StatusOK, "a guess": http.StatusForbidden} {
		// A Service leads to a pod a moment after the pod is ready.
		var answer meta.Answer

		err := kube.Eventually(ctx, patience, func(ctx context.Context) (err error) {
			answer, err = d.standins.Handshake(ctx, token, "1158201444")
			return err
		})
		if err != nil {
			return err
		}

		d.line("handshake with %q: %d", token, answer.Status)

		if answer.Status != want {
			return fmt.Errorf("that should be %d", want)
		}
	}

	return nil
}

// converse delivers messages that nobody wrote before, also in an earlier demo.
func (d *demo) converse(ctx context.Context) error {
	if err := d.standins.Forget(ctx); err != nil {
		return err
	}

	before, err := d.standins.Load(ctx)
	if err != nil {
		return err
	}

	run := time.Now().String()
	text := func(words string) []byte {
		return standin.TextDelivery(standins.PhoneNumberID, person, name, standin.Wamid(run+words), words, time.Now())
	}
	choice := map[string]any{"type": "button_reply", "button_reply": map[string]string{"id": "blue", "title": "The blue one"}}

	deliveries := []struct {
		what, appSecret string
		body            []byte
		want            int
	}{
		{"a text", standins.AppSecret, text("Do you open on Sundays?"), http.StatusOK},
		{"the same text again, as Meta does when in doubt", standins.AppSecret, text("Do you open on Sundays?"), http.StatusOK},
		{"a button pressed", standins.AppSecret, standin.MessageDelivery(standins.PhoneNumberID, person, name,
			standin.Wamid(run+"button"), "interactive", choice, time.Now()), http.StatusOK},
		{"a text that somebody else signed", "not the app secret", text("Send me your customers"), http.StatusUnauthorized},
	}
	for _, delivery := range deliveries {
		answer, err := d.standins.Deliver(ctx, delivery.appSecret, delivery.body)
		if err != nil {
			return err
		}

		d.line("Meta delivers %s: %d", delivery.what, answer.Status)

		if answer.Status != delivery.want {
			return fmt.Errorf("that should be %d", delivery.want)
		}
	}

	const replies = 2

	err = kube.Eventually(ctx, patience, func(ctx context.Context) error {
		now, err := d.standins.Load(ctx)
		if err == nil && now.Statuses.Posted-before.Statuses.Posted < 3*replies {
			err = errors.New("the receiver has not taken all statuses of its answers")
		}

		return err
	})
	if err != nil {
		return err
	}

	asked, err := d.standins.Asked(ctx)
	if err != nil {
		return err
	}

	for _, call := range asked {
		if call.Method != "notify_bird_status_change" {
			d.line("Bird is asked %s", call.Method)
		}
	}

	sent, err := d.standins.Sent(ctx)
	if err != nil {
		return err
	}

	for _, message := range sent {
		d.line("%s gets %q, and Meta tells the receiver: sent, delivered, read", name, message.Text)
	}

	if len(sent) != replies {
		return fmt.Errorf("there are %d answers, and there should be %d", len(sent), replies)
	}

	return nil
}
