// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// converse plays a conversation with the AI of the resource's protocol: a text, a photo, a voice message, an answer that
// comes later, and people who take the conversation over.
func (d *demo) converse(ctx context.Context) {
	later := d.answerLater
	if d.protocol() == config.ProtocolOpenAI {
		later = d.writeFirst
	}

	steps := []func(context.Context){
		d.sayText,
		d.sendPhoto,
		d.sendVoice,
		later,
		d.handOver,
		d.giveBack,
	}

	for _, step := range steps {
		if step(ctx); d.failed > 0 {
			return // later steps build on it
		}
	}
}

func (d *demo) protocol() config.Protocol { return d.Config.Protocol() }

func (d *demo) sayText(ctx context.Context) {
	subtitle("A text")
	d.ask(ctx, "text delivered", "text", map[string]any{"body": "Do you open on Sundays?"})
}

func (d *demo) sendPhoto(ctx context.Context) {
	subtitle("A photo")

	photo := picture()
	d.ask(ctx, "photo delivered", "image", d.host("photo", "image/png", photo, map[string]any{"caption": "How much is this one?"}))
	d.checkMedium("the AI got the photo", photo)
}

func (d *demo) sendVoice(ctx context.Context) {
	subtitle("A voice message")

	if d.live && d.Config.OpenAI.TranscriptionModel == "" {
		line("  The server gets no recording, since no transcription model is set: it learns that there is one.")
	}

	voice := []byte("OggS: a recording of two seconds")
	d.ask(ctx, "voice message delivered", "audio", d.host("voice", "audio/ogg; codecs=opus", voice, map[string]any{"voice": true}))
	d.checkMedium("the AI got the recording", voice)
}

// answerLater lets the AI accept a question, and answer it through the messages API.
func (d *demo) answerLater(ctx context.Context) {
	subtitle("An answer that comes later")

	before := d.laterLog().Total()
	d.ask(ctx, "text delivered", "text", map[string]any{"body": "Is my cake ready? Tell me " + standin.WantsLater})

	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()

	if err := d.laterLog().WaitTotal(ctx, before+1); err != nil {
		d.check(false, "the AI posted its answer to the messages API", err.Error())
		return
	}

	posted := d.laterLog().All()
	last := posted[len(posted)-1]
	line("  %-11s POST %s/v1/messages: answered %d", "AI", d.Local.MessagesURL(), last.Posted.Status)
	d.check(last.Posted.Status == http.StatusAccepted, "the answer is stored before it is accepted", last.Posted.Body+last.Err)
}

// writeFirst lets a program of the business write to the person, with the AI's key.
func (d *demo) writeFirst(ctx context.Context) {
	subtitle("A message without a question")

	posted, err := standin.Post(ctx, d.messagesAPI, "cake-ready-1", map[string]any{
		"conversation_key": d.number() + ":" + person,
		"response":         "Your cake is ready.",
	})
	line("  %-11s POST %s/v1/messages: answered %d", "shop", d.Local.MessagesURL(), posted.Status)
	d.check(err == nil && posted.Status == http.StatusAccepted, "the message is stored before it is accepted",
		fmt.Sprint(posted.Body, err))
	d.checkSent(ctx)
}

// handOver lets the AI hand the conversation to people.
func (d *demo) handOver(ctx context.Context) {
	subtitle("People take the conversation over")

	wish := "A " + standin.WantsPerson + ", not a machine."
	d.ask(ctx, "text delivered", "text", map[string]any{"body": wish})

	if d.live && !d.peopleHaveIt(ctx) {
		line("  The model did not call the function hand_off_to_human.")
		return
	}

	handedOff := d.waitDesk(ctx, standin.HandedOff)
	line("  %-11s %s, reason %q", "desk", handedOff.Method, fmt.Sprint(handedOff.Payload["reason"]))
}

