// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestRandomKindsAreAccepted sends random messages with something to tap to the stand-in for Graph: what Encode does not
// refuse, Meta takes.
func TestRandomKindsAreAccepted(t *testing.T) {
	client := standInClient(t)
	accepted := map[string]bool{}

	rapid.Check(t, func(rt *rapid.T) {
		draw := func(label string, most int) string {
			return rapid.StringOfN(rapid.RuneFrom([]rune("añ漢😀\n ")), 0, most, -1).Draw(rt, label)
		}
		some := func(label string, most int) string { return "x" + draw(label, most) }
		count := func(label string, least, most int) int { return rapid.IntRange(least, most).Draw(rt, label) }
		picture := &MediaContent{Type: rapid.SampledFrom([]string{"image", "video", "document"}).Draw(rt, "picture"), ID: "7"}
		frame := Frame{
			Header: draw("header", 70),
			Text:   some("text", 1030),
			Footer: draw("footer", 70),
		}
		many := func(label string, n int) []ReplyButton {
			all := make([]ReplyButton, n)
			for i := range all {
				all[i] = ReplyButton{ID: strconv.Itoa(i), Title: some(label, 30)}
			}

			return all
		}

		if rapid.Bool().Draw(rt, "file above") {
			frame.HeaderMedia = picture
		}

		var content Content

		kind := rapid.SampledFrom([]string{"link", "flow", "request", "products", "carousel"}).Draw(rt, "kind")
		switch kind {
		case "link":
			content = LinkContent{
				Frame: frame,
				Label: draw("label", 30),
				URL:   "https://a.example/" + strings.Repeat("b", count("path", 0, 99)),
			}
		case "flow":
			content = FlowContent{
				Frame:  frame,
				Label:  draw("label", 30),
				ID:     "7",
				Screen: rapid.SampledFrom([]string{"", "FIRST"}).Draw(rt, "screen"),
			}
		case "request":
			content = RequestContent{
				For:  rapid.SampledFrom([]Request{RequestLocation, RequestContact, RequestCall}).Draw(rt, "for"),
				Text: draw("text", 1030),
			}
		case "products":
			c := ProductListContent{Frame: frame, CatalogID: "1"}
			for range count("sections", 0, 11) {
				c.Sections = append(c.Sections, ProductSection{
					Title:       draw("section", 30),
					RetailerIDs: slices.Repeat([]string{"a"}, count("products", 0, 6)),
				})
			}

			content = c
		default:
			c := CarouselContent{Text: frame.Text}

			buttons := count("buttons", 0, 4)
			for range count("cards", 1, 11) {
				card := Card{
					Media:   picture,
					Text:    draw("card", 170),
					Buttons: many("title", buttons),
				}
				if buttons == 0 {
					card.Link = &CardLink{Label: some("label", 30), URL: "https://a.example"}
				}

				c.Cards = append(c.Cards, card)
			}

			content = c
		}

		encoded, err := Encode(reply, content)
		if err != nil {
			return
		}

		if _, err := client.Send(t.Context(), "42", encoded.Body); err != nil {
			rt.Fatalf("an encoded message is refused: %v\n%s", err, encoded.Body)
		}

		accepted[kind] = true
	})

	if len(accepted) < 4 {
		t.Errorf("only %v could be encoded", accepted)
	}
}
