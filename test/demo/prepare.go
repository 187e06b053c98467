// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// delivery is the content of a file, fit for a receiver between stand-ins.
type delivery struct {
	body  []byte
	at    time.Time // of the newest timestamp in the body, else now
	media map[string]medium
}

type medium struct {
	mime    string
	content []byte
}

// placeholder matches texts that stand for a number in samples, such as <WHATSAPP_USER_ID>, [PHONE_NUMBER] or
// PHONE_NUMBER_ID.
var placeholder = regexp.MustCompile(`^(<[^<>]+>|\[[^\[\]]+\]|\{\{?[^{}]+\}?\}|[A-Z][A-Z0-9]*([_ -][A-Z0-9]+)+)$`)

// phoneKeys are the fields with a phone number or the id of one, userKeys those with a business-scoped user id, mediaKeys
// those with a medium.
var (
	phoneKeys = regexp.MustCompile(`^(from|to|wa_id|new_wa_id|recipient_id|recipient_participant_id|` +
		`participant_recipient_id|phone_number|phone_number_id|display_phone_number)$`)
	userKeys  = regexp.MustCompile(`(^|_)user_id$`)
	mediaKeys = regexp.MustCompile(`^(image|audio|video|document|sticker)$`)
)

// prepare gives a delivery what it needs beside its own fields: numbers in the place of placeholders, and files for its
// media, whose checksums replace those of the sample. Everything else stays as it is, to the byte.
func prepare(raw []byte, now time.Time) delivery {
	d := delivery{body: raw, media: map[string]medium{}}

	var content any

	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()

	if decoder.Decode(&content) != nil {
		d.at = now
		return d
	}

	visit(content, func(object map[string]any) {
		for key, value := range object {
			if key == "timestamp" {
				d.date(fmt.Sprint(value), now)
			}

			if text, ok := value.(string); ok && placeholder.MatchString(text) {
				d.fill(key, text, object["recipient_type"] == "group")
			}

			if described, ok := value.(map[string]any); ok && mediaKeys.MatchString(key) {
				d.host(described)
			}
		}
	})

	if d.at.IsZero() {
		d.at = now
	} else {
		d.at = d.at.Add(time.Second)
	}

	return d
}

// date moves the time of the delivery to a timestamp, if that is later and not in the future.
func (d *delivery) date(timestamp string, now time.Time) {
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return
	}

	// WhatsApp's API is not older than 2018. An odd timestamp is no time to run a receiver at.
	if at := time.Unix(seconds, 0); at.After(d.at) && at.Before(now) && at.Year() >= 2018 {
		d.at = at
	}
}

// fill replaces a placeholder by a number, the same one wherever it stands.
func (d *delivery) fill(key, text string, group bool) {
	sum := sha256.Sum256([]byte(text))
	digits := fmt.Sprintf("%07d", (int(sum[0])<<16|int(sum[1])<<8|int(sum[2]))%10_000_000)

	switch {
	case key == "recipient_id" && group:
	case phoneKeys.MatchString(key):
		d.replace(text, "1555"+digits)
	case userKeys.MatchString(key):
		d.replace(text, "US.1555"+digits)
	}
}

// host gives a media object content of its own.
func (d *delivery) host(object map[string]any) {
	if object["id"] == nil {
		return
	}

	id := fmt.Sprint(object["id"])
	mime, _ := object["mime_type"].(string)
	content := []byte("content of " + id)
	d.media[id] = medium{mime: mime, content: content}

	if claimed, ok := object["sha256"].(string); ok && claimed != "" {
		sum := sha256.Sum256(content)
		d.replace(claimed, base64.StdEncoding.EncodeToString(sum[:]))
	}
}

// replace replaces a JSON string in the body.
func (d *delivery) replace(old, replacement string) {
	quoted, err := json.Marshal(old)
	if err != nil {
		return
	}

	for _, spelling := range [][]byte{[]byte(`"` + old + `"`), quoted, []byte(strings.ReplaceAll(string(quoted), "/", `\/`))} {
		d.body = bytes.ReplaceAll(d.body, spelling, []byte(`"`+replacement+`"`))
	}
}

// visit calls see with each object of a JSON value.
func visit(value any, see func(map[string]any)) {
	switch value := value.(type) {
	case map[string]any:
		see(value)

		for _, child := range value {
			visit(child, see)
		}
	case []any:
		for _, child := range value {
			visit(child, see)
		}
	}
}