// giveBack lets a colleague answer a message, and give the conversation back to the AI.
func (d *demo) giveBack(ctx context.Context) {
	if d.live && !d.peopleHaveIt(ctx) {
		return
	}

	subtitle("A colleague answers and gives it back")

	id := d.say(ctx, "text delivered", "text", map[string]any{"body": "Are you there?"})
	d.checkState(ctx, id, store.Human)
	d.check(d.live || len(d.questions()) == d.asked, "the AI is not asked", "it is asked")

	message := d.waitDesk(ctx, standin.HumanMessage)
	if message.Method == "" {
		return
	}

	line("  %-11s %s %q", "desk", message.Method, fmt.Sprint(message.Payload["text"]))

	posted, err := d.Desk.Answer(ctx, message, "demo-desk-1", "Yes, this is Eva. How can I help?")
	line("  %-11s POST %s/v1/messages: answered %d", "desk", d.Local.MessagesURL(), posted.Status)
	d.check(err == nil && posted.Status == http.StatusAccepted, "the colleague's answer is accepted", fmt.Sprint(posted.Body, err))
	d.checkSent(ctx)

	err = d.Desk.HandBack(ctx, message)
	d.check(err == nil, "the colleague gives the conversation back", fmt.Sprint(err))
	d.ask(ctx, "text delivered", "text", map[string]any{"body": "What does bread cost?"})
}

// peopleHaveIt reports whether people have the conversation.
func (d *demo) peopleHaveIt(ctx context.Context) bool {
	_, answer, err := d.messagesAPI().Handler(ctx, d.number()+":"+person)

	return err == nil && answer["handler"] == "human"
}

// waitDesk waits for a request to the desk and returns the newest one of the method.
func (d *demo) waitDesk(ctx context.Context, method string) standin.BirdCall {
	var found standin.BirdCall

	err := d.until(ctx, func() error {
		for _, call := range d.Desk.Asked() {
			if call.Method == method {
				found = call
			}
		}

		if found.Method == "" {
			return fmt.Errorf("the desk got no %s", method)
		}

		return nil
	})
	d.check(err == nil, "the desk learns of it", fmt.Sprint(err))

	return found
}

// say delivers a message and returns its id.
func (d *demo) say(ctx context.Context, what, kind string, content map[string]any) store.ID {
	d.said++

	message := standin.Wamid(fmt.Sprintf("%s-%d", d.pod.webhook.Name, d.said))
	d.deliver(ctx, what, standin.MessageDelivery(d.number(), person, name, message, kind, content, time.Now()))

	return store.NewID(store.KindMessage, d.number(), message)
}

// ask delivers a message, and checks that the AI is asked about it and the person gets an answer.
func (d *demo) ask(ctx context.Context, what, kind string, content map[string]any) {
	id := d.say(ctx, what, kind, content)
	done := d.checkState(ctx, id, store.Done)
	d.printQuestions()

	if done {
		d.checkSent(ctx)
	}
}

// checkState waits until an event has reached a state, and reports whether it has.
func (d *demo) checkState(ctx context.Context, id store.ID, want store.State) bool {
	var failures string

	err := d.until(ctx, func() error {
		record, err := d.Local.Store().Get(ctx, id)
		if err != nil {
			return err
		}

		failures = lastFailure(*record).Text
		if record.Event.State != want {
			return fmt.Errorf("the message is %s %s", record.Event.State, failures)
		}

		return nil
	})

	d.check(err == nil, "the message is "+stateWords[want], fmt.Sprint(err))

	return err == nil
}

// checkSent waits for a message to the person, prints what came, and checks that it is no more. A real model may say more.
func (d *demo) checkSent(ctx context.Context) {
	err := d.until(ctx, func() error {
		if len(d.Graph.Sent()) == d.sent {
			return errors.New("the person got nothing")
		}

		return nil
	})

	sent := d.Graph.Sent()[d.sent:]
	d.sent += len(sent)

	for _, m := range sent {
		line("  %-11s %s got %q", "person", m.To, m.Text)
	}

	d.check(err == nil && (d.live || len(sent) == 1), "the person got a message", fmt.Sprint(count(len(sent), "message"), " ", err))
}

// host uploads a file to Meta's stand-in and returns the content of a message with it.
func (d *demo) host(id, mime string, content []byte, further map[string]any) map[string]any {
	d.Graph.PutMedia(id, mime, content)

	sum := sha256.Sum256(content)
	further["id"] = id
	further["mime_type"] = mime
	further["sha256"] = base64.StdEncoding.EncodeToString(sum[:])

	return further
}
