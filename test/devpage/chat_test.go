// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package devpage

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/test/browser"
)

// TestTexts sends a text: it is answered, its ticks and those of the answer reach read, and the trace has each step.
func TestTexts(t *testing.T) {
	p := open(t, map[string]any{"Hello": "Good morning, **Ana**"}, browser.Options{})

	p.ask("Hello", "Good morning, Ana")
	p.Until("bold", newest(theirs)+`.querySelector("strong")?.textContent === "Ana"`)
	p.Until("read by the business", newest(mine)+`.dataset.status === "read"`)
	p.Until("read by the person", newest(theirs)+`.dataset.status === "read"`)

	for _, kind := range []string{"delivery", "event", "question", "send", "status"} {
		p.UntilShown(`.event .step[data-kind="` + kind + `"]`)
	}

	p.Click(`.step[data-kind="question"] summary`)
	p.Until("the question is shown as JSON",
		`[...document.querySelectorAll(".step pre")].some((e) => e.textContent.includes('"text": "Hello"'))`)
}

// TestFiles sends files of each type, and compares what the AI gets.
func TestFiles(t *testing.T) {
	p := open(t, nil, browser.Options{})
	folder := t.TempDir()

	for _, file := range []struct {
		label, name, method, shown string
		content                    []byte
	}{
		{"Photo", "cake.png", "process_image_message", "img", picture(t)},
		{"Video", "oven.mp4", "process_video_message", "video", []byte("\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom")},
		{"Document", "order.pdf", "process_document_message", "a[download]", []byte("%PDF-1.7\n%%EOF\n")},
		{"Audio file", "song.mp3", "process_audio_message", ".player", []byte("ID3\x03\x00\x00\x00\x00\x00\x0a")},
	} {
		path := filepath.Join(folder, file.name)
		if err := os.WriteFile(path, file.content, 0o600); err != nil {
			t.Fatal(err)
		}

		p.Choose(func() { p.attach(file.label) }, path)
		p.Until("the file waits for its caption", `document.querySelector("#composer .about").innerText.includes("`+file.name+`")`)
		p.Click(`#composer button.primary`)
		p.newest(theirs, file.method)
		p.Until("shown", newest(mine)+`.querySelector("`+file.shown+`")`)

		if got := p.bridge.last(file.method).Media; !bytes.Equal(got, file.content) {
			t.Errorf("%s: the AI got %d bytes of %d", file.name, len(got), len(file.content))
		}
	}
}

// TestCaption sends a photo with a caption.
func TestCaption(t *testing.T) {
	p := open(t, nil, browser.Options{})
	path := filepath.Join(t.TempDir(), "cake.png")

	if err := os.WriteFile(path, picture(t), 0o600); err != nil {
		t.Fatal(err)
	}

	p.Choose(func() { p.attach("Photo") }, path)
	p.ask("How much is it?", "process_image_message How much is it?")
	p.Until("the photo is there", newest(mine)+`.querySelector("img").naturalWidth > 0`)
}

// TestVoice records a voice message. The AI gets Ogg with Opus, as phones send it, although Chromium records WebM.
func TestVoice(t *testing.T) {
	p := open(t, nil, browser.Options{})

	p.Click(`#composer button[aria-label="Record a voice message"]`)
	p.Until("a second is recorded", `document.querySelector(".recording [role=timer]")?.textContent >= "0:01"`)
	p.Click(`#composer button[aria-label="Send"]`)
	p.newest(theirs, "process_audio_message")

	voice := p.bridge.last("process_audio_message").Media
	if !bytes.HasPrefix(voice, []byte("OggS")) || !bytes.Contains(voice, []byte("OpusHead")) {
		t.Errorf("the AI got %d bytes that are not Opus in Ogg: %.40q", len(voice), voice)
	}

	p.Until("it has a length", `document.querySelector(".message.mine .player span").textContent !== "0:00"`)
	// It plays for about a second, which a look at the page may miss.
	browser.Eval[bool](p.Page, `(window.played = false, new MutationObserver(() => {
		played ||= document.querySelector('.player button[aria-label="Stop"]') !== null;
	}).observe(document.body, {subtree: true, childList: true, attributes: true}), true)`)
	p.Click(`.message.mine .player button`)
	p.Until("it plays", "played")
	p.Until("it ends", `document.querySelector('.player button[aria-label="Play"]')`)
}

