// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"strings"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// printQuestions prints what the AI was asked since the last call.
func (d *demo) printQuestions() {
	if d.live {
		return
	}

	for _, question := range d.questions()[d.asked:] {
		d.asked++

		line("  %-11s %s", "AI", question)
	}
}

// questions describes the requests about messages that the AI got, by its protocol.
func (d *demo) questions() []string {
	var list []string

	switch d.protocol() {
	case config.ProtocolContract:
		for _, call := range d.Bird.Asked() {
			list = appendQuestion(list, call, call.Path)
		}
	case config.ProtocolFlow:
		for _, call := range d.Flow.Asked() {
			list = appendQuestion(list, call, call.Method)
		}
	case config.ProtocolOpenAI:
		for _, call := range d.OpenAI.Asked() {
			last := call.Messages[len(call.Messages)-1]
			list = append(list, fmt.Sprintf("%s with %s, the last one %q%s", call.Model,
				count(len(call.Messages), "message"), last.Text, pictures(last)))
		}
	}

	return list
}

func appendQuestion(list []string, call standin.BirdCall, name string) []string {
	if call.Method == config.NotifyStatus {
		return list
	}

	text, _ := call.Payload["text"].(string)
	caption, _ := call.Payload["caption"].(string)
	question := fmt.Sprintf("%s %q", name, cmp.Or(text, caption))

	if call.MediaBytes > 0 {
		media, _ := call.Payload["media"].(map[string]any)
		question += fmt.Sprintf(" with %d bytes of %v as %v", call.MediaBytes, media["mime_type"], media["transport"])
	}

	return append(list, question)
}

func pictures(m standin.ChatMessage) string {
	if len(m.Images) == 0 {
		return ""
	}

	return " with " + count(len(m.Images), "picture")
}

// laterLog returns the messages that the AI posted.
func (d *demo) laterLog() *standin.Log[standin.LaterMessage] {
	if d.protocol() == config.ProtocolFlow {
		return d.Flow.LaterLog
	}

	return d.Bird.LaterLog
}

// checkMedium checks that the AI got a file with its last question: the bytes, or a text of a recording.
func (d *demo) checkMedium(want string, content []byte) {
	if d.live {
		return
	}

	sum := sha256.Sum256(content)
	digest := hex.EncodeToString(sum[:])

	switch d.protocol() {
	case config.ProtocolContract:
		d.check(hasMedium(d.Bird.Asked(), digest), want, "it did not")
	case config.ProtocolFlow:
		d.check(hasMedium(d.Flow.Asked(), digest), want, "it did not")
	case config.ProtocolOpenAI:
		d.check(d.modelGot(content, digest), want, "it did not")
	}
}

func hasMedium(calls []standin.BirdCall, digest string) bool {
	for _, call := range calls {
		if call.MediaSHA256 == digest {
			return true
		}
	}

	return false
}

// modelGot reports whether the model got a picture, or the text of a recording.
func (d *demo) modelGot(content []byte, digest string) bool {
	calls := d.OpenAI.Asked()
	if len(calls) == 0 {
		return false
	}

	last := calls[len(calls)-1].Messages[len(calls[len(calls)-1].Messages)-1]
	for _, link := range last.Images {
		if strings.HasSuffix(link, base64.StdEncoding.EncodeToString(content)) {
			return true
		}
	}

	for _, recording := range d.OpenAI.HeardLog.All() {
		if text, _ := standin.EchoTranscription(recording).(string); recording.SHA256 == digest && strings.Contains(last.Text, text) {
			return true
		}
	}

	return false
}

// picture returns a small picture: a red disc on white.
func picture() []byte {
	const (
		size   = 64
		radius = 24
	)

	canvas := image.NewRGBA(image.Rect(0, 0, size, size))

	for y := range size {
		for x := range size {
			dot := color.RGBA{R: 255, G: 255, B: 255, A: 255}
			if dx, dy := x-size/2, y-size/2; dx*dx+dy*dy < radius*radius {
				dot = color.RGBA{R: 200, A: 255}
			}

			canvas.Set(x, y, dot)
		}
	}

	var encoded bytes.Buffer
	if err := png.Encode(&encoded, canvas); err != nil {
		panic(err) // a buffer takes everything
	}

	return encoded.Bytes()
}
