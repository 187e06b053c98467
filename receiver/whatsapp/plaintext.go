// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The limits of a plain text, in bytes. A longer text ends with "…".
const (
	maxPlainText = 64 << 10
	maxPlainForm = 2000 // the answer to a form
	maxPlainName = 200  // a file name, or a property of a card or an order
)

// maxPlainParts is how many cards, or positions of an order, a plain text lists.
const maxPlainParts = 20

// fileWords are the words for files, by message type.
var fileWords = map[Text]string{
	"image":    "photo",
	"video":    "video",
	"audio":    "audio",
	"document": "document",
	"sticker":  "sticker",
}

// VoiceMessage is the plain text of a voice message.
const VoiceMessage = "[voice message]"

// PlainText returns a message of any type as a text: what the person wrote or chose, and in brackets, in English, what has no
// words, such as "[photo]". It is never empty, and at most 64 KiB long.
func (m Message) PlainText() string {
	if _, isUndelivered := m.Errors(); isUndelivered {
		return "[a " + cmp.Or(fileWords[m.Type], "message") + " that WhatsApp could not deliver]"
	}

	text := strings.TrimSpace(m.plainContent())

	return shortened(cmp.Or(text, m.plainType()), maxPlainText)
}

// plainContent returns the content of a message, or "" if it has none or one of another shape.
func (m Message) plainContent() string {
	switch m.Type {
	case "text":
		return m.TextBody()
	case "location":
		return m.plainLocation()
	case "contacts":
		return m.plainContacts()
	case "interactive":
		return m.plainChoice()
	case "button":
		button, _ := m.Button()

		return string(button.Text)
	case "order":
		return m.plainOrder()
	case "reaction":
		return m.plainReaction()
	case "edit":
		edit, _ := m.Edit()

		return cmp.Or(edit.Text(), edit.Caption())
	case "revoke":
		return "[deleted a message]"
	case "request_welcome":
		return "[opened the chat]"
	default:
		return m.plainFile()
	}
}

var plainTypeForm = regexp.MustCompile(`^[a-z][a-z_]{0,40}$`)

// plainType returns the type of a message that has no words.
func (m Message) plainType() string {
	if m.Type == "text" || !plainTypeForm.MatchString(string(m.Type)) {
		return "[message]"
	}

	return "[" + strings.ReplaceAll(string(m.Type), "_", " ") + "]"
}

func (m Message) plainFile() string {
	word, isFile := fileWords[m.Type]
	if !isFile {
		return ""
	}

	file, _ := m.Media()

	text := brackets(word, string(file.Filename))
	if file.Voice {
		text = VoiceMessage
	}

	return joined(" ", text, string(file.Caption))
}

func (m Message) plainLocation() string {
	place, ok := m.Location()
	if !ok {
		return ""
	}

	return PlainLocation(place.Latitude, place.Longitude, string(place.Name), string(place.Address))
}

// PlainLocation returns a place as a text.
func PlainLocation(latitude, longitude float64, name, address string) string {
	position := strconv.FormatFloat(latitude, 'f', -1, 64) + "," + strconv.FormatFloat(longitude, 'f', -1, 64)
	place := joined(", ", shortened(name, maxPlainName), shortened(address, maxPlainName))

	return joined(" ", position, place)
}

func (m Message) plainContacts() string {
	cards, _ := m.Contacts()

	return PlainContacts(cards)
}

// PlainContacts returns address cards in Meta's form as a text: the names with the phone numbers.
func PlainContacts(cards json.RawMessage) string {
	var texts []string

	for _, raw := range readList(cards) {
		var card struct {
			Name   json.RawMessage `json:"name"`
			Phones json.RawMessage `json:"phones"`
		}

		var name struct {
			Formatted Text `json:"formatted_name"`
			First     Text `json:"first_name"`
			Last      Text `json:"last_name"`
		}

		_ = readObject(raw, &card) // an unexpected shape has neither name nor numbers
		_ = readObject(card.Name, &name)

		words := []string{string(cmp.Or(name.Formatted, Text(joined(" ", string(name.First), string(name.Last)))))}

		for _, number := range firstOf(readList(card.Phones)) {
			var phone struct {
				Phone Text `json:"phone"`
				WaID  Text `json:"wa_id"`
			}

			_ = readObject(number, &phone)
			words = append(words, string(cmp.Or(phone.Phone, phone.WaID)))
		}

		for i := range words {
			words[i] = shortened(words[i], maxPlainName)
		}

		if text := joined(" ", words...); text != "" {
			texts = append(texts, text)
		}

		if len(texts) == maxPlainParts {
			break
		}
	}

	return joined(" ", "[contact]", strings.Join(texts, "; "))
}

func (m Message) plainChoice() string {
	choice, _ := m.Interactive()

	switch choice.Kind {
	case ButtonReply, ListReply:
		if choice.Description != "" && choice.Title != "" {
			return fmt.Sprintf("%s (%s)", choice.Title, choice.Description)
		}

		return string(cmp.Or(choice.Title, choice.Description, choice.ID))
	case FlowReply, CallReply:
		var response bytes.Buffer

		_ = json.Compact(&response, choice.ResponseJSON) // it was decoded, or is missing

		return joined(" ", brackets("form", string(choice.Name)), shortened(response.String(), maxPlainForm))
	default:
		return ""
	}
}

func (m Message) plainOrder() string {
	var order struct {
		Text  Text            `json:"text"`
		Items json.RawMessage `json:"product_items"`
	}

	raw, ok := m.Order()
	if !ok || readObject(raw, &order) != nil {
		return ""
	}

	var items []string

	for _, element := range firstOf(readList(order.Items)) {
		var item struct {
			Product  Text `json:"product_retailer_id"`
			Quantity Text `json:"quantity"`
			Price    Text `json:"item_price"`
			Currency Text `json:"currency"`
		}

		_ = readObject(element, &item) // an unexpected shape is left out

		text := joined(" x ", string(item.Quantity), string(item.Product))
		if item.Price != "" {
			text += " at " + joined(" ", string(item.Price), string(item.Currency))
		}

		if item.Product != "" {
			items = append(items, shortened(text, maxPlainName))
		}
	}

	return joined(" ", "[order]", joined(". ", strings.Join(items, ", "), string(order.Text)))
}

func (m Message) plainReaction() string {
	var reaction struct {
		Emoji Text `json:"emoji"`
	}
	if !m.read("reaction", &reaction) {
		return ""
	}

	return cmp.Or(string(reaction.Emoji), "[removed a reaction]")
}

// brackets returns words in brackets, with a name after them if there is one.
func brackets(words, name string) string {
	name = strings.Join(strings.FieldsFunc(name, func(r rune) bool { return r < ' ' || r == '[' || r == ']' }), " ")

	return "[" + joined(": ", words, shortened(name, maxPlainName)) + "]"
}

// joined joins the texts that are not empty.
func joined(separator string, texts ...string) string {
	isEmpty := func(text string) bool { return text == "" }

	return strings.Join(slices.DeleteFunc(slices.Clone(texts), isEmpty), separator)
}

// firstOf returns the first elements of a list, at most maxPlainParts.
func firstOf(list []json.RawMessage) []json.RawMessage { return list[:min(len(list), maxPlainParts)] }

// shortened cuts a text to a number of bytes, between two characters.
func shortened(text string, limit int) string {
	const end = "…"

	if len(text) <= limit {
		return text
	}

	limit -= len(end)
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}

	return text[:limit] + end
}
