// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

import (
	"encoding/json"
	"testing"
)

// TestPlainText encodes a send of each kind, and reads it as the memory of a conversation does.
func TestPlainText(t *testing.T) {
	card := json.RawMessage(`{"name":{"formatted_name":"Tienda"},"phones":[{"phone":"+57 300 1"}]}`)

	for name, c := range map[string]struct {
		content Content
		want    string
	}{
		"text":    {TextContent{Text: "hola"}, "hola"},
		"image":   {MediaContent{Type: "image", ID: "1", Caption: "azul"}, "[photo] azul"},
		"video":   {MediaContent{Type: "video", ID: "1"}, "[video]"},
		"audio":   {MediaContent{Type: "audio", ID: "1", Voice: true}, "[audio]"},
		"sticker": {MediaContent{Type: "sticker", ID: "1"}, "[sticker]"},
		"document": {MediaContent{
			Type:     "document",
			ID:       "1",
			Caption:  "su factura",
			Filename: "f.pdf",
		}, "[document] su factura"},
		"buttons": {
			ButtonsContent{Frame: Frame{Header: "Tallas", Text: "¿Cuál?", Footer: "Gracias"}, Buttons: buttons("S", "M")},
			"Tallas\n¿Cuál?\nGracias\n[options: S | M]",
		},
		"list": {
			ListContent{Frame: Frame{Text: "¿Cuál?"}, Sections: []ListSection{
				{Title: "A", Rows: rows("S", "M")},
				{Title: "B", Rows: []ListRow{{ID: "x", Title: "L"}}},
			}},
			"¿Cuál?\n[options: S | M | L]",
		},
		"link": {
			LinkContent{Frame: Frame{Text: "Vea"}, Label: "Abrir", URL: "https://example.com/a"},
			"Vea\nhttps://example.com/a",
		},
		"location request": {RequestContent{For: RequestLocation, Text: "¿Dónde?"}, "¿Dónde?\n[asked for the location]"},
		"carousel": {
			CarouselContent{Text: "Mire", Cards: []Card{
				{Media: &MediaContent{Type: "image", ID: "1"}, Text: "uno", Link: &CardLink{Label: "Ver", URL: "https://example.com/1"}},
				{Media: &MediaContent{Type: "image", ID: "2"}, Text: "dos", Link: &CardLink{Label: "Ver", URL: "https://example.com/2"}},
			}},
			"Mire\n- uno\n- dos",
		},
		"template": {TemplateContent{Name: "pedido", Language: "es"}, "[template pedido]"},
		"location": {LocationContent{Latitude: 4.5, Longitude: -74, Name: "Tienda"}, "4.5,-74 Tienda"},
		"contacts": {ContactsContent{Contacts: []json.RawMessage{card}}, "[contact] Tienda +57 300 1"},
		"reaction": {ReactionContent{MessageID: "wamid.1", Emoji: "👍"}, "👍"},
	} {
		encoded, err := Encode(reply, c.content)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}

		if got := PlainText(encoded.Body); got != c.want {
			t.Errorf("%s is %q, want %q", name, got, c.want)
		}
	}

	for _, body := range []string{"", "null", "[]", `{"text":"x"}`, `{"type":"text"}`} {
		if got := PlainText([]byte(body)); got != "" {
			t.Errorf("%s is %q, want nothing", body, got)
		}
	}
}

func FuzzPlainText(f *testing.F) {
	f.Add([]byte(`{"interactive":{"body":{"text":"a"},"action":{"parameters":{"url":"b"},"buttons":[{}],"sections":[{}]}}}`))
	f.Add([]byte(`{"contacts":[{"name":{}}]}`))
	f.Fuzz(func(_ *testing.T, body []byte) { PlainText(body) })
}
