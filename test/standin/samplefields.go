// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"crypto/sha256"
	"fmt"
	"regexp"
)

// The fields of Meta's deliveries in which documents and samples have placeholders, such as <WHATSAPP_USER_ID>.
var (
	// PhoneField matches the fields with a phone number.
	PhoneField = Whole(`from|to|wa_id|new_wa_id|recipient_id|recipient_participant_id|participant_recipient_id|phone_number`)
	// UserField matches the fields with a user id.
	UserField = Whole(`(?:\w+_)?user_id`)
	// MediaField matches the fields with the description of a file.
	MediaField = Whole(`image|audio|video|document|sticker`)
	// MediaID matches the id of a file.
	MediaID = Whole(`[A-Za-z0-9_-]+`)
)

// Whole returns the expression that matches a whole text.
func Whole(pattern string) *regexp.Regexp { return regexp.MustCompile(`^(?:` + pattern + `)$`) }

// MadeUp returns seven digits in the place of a placeholder, the same ones for the same text.
func MadeUp(text string) string {
	sum := sha256.Sum256([]byte(text))

	return fmt.Sprintf("%07d", (int(sum[0])<<16|int(sum[1])<<8|int(sum[2]))%10_000_000)
}