// TestVoiceWithoutMicrophone says what to do if the browser has no microphone, and sends a file instead.
func TestVoiceWithoutMicrophone(t *testing.T) {
	p := open(t, nil, browser.Options{NoMicrophone: true})

	p.Click(`#composer button[aria-label="Record a voice message"]`)
	p.Until("it says so", `document.querySelector("#composer .problem")?.textContent.includes("No microphone")`)

	path := filepath.Join(t.TempDir(), "voice.ogg")
	if err := os.WriteFile(path, []byte("OggS\x00\x02"), 0o600); err != nil {
		t.Fatal(err)
	}

	p.Choose(func() { p.attach("Voice message from a file") }, path)
	p.Click(`#composer button.primary`)
	p.newest(theirs, "process_audio_message")
}

// TestCards sends messages other than texts and files.
func TestCards(t *testing.T) {
	p := open(t, nil, browser.Options{})

	p.attach("Location")
	p.Click("dialog .primary")
	p.newest(theirs, "process_location_message")
	p.newest(mine, "Town hall")

	p.attach("Contact")
	p.Click("dialog .primary")
	p.newest(theirs, "process_contacts_message")
	p.newest(mine, "Ana Pérez")

	p.attach("Order")
	p.newest(theirs, "process_order")

	p.attach("Sticker")
	p.Click(`dialog [aria-label="Sticker 🎉"]`)
	p.Until("it is shown", newest(mine)+`.querySelector("img.sticker")?.naturalWidth === 512`)
}

// TestTaps taps a button, a row of a list, and the other options of messages.
func TestTaps(t *testing.T) {
	p := open(t, map[string]any{
		"Buttons": map[string]any{
			"type":    "buttons",
			"text":    "Shall I keep one?",
			"buttons": []map[string]any{{"id": "yes", "title": "Yes, please"}, {"id": "no", "title": "No"}},
		},
		"List": map[string]any{
			"type":        "list",
			"text":        "When?",
			"button_text": "Choose a time",
			"sections": []map[string]any{
				{"title": "Morning", "rows": []map[string]any{{"id": "10", "title": "At ten", "description": "Quiet"}}},
				{"title": "Noon", "rows": []map[string]any{{"id": "12", "title": "At twelve"}}},
			},
		},
		"Link": map[string]any{
			"type":        "cta_url",
			"text":        "All cakes",
			"button_text": "See them",
			"url":         "https://example.com/cakes",
		},
		"Where": map[string]any{"type": "location_request", "text": "Where are you?"},
	}, browser.Options{})

	p.ask("Buttons", "Shall I keep one?")
	p.tap(".taps button", "Yes, please")
	p.newest(mine, "Yes, please")
	p.newest(theirs, "process_button_interaction Yes, please")
	p.Until("it quotes the question", newest(mine)+`.querySelector(".quoted").textContent.includes("Shall I keep one?")`)

	p.ask("List", "When?")
	p.tap(".taps button", "Choose a time")
	p.Until("the sections are shown", `document.querySelector("dialog").innerText.includes("Morning")`)
	p.Click(`dialog [data-option="12"]`)
	p.newest(theirs, "process_list_interaction At twelve")

	p.ask("Link", "All cakes")
	p.Until("it is a safe link", newest(theirs)+
		`.querySelector('.taps a[href="https://example.com/cakes"][target="_blank"]')?.rel.includes("noopener")`)

	p.ask("Where", "Where are you?")
	p.tap(".taps button", "")
	p.Click("dialog .primary")
	p.newest(theirs, "process_location_message")
}

// TestChanges replies to a message, reacts to it, edits one and deletes one.
func TestChanges(t *testing.T) {
	p := open(t, map[string]any{"Hello": "Good morning"}, browser.Options{})

	p.ask("Hello", "Good morning")
	p.act(theirs, "Reply")
	p.ask("And tomorrow?", "And tomorrow?")
	p.Until("it quotes", `document.querySelector(".message.mine .quoted")?.textContent.includes("Good morning")`)

	p.act(theirs, "React with 👍")
	p.Until("the reaction is shown", newest(theirs)+`.querySelector(".reactions")?.textContent === "👍"`)
	p.act(theirs, "Remove the reaction")
	p.Until("the reaction is gone", `!`+newest(theirs)+`.querySelector(".reactions")`)

	p.act(mine, "Edit")
	p.Write(" Or on Sunday?")
	p.Click(`#composer button.primary`)
	p.newest(mine, "And tomorrow? Or on Sunday?")
	p.Until("it is marked", newest(mine)+`.querySelector(".edited")`)
	p.newest(theirs, "process_message_edit")

	p.act(mine, "Delete for everyone")
	p.newest(mine, "This message was deleted")
	p.newest(theirs, "process_message_revoke")
}
