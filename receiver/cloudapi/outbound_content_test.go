// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

import (
	"encoding/json"
	"math"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jonboulle/clockwork"
	"pgregory.net/rapid"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

var reply = Reply{
	To:        Recipient{WaID: "573001234567"},
	ContextID: "wamid.1",
	Callback:  "e:0",
}

func buttons(titles ...string) []ReplyButton {
	all := make([]ReplyButton, len(titles))
	for i, title := range titles {
		all[i] = ReplyButton{ID: string(rune('a' + i)), Title: title}
	}

	return all
}

func rows(titles ...string) []ListRow {
	all := make([]ListRow, len(titles))
	for i, title := range titles {
		all[i] = ListRow{ID: string(rune('a' + i)), Title: title}
	}

	return all
}

func TestEncode(t *testing.T) {
	for name, tc := range map[string]struct {
		content Content
		typ     string
		object  string // the value of the property named like the type
		cut     int
	}{
		"text": {TextContent{Text: "hi", PreviewURL: true}, "text", `{"preview_url":true,"body":"hi"}`, 0},
		"buttons": {
			ButtonsContent{
				Frame: Frame{
					Text:   "Which?",
					Header: "Colours",
					Footer: "Take one",
				},
				Buttons: buttons("Red", "Blue"),
			},
			"interactive",
			`{"type":"button","header":{"type":"text","text":"Colours"},"body":{"text":"Which?"},"footer":{"text":"Take one"},"action":{"buttons":[{"type":"reply","reply":{"id":"a","title":"Red"}},{"type":"reply","reply":{"id":"b","title":"Blue"}}]}}`, 0,
		},
		"buttons, titles of 21 characters are cut": {
			ButtonsContent{Frame: Frame{Text: "¿?"}, Buttons: buttons(strings.Repeat("ñ", 20), strings.Repeat("é", 21))},
			"interactive",
			`{"type":"button","body":{"text":"¿?"},"action":{"buttons":[{"type":"reply","reply":{"id":"a","title":"` + strings.Repeat("ñ", 20) + `"}},{"type":"reply","reply":{"id":"b","title":"` + strings.Repeat("é", 20) + `"}}]}}`, 1,
		},
		"four buttons become a list": {
			ButtonsContent{
				Frame: Frame{
					Text:   "?",
					Header: "H",
					Footer: "F",
				},
				ListLabel: "Ver",
				Buttons:   buttons("A", "B", "C", "D"),
			},
			"interactive",
			`{"type":"list","header":{"type":"text","text":"H"},"body":{"text":"?"},"footer":{"text":"F"},"action":{"button":"Ver","sections":[{"rows":[{"id":"a","title":"A"},{"id":"b","title":"B"},{"id":"c","title":"C"},{"id":"d","title":"D"}]}]}}`, 0,
		},
		"buttons whose cut titles are equal become a list": {
			ButtonsContent{Frame: Frame{Text: "?"}, Buttons: buttons("Talk to an advisor (sales)", "Talk to an advisor (service)")},
			"interactive",
			`{"type":"list","body":{"text":"?"},"action":{"button":"Menu","sections":[{"rows":[{"id":"a","title":"Talk to an advisor (sale","description":"Talk to an advisor (sales)"},{"id":"b","title":"Talk to an advisor (serv","description":"Talk to an advisor (service)"}]}]}}`, 2,
		},
		"a list": {
			ListContent{
				Frame: Frame{Text: "?"},
				Label: "A label of 21 letters",
				Sections: []ListSection{
					{Title: "One", Rows: []ListRow{{ID: "a", Title: "A", Description: strings.Repeat("d", 73)}}},
					{Title: "without rows"},
					{Title: strings.Repeat("s", 25), Rows: []ListRow{{
						ID:          "b",
						Title:       strings.Repeat("t", 25),
						Description: "said already",
					}}},
				},
			},
			"interactive",
			`{"type":"list","body":{"text":"?"},"action":{"button":"A label of 21 letter","sections":[{"title":"One","rows":[{"id":"a","title":"A","description":"` + strings.Repeat("d", 72) + `"}]},{"title":"` + strings.Repeat("s", 24) + `","rows":[{"id":"b","title":"` + strings.Repeat("t", 24) + `","description":"said already"}]}]}}`, 4,
		},
		"image by link": {MediaContent{
			Type:     "image",
			Link:     "https://a.example/b.jpg?c=d&e=f",
			Caption:  "Look",
			Filename: "b.jpg",
			Voice:    true,
		}, "image", `{"link":"https://a.example/b.jpg?c=d\u0026e=f","caption":"Look"}`, 0},
		"video by id": {MediaContent{Type: "video", ID: "7"}, "video", `{"id":"7"}`, 0},
		"a voice message": {MediaContent{
			Type:  "audio",
			ID:    "7",
			Voice: true,
		}, "audio", `{"id":"7","voice":true}`, 0},
		"document": {MediaContent{
			Type:     "document",
			ID:       "7",
			Caption:  "Look",
			Filename: "b.pdf",
		}, "document", `{"id":"7","caption":"Look","filename":"b.pdf"}`, 0},
		"sticker":  {MediaContent{Type: "sticker", ID: "7"}, "sticker", `{"id":"7"}`, 0},
		"template": {TemplateContent{Name: "hello", Language: "es"}, "template", `{"name":"hello","language":{"code":"es"}}`, 0},
		"template, no components": {TemplateContent{
			Name:       "hello",
			Language:   "es",
			Components: json.RawMessage(`null`),
		}, "template", `{"name":"hello","language":{"code":"es"}}`, 0},
		"template with parameters": {
			TemplateContent{
				Name:       "hello",
				Language:   "es",
				Components: json.RawMessage(`[ {"type":"body","parameters":[{"type":"text","text":"Ana"}]} ]`),
			},
			"template",
			`{"name":"hello","language":{"code":"es"},"components":[{"type":"body","parameters":[{"type":"text","text":"Ana"}]}]}`, 0,
		},
		"location": {LocationContent{
			Latitude:  4.5,
			Longitude: -74,
			Name:      "Here",
			Address:   "There",
		}, "location", `{"latitude":4.5,"longitude":-74,"name":"Here","address":"There"}`, 0},
		"location at 0":    {LocationContent{}, "location", `{"latitude":0,"longitude":0}`, 0},
		"reaction":         {ReactionContent{MessageID: "wamid.2", Emoji: "👍"}, "reaction", `{"message_id":"wamid.2","emoji":"👍"}`, 0},
		"reaction removed": {ReactionContent{MessageID: "wamid.2"}, "reaction", `{"message_id":"wamid.2","emoji":""}`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Encode(reply, tc.content)
			if err != nil {
				t.Fatal(err)
			}

			context := `,"context":{"message_id":"wamid.1"}`
			if tc.typ == "reaction" {
				context = ""
			}

			want := `{"messaging_product":"whatsapp","recipient_type":"individual","to":"+573001234567","type":"` + tc.typ + `","` + tc.typ + `":` + tc.object + context + `,"biz_opaque_callback_data":"e:0"}`
			if diff := cmp.Diff(Encoded{
				Type: tc.typ,
				Body: []byte(want),
				Cut:  tc.cut,
			}, got); diff != "" {
				t.Errorf("Encode() (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEncodeRefuses(t *testing.T) {
	const secret = "573005550101"

	long := func(n int) string { return secret + strings.Repeat("x", n-len(secret)) }
	for name, tc := range map[string]struct {
		content Content
		want    string
	}{
		"no text":                {TextContent{Text: " \n"}, "is empty"},
		"text too long":          {TextContent{Text: long(4097)}, "has 4097 characters, at most 4096 are allowed: split it"},
		"no buttons":             {ButtonsContent{Frame: Frame{Text: secret}}, "no buttons"},
		"no text above buttons":  {ButtonsContent{Buttons: buttons(secret)}, "the text above the buttons is empty"},
		"button without a title": {ButtonsContent{Frame: Frame{Text: secret}, Buttons: buttons("A", " ")}, "button 2 has no title"},
		"button without an id":   {ButtonsContent{Frame: Frame{Text: secret}, Buttons: []ReplyButton{{Title: secret}}}, "button 1 has an id that is empty"},
		"button id too long":     {ButtonsContent{Frame: Frame{Text: secret}, Buttons: []ReplyButton{{ID: long(257), Title: secret}}}, "has an id of 257 characters, at most 256"},
		"duplicate id":           {ButtonsContent{Frame: Frame{Text: secret}, Buttons: []ReplyButton{{ID: secret, Title: "A"}, {ID: "b", Title: "B"}, {ID: secret, Title: "C"}}}, "buttons 1 and 3 have the same id"},
		"eleven buttons":         {ButtonsContent{Frame: Frame{Text: secret}, Buttons: buttons(strings.Split(strings.Repeat(secret+" ", 11), " ")[:11]...)}, "has 11 rows: give it 1 to 10"},
		"eleven rows": {ListContent{
			Frame:    Frame{Text: secret},
			Label:    "A",
			Sections: []ListSection{{Rows: rows("1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11")}},
		}, "has 11 rows: give it 1 to 10"},
		"no rows": {ListContent{
			Frame:    Frame{Text: secret},
			Label:    "A",
			Sections: []ListSection{{Title: secret}},
		}, "has 0 rows"},
		"row id too long": {ListContent{
			Frame:    Frame{Text: secret},
			Label:    "A",
			Sections: []ListSection{{Rows: []ListRow{{ID: long(201), Title: "1"}}}},
		}, "row 1 has an id of 201 characters"},
		"section untitled": {ListContent{
			Frame:    Frame{Text: secret},
			Label:    "A",
			Sections: []ListSection{{Title: "1", Rows: rows("1")}, {Rows: []ListRow{{ID: "z", Title: "2"}}}},
		}, "section 2 of the list has no title"},
		"list text too long": {ListContent{
			Frame:    Frame{Text: long(4097)},
			Label:    "A",
			Sections: []ListSection{{Rows: rows("1")}},
		}, "has 4097 characters"},
		"media of unknown type": {MediaContent{Type: secret, ID: "7"}, "no known type"},
		"media without source":  {MediaContent{Type: "image"}, "the image needs either a media id or a link"},
		"media with id and link": {MediaContent{
			Type: "image",
			ID:   secret,
			Link: "https://a.example",
		}, "and not both"},
		"media link": {MediaContent{Type: "image", Link: "file:///" + secret}, "not an absolute http or https URL"},
		"caption too long": {MediaContent{
			Type:    "image",
			ID:      "7",
			Caption: long(1025),
		}, "has 1025 characters, at most 1024"},
		"audio with a caption": {MediaContent{
			Type:    "audio",
			ID:      "7",
			Caption: secret,
		}, "the audio cannot have a caption"},
		"template unnamed": {TemplateContent{Language: secret}, "needs a name and a language"},
		"template components": {TemplateContent{
			Name:       "n",
			Language:   "es",
			Components: json.RawMessage(`{"` + secret + `":1}`),
		}, "not a JSON array"},
		"latitude out of range": {LocationContent{Latitude: 573005550101}, "not on earth"},
		"not a number":          {LocationContent{Longitude: math.NaN()}, "not on earth"},
		"reaction to nothing":   {ReactionContent{Emoji: secret}, "needs the id of the message"},
	} {
		_, err := Encode(reply, tc.content)

		f := failure.Of(err)
		if err == nil || f.Class != failure.Permanent || f.Code != "bad_content" || !strings.Contains(f.Text, tc.want) {
			t.Errorf("%s: Encode() error = %v, want a permanent failure with %q", name, err, tc.want)
		}

		if strings.Contains(f.Error(), secret) {
			t.Errorf("%s: the error repeats the content: %v", name, err)
		}
	}

	if _, err := Encode(Reply{}, TextContent{Text: "hi"}); err == nil || !strings.Contains(err.Error(), "no recipient") {
		t.Errorf("Encode() without a recipient: error = %v", err)
	}
}

// TestALongTitleOfARowIsItsDescription has titles that are too long to be shown, also by their emoji alone.
func TestALongTitleOfARowIsItsDescription(t *testing.T) {
	for title, want := range map[string]rowObject{
		"🍰 Tarta de manzana 🍎🍎":     {ID: "1", Title: "🍰 Tarta de manzana 🍎🍎"},
		"🍰 Tarta de manzana 🍎🍎🍎":    {ID: "1", Title: "🍰 Tarta de manzana 🍎🍎", Description: "🍰 Tarta de manzana 🍎🍎🍎"},
		"Tarta de manzana con nata": {ID: "1", Title: "Tarta de manzana con nat", Description: "Tarta de manzana con nata"},
	} {
		var cut truncator
		if diff := cmp.Diff(want, ListRow{ID: "1", Title: title}.encode(&cut)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", title, diff)
		}
	}
}

// TestEncodedMessagesAreAccepted sends random messages to the stand-in for Graph, which enforces Meta's limits.
func TestEncodedMessagesAreAccepted(t *testing.T) {
	graph := standin.NewGraph(standin.GraphOptions{AccessTokens: []string{"token"}})
	server := httptest.NewServer(graph)

	client := NewClient(config.Fixed(config.Config{CloudAPI: config.CloudAPI{BaseURL: server.URL}}, config.Secrets{AccessToken: "token"}), 1, clockwork.NewRealClock())
	defer func() { client.Close(); graph.Close(); server.Close() }()

	accepted := 0
	rapid.Check(t, func(rt *rapid.T) {
		text := func(label string, most int) string {
			return rapid.StringOfN(rapid.RuneFrom([]rune("añ漢😀 ")), 0, most, -1).Draw(rt, label)
		}
		some := func(label string, most int) string { return "x" + text(label, most) }
		n := rapid.IntRange(0, 12).Draw(rt, "choices")
		choice := func(label string, i int) ReplyButton {
			return ReplyButton{ID: strconv.Itoa(i) + strings.Repeat("i", rapid.IntRange(0, 220).Draw(rt, label+" id")), Title: some(label+" title", 80)}
		}

		var content Content
		switch rapid.SampledFrom([]string{"buttons", "list", "media", "text"}).Draw(rt, "content") {
		case "buttons":
			c := ButtonsContent{
				Frame: Frame{
					Text:   some("text", 1100),
					Header: text("header", 70),
					Footer: text("footer", 70),
				},
				ListLabel: text("label", 30),
			}
			for i := range n {
				c.Buttons = append(c.Buttons, choice("button", i))
			}

			content = c
		case "list":
			c := ListContent{
				Frame: Frame{
					Text:   some("text", 4200),
					Header: text("header", 70),
					Footer: text("footer", 70),
				},
				Label: text("label", 30),
			}
			for i := range n {
				b := choice("row", i)

				if len(c.Sections) == 0 || rapid.Bool().Draw(rt, "new section") {
					c.Sections = append(c.Sections, ListSection{Title: some("section", 30)})
				}

				last := &c.Sections[len(c.Sections)-1]
				last.Rows = append(last.Rows, ListRow{
					ID:          b.ID,
					Title:       b.Title,
					Description: text("description", 90),
				})
			}

			content = c
		case "media":
			content = MediaContent{
				Type:    rapid.SampledFrom([]string{"image", "audio", "document", "gif"}).Draw(rt, "type"),
				ID:      text("id", 3),
				Caption: text("caption", 1100),
			}
		default:
			content = TextContent{Text: text("text", 4200)}
		}

		encoded, err := Encode(reply, content)
		if err != nil {
			return
		}

		if !slices.Contains([]string{"text", "interactive", "image", "audio", "document"}, encoded.Type) || !json.Valid(encoded.Body) {
			rt.Fatalf("Encode() = %s, %q", encoded.Type, encoded.Body)
		}

		if _, err := client.Send(t.Context(), "42", encoded.Body); err != nil {
			rt.Fatalf("an encoded message is refused: %v", err)
		}

		accepted++
	})

	if accepted == 0 {
		t.Error("no random message could be encoded")
	}
}

func TestButtonsInAListKeepTheirDescriptions(t *testing.T) {
	four := buttons("A", "B", "C", "D")
	four[3].Description = "the last"

	encoded, err := Encode(Reply{To: Recipient{WaID: "1"}}, ButtonsContent{Frame: Frame{Text: "?"}, Buttons: four})
	if err != nil {
		t.Fatal(err)
	}

	if want := `{"id":"d","title":"D","description":"the last"}`; !strings.Contains(string(encoded.Body), want) {
		t.Errorf("Encode() = %s, want %s", encoded.Body, want)
	}
}
