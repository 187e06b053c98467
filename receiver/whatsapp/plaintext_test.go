// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestPlainText reads the deliveries of testdata.
func TestPlainText(t *testing.T) {
	for name, want := range map[string]string{
		"message.text":                              "Hola, ¿tienen la chaqueta en azul? 💙",
		"message.text.reply":                        "Sí, esa",
		"message.image":                             "[photo]",
		"message.image.caption":                     "[photo] ¿Cuánto cuesta?", //nolint:misspell // Spanish
		"message.video.caption":                     "[video] Así suena",
		"message.audio":                             "[audio]",
		"message.audio.voice":                       "[voice message]",
		"message.document":                          "[document: factura.pdf]",
		"message.document.caption":                  "[document: contrato ñ.pdf] Firmado",
		"message.sticker":                           "[sticker]",
		"message.location":                          "4.711,-74.0721",
		"message.location.place":                    "-34.6037,-58.3816 Obelisco, Av. 9 de Julio",
		"message.contacts":                          "[contact] Luis Prueba +57 300 5550102",
		"message.contacts.no_type":                  "[contact] Luis",
		"message.contacts.request":                  "[contact] +573005550101",
		"message.contacts.vcard":                    "[contact]",
		"message.interactive.button_reply":          "Confirmar",
		"message.interactive.list_reply":            "Envío exprés (Llega mañana)",
		"message.interactive.nfm_reply":             `[form: flow] {"flow_token":"token-1","fecha":"2026-12-01","personas":4}`,
		"message.interactive.nfm_reply.address":     `[form: address_message] {"saved_address_id":"a-1","values":{"city":"Bogotá"}}`,
		"message.interactive.product":               "[interactive]",
		"message.button":                            "No pedí un código",
		"message.order":                             "[order] 2 x sku-1 at 30.5 COP, 1 x sku-2 at 25 COP. ¡Me encantan!",
		"message.order.no_text":                     "[order] 1 x sku-1 at 30 COP",
		"message.reaction":                          "👍🏽",
		"message.reaction.removed":                  "[removed a reaction]",
		"message.reaction.removed.empty":            "[removed a reaction]",
		"message.edit.text":                         "Quise decir el rojo",
		"message.edit.image":                        "Nuevo pie",
		"message.revoke":                            "[deleted a message]",
		"message.request_welcome":                   "[opened the chat]",
		"message.ephemeral":                         "[ephemeral]",
		"message.unknown.131051":                    "[a message that WhatsApp could not deliver]",
		"message.system.user_changed_number":        "[system]",
		"odd.image_is_a_list":                       "[photo]",
		"odd.interactive_response_is_an_object":     `[form: flow] {"fecha":"2026-12-01"}`,
		"odd.location_not_a_number":                 "[location]",
		"odd.text_missing":                          "[message]",
		"odd.numbers_for_text":                      "12345",
		"odd.edit_without_message":                  "[edit]",
		"odd.contacts_is_an_object":                 "[contact]",
		"message.interactive.call_permission_reply": `[form: call_permission_reply] {"response":"accept","is_permanent":false,"expiration_timestamp":"1796035200","response_source":"user_action"}`,
		"message.interactive.nfm_reply.not_json":    `[form: flow] "{\"half\":"`,
	} {
		if got := storedMessage(t, name).PlainText(); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// storedMessage returns the only message of a delivery of testdata.
func storedMessage(t *testing.T, name string) Message {
	t.Helper()

	body, err := os.ReadFile(filepath.Join("testdata", "deliveries", name+".json"))
	if err != nil {
		t.Fatal(err)
	}

	items, err := Split(body)
	if err != nil || len(items) != 1 {
		t.Fatalf("%s has %d items: %v", name, len(items), err)
	}

	m, err := items[0].Message()
	if err != nil {
		t.Fatal(err)
	}

	return m
}

func TestPlainTextOfMessagesThatTestdataLacks(t *testing.T) {
	for body, want := range map[string]string{
		`{"type":"text","text":{"body":" \n "}}`:                                                       "[message]",
		`{"type":"a [strange] type","x":{}}`:                                                           "[message]",
		`{"type":"image","image":{"caption":"me"},"errors":[{"code":131052}]}`:                         "[a photo that WhatsApp could not deliver]",
		`{"type":"document","document":{"filename":"a]\n[photo] .pdf","caption":"[photo]"}}`:           "[document: a photo  .pdf] [photo]",
		`{"type":"interactive","interactive":{"list_reply":{"id":"a","description":"b"}}}`:             "b",
		`{"type":"interactive","interactive":{"button_reply":{"id":"a"}}}`:                             "a",
		`{"type":"contacts","contacts":[{"name":{"first_name":"Ana","last_name":"P"}},"x",{}]}`:        "[contact] Ana P",
		`{"type":"contacts","contacts":[{"name":{"formatted_name":"A"}},{"phones":[{"wa_id":"57"}]}]}`: "[contact] A; 57",
		`{"type":"order","order":{"product_items":["x",{"quantity":1},{"product_retailer_id":"a"}]}}`:  "[order] a",
		`{"type":"location","location":{"latitude":1,"longitude":2,"address":"Calle 1"}}`:              "1,2 Calle 1",
	} {
		m, err := ParseMessage(raw(body))
		if err != nil {
			t.Fatal(err)
		}

		if got := m.PlainText(); got != want {
			t.Errorf("%s is %q, want %q", body, got, want)
		}
	}
}

func TestPlainTextIsBounded(t *testing.T) {
	long, _ := json.Marshal(strings.Repeat("ñ", 100_000)) // a string always encodes
	cards := strings.Repeat(`{"name":{"formatted_name":"A"}},`, 500) + "{}"

	for _, c := range []struct {
		body string
		want int // bytes
	}{
		{fmt.Sprintf(`{"type":"text","text":{"body":%s}}`, long), maxPlainText},
		{fmt.Sprintf(`{"type":"image","image":{"caption":%s}}`, long), maxPlainText},
		{fmt.Sprintf(`{"type":"document","document":{"filename":%s}}`, long), maxPlainName + 20},
		{fmt.Sprintf(`{"type":"interactive","interactive":{"nfm_reply":{"response_json":%s}}}`, long), maxPlainForm + 20},
		{fmt.Sprintf(`{"type":"contacts","contacts":[{"name":{"formatted_name":%s}}]}`, long), maxPlainName + 20},
		{fmt.Sprintf(`{"type":"contacts","contacts":[%s]}`, cards), 20 + 3*maxPlainParts},
	} {
		m, err := ParseMessage(raw(c.body))
		if err != nil {
			t.Fatal(err)
		}

		got := m.PlainText()
		if len(got) > c.want || len(got) < c.want/2 || !utf8.ValidString(got) {
			t.Errorf("the plain text of %.40s has %d bytes, want at most %d", c.body, len(got), c.want)
		}
	}
}

func FuzzPlainText(f *testing.F) {
	f.Add([]byte(`{"type":"text","text":{"body":"hola"}}`))
	f.Add([]byte(`{"type":"order","order":{"product_items":[{"product_retailer_id":1}]}}`))
	f.Add([]byte(`{"type":"contacts","contacts":[{"name":{"formatted_name":"A"},"phones":[{"phone":1}]}]}`))
	f.Add([]byte(`{"type":"interactive","interactive":{"nfm_reply":{"response_json":"{}"}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := ParseMessage(body)
		if err != nil {
			return
		}

		if text := m.PlainText(); text == "" || len(text) > maxPlainText {
			t.Errorf("the plain text has %d bytes", len(text))
		}
	})
}
