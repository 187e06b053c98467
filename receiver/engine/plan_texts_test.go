// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/answer"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
)

func TestFormatted(t *testing.T) {
	const source, converted = "**a**", "*a*"

	file := answer.ReplyMedia{Type: "image", Caption: source, Filename: source}

	// Titles, headers, footers and names keep their characters.
	reply := func(text string, caption answer.ReplyMedia) answer.Reply {
		return answer.Reply{
			Kind:    answer.KindCarousel,
			Text:    text,
			Header:  source,
			Footer:  source,
			Buttons: []answer.Option{{ID: source, Title: source, Description: source}},
			Media:   &caption,
			Cards:   []answer.Card{{Text: text, Buttons: []answer.Option{{ID: source, Title: source}}}},
		}
	}
	inWhatsApp := answer.ReplyMedia{Type: "image", Caption: converted, Filename: source}

	for format, want := range map[config.Format]answer.Reply{
		config.FormatMarkdown: reply(converted, inWhatsApp),
		config.FormatWhatsApp: reply(source, file),
	} {
		a := &attempt{inbound: inbound{head: head{settings: &config.Snapshot{
			Config: config.Config{Processing: config.Processing{Format: format}},
		}}}}

		given := []answer.Reply{reply(source, file)}
		if diff := cmp.Diff([]answer.Reply{want}, a.formatted(given)); diff != "" {
			t.Errorf("formatted() with the format %s (-want +got):\n%s", format, diff)
		}

		if diff := cmp.Diff([]answer.Reply{reply(source, file)}, given); diff != "" {
			t.Errorf("formatted() changed its argument (-want +got):\n%s", diff)
		}
	}
}

func TestTextOfMarksOnlyIsKept(t *testing.T) {
	if got := toWhatsApp("[](#top)"); got != "[](#top)" {
		t.Errorf("toWhatsApp() = %q, want the text unchanged, since WhatsApp takes no empty text", got)
	}
}

func TestJoinTexts(t *testing.T) {
	text := func(words string) cloudapi.Content { return cloudapi.TextContent{Text: words} }
	linked := func(words string) cloudapi.Content { return cloudapi.TextContent{Text: words, PreviewURL: true} }
	reaction := cloudapi.ReactionContent{MessageID: "wamid.1", Emoji: "👍"}
	half := strings.Repeat("a", cloudapi.MaxTextRunes/2-1)
	emoji := strings.Repeat("🙂", cloudapi.MaxTextRunes/2-2) // 4 of 4096 UTF-16 code units are left

	for name, tc := range map[string]struct{ contents, want []cloudapi.Content }{
		"none":            {nil, []cloudapi.Content{}},
		"texts":           {[]cloudapi.Content{text("a"), text("b"), text("c")}, []cloudapi.Content{text("a\n\nb\n\nc")}},
		"with previews":   {[]cloudapi.Content{linked("a"), linked("b")}, []cloudapi.Content{linked("a\n\nb")}},
		"one preview":     {[]cloudapi.Content{text("a"), linked("b"), text("c")}, []cloudapi.Content{text("a"), linked("b"), text("c")}},
		"apart":           {[]cloudapi.Content{text("a"), reaction, text("b")}, []cloudapi.Content{text("a"), reaction, text("b")}},
		"that just fit":   {[]cloudapi.Content{text(half), text(half)}, []cloudapi.Content{text(half + "\n\n" + half)}},
		"one too long":    {[]cloudapi.Content{text(half), text(half + "b"), text("c")}, []cloudapi.Content{text(half), text(half + "b\n\nc")}},
		"emoji just fit":  {[]cloudapi.Content{text(emoji), text("bc")}, []cloudapi.Content{text(emoji + "\n\nbc")}},
		"emoji too long":  {[]cloudapi.Content{text(emoji), text("bcd")}, []cloudapi.Content{text(emoji), text("bcd")}},
		"before a choice": {[]cloudapi.Content{text("a"), text("b"), cloudapi.ListContent{}}, []cloudapi.Content{text("a\n\nb"), cloudapi.ListContent{}}},
	} {
		if diff := cmp.Diff(tc.want, joinTexts(tc.contents)); diff != "" {
			t.Errorf("texts %s: joinTexts() (-want +got):\n%s", name, diff)
		}
	}
}

