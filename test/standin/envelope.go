// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	// DeliveryBusinessAccountID is the WhatsApp business account in every envelope of this package.
	DeliveryBusinessAccountID = "102290129340398"
	// DeliveryDisplayPhoneNumber is the business phone number in every envelope of this package.
	DeliveryDisplayPhoneNumber = "15550783881"
)

// A wamid is the base64 of a small binary record: the peer's number, a direction and the key of the message.
const (
	wamidInbound  = 0x12
	wamidOutbound = 0x11
)

// Wamid returns the id of an inbound message in Meta's format. The same seed gives the same id. Like every real id it
// contains a phone number, which is derived from the seed.
func Wamid(seed string) string {
	sum := sha256.Sum256([]byte(seed))
	return wamid("1555"+digitsOf(sum[16:], 7), wamidInbound, seed)
}

func wamid(peer string, direction byte, seed string) string {
	peerLength := min(len(peer), 64)
	sum := sha256.Sum256([]byte(seed))

	record := append([]byte{0x1c, 0x18, byte(peerLength)}, peer[:peerLength]...)
	record = append(record, 0x15, 0x02, 0x00, direction, 0x18, 0x14)
	record = append(record, strings.ToUpper(hex.EncodeToString(sum[:10]))...)
	record = append(record, 0x00)

	return "wamid." + base64.StdEncoding.EncodeToString(record)
}

// digitsOf maps the first n bytes to n decimal digits; the first digit is not 0.
func digitsOf(random []byte, n int) string {
	digits := make([]byte, n)
	for i := range digits {
		digits[i] = '0' + random[i]%10
	}

	digits[0] = '1' + random[0]%9

	return string(digits)
}

type envelope struct {
	Object string  `json:"object"`
	Entry  []entry `json:"entry"`
}

type entry struct {
	ID      string   `json:"id"`
	Changes []change `json:"changes"`
}

type change struct {
	Value any    `json:"value"`
	Field string `json:"field"`
}

type messagesValue struct {
	MessagingProduct string           `json:"messaging_product"`
	Metadata         metadata         `json:"metadata"`
	Contacts         []contact        `json:"contacts,omitempty"`
	Messages         []map[string]any `json:"messages,omitempty"`
	Statuses         []map[string]any `json:"statuses,omitempty"`
}

type metadata struct {
	DisplayPhoneNumber string `json:"display_phone_number"`
	PhoneNumberID      string `json:"phone_number_id"`
}

type contact struct {
	Profile *profile `json:"profile,omitempty"`
	WaID    string   `json:"wa_id,omitempty"`
	UserID  string   `json:"user_id,omitempty"`
}

type profile struct {
	Name string `json:"name"`
}

// TextDelivery returns the delivery of one text message. If waID is a business-scoped user id, such as
// US.13491208655302741918, it is written to from_user_id and user_id instead of from and wa_id.
func TextDelivery(phoneNumberID, waID, name, messageID, text string, at time.Time) []byte {
	return MessageDelivery(phoneNumberID, waID, name, messageID, "text", map[string]string{"body": text}, at)
}

// MessageDelivery returns the delivery of one message of any type. The object is the value under the name of the type;
// nil means none.
func MessageDelivery(
	phoneNumberID, waID, name, messageID, messageType string,
	object any,
	at time.Time,
) []byte {
	return PersonMessage{
		PhoneNumberID: phoneNumberID,
		WaID:          waID,
		Name:          name,
		ID:            messageID,
		Type:          messageType,
		Object:        object,
		At:            at,
	}.Delivery()
}

func unixSeconds(at time.Time) string { return strconv.FormatInt(at.Unix(), 10) }

func seal(phoneNumberID string, value messagesValue) []byte {
	value.MessagingProduct = "whatsapp"
	value.Metadata = metadata{DeliveryDisplayPhoneNumber, phoneNumberID}

	return sealField("messages", value)
}

// sealField returns a delivery of one change of a field.
func sealField(field string, value any) []byte {
	raw, err := json.Marshal(envelope{
		Object: whatsAppObject,
		Entry: []entry{{
			ID:      DeliveryBusinessAccountID,
			Changes: []change{{Value: value, Field: field}},
		}},
	})
	if err != nil {
		// Only an object of the caller that cannot be encoded gets here. The receiver then reports invalid JSON.
		return fmt.Append(nil, "building the envelope: ", err)
	}

	return Escape(raw)
}

// Escape writes JSON in ASCII and with \/, as Meta does: a receiver that does not sign the raw bytes fails to verify it.
func Escape(raw []byte) []byte {
	escaped := bytes.NewBuffer(make([]byte, 0, len(raw)+len(raw)/8))
	for len(raw) > 0 {
		r, size := utf8.DecodeRune(raw)
		switch {
		case r == '/':
			escaped.WriteString(`\/`)
		case r < utf8.RuneSelf:
			escaped.WriteRune(r)
		default:
			for _, unit := range utf16.Encode([]rune{r}) {
				fmt.Fprintf(escaped, `\u%04x`, unit)
			}
		}

		raw = raw[size:]
	}

	return escaped.Bytes()
}