// words returns a text of n words with 4 characters and a blank each.
func words(n int) string { return strings.TrimSpace(strings.Repeat("word ", n)) }

func TestLongCaptionGoesOnAsText(t *testing.T) {
	for name, tc := range map[string]struct {
		caption string
		fit     string
		texts   []string
	}{
		"none":           {},
		"that fits":      {words(205), words(205), nil},
		"cut at a blank": {words(300), words(205), []string{words(95)}},
		"very long":      {words(1300), words(205), []string{words(819), words(276)}},
		"emoji":          {strings.Repeat("👨‍👩‍👧‍👦", 100), strings.Repeat("👨‍👩‍👧‍👦", 93), []string{strings.Repeat("👨‍👩‍👧‍👦", 7)}},
		"accents":        {strings.Repeat("e\u0301", 600), strings.Repeat("e\u0301", 512), []string{strings.Repeat("e\u0301", 88)}},
	} {
		want := []cloudapi.Content{cloudapi.MediaContent{Type: "image", ID: "7", Caption: tc.fit}}
		for _, text := range tc.texts {
			want = append(want, cloudapi.TextContent{Text: text})
		}

		got := captioned(cloudapi.MediaContent{Type: "image", ID: "7", Caption: tc.caption})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("caption %s: captioned() (-want +got):\n%s", name, diff)
		}
	}
}

// TestLongTextAboveChoices sends the beginning before, and the choices below the end.
func TestLongTextAboveChoices(t *testing.T) {
	options := []answer.Option{{ID: "a", Title: "A"}, {ID: "b", Title: "B"}}
	list := &answer.List{Sections: []answer.Section{{Rows: options}}}
	image := &answer.ReplyMedia{Type: "image", MediaID: "7"}

	for name, tc := range map[string]struct {
		reply  answer.Reply
		before []cloudapi.Content
		text   string // above the choices
		header bool   // the file is above the choices
	}{
		"buttons":                        {reply: answer.Reply{Kind: answer.KindButtons, Text: words(100)}, text: words(100)},
		"buttons that become a list":     {reply: answer.Reply{Kind: answer.KindButtons, Text: words(800)}, text: words(800)},
		"buttons below two texts":        {answer.Reply{Kind: answer.KindButtons, Text: words(900)}, []cloudapi.Content{cloudapi.TextContent{Text: words(819)}}, words(81), false},
		"buttons below a file and texts": {answer.Reply{Kind: answer.KindButtons, Text: words(900), HeaderMedia: image}, []cloudapi.Content{cloudapi.TextContent{Text: words(819)}}, words(81), true},
		"a list below two texts":         {answer.Reply{Kind: answer.KindList, Text: words(1200)}, []cloudapi.Content{cloudapi.TextContent{Text: words(819)}}, words(381), false},
		"a list below a file":            {answer.Reply{Kind: answer.KindList, Text: "a", HeaderMedia: image}, []cloudapi.Content{cloudapi.MediaContent{Type: "image", ID: "7"}}, "a", false},
	} {
		tc.reply.Buttons = options
		tc.reply.List = list

		frame := cloudapi.Frame{Text: tc.text}
		if tc.header {
			frame.HeaderMedia = &cloudapi.MediaContent{Type: "image", ID: "7"}
		}

		want := slices.Concat(tc.before, []cloudapi.Content{tappable(tc.reply, frame)})
		if diff := cmp.Diff(want, interactive(tc.reply)); diff != "" {
			t.Errorf("%s: interactive() (-want +got):\n%s", name, diff)
		}
	}
}
