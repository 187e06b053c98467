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

	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
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

// numbers are the fields that name a person or a phone number of the business: what their values look like, and how those
// of samples begin that look otherwise, such as <WHATSAPP_USER_ID>, [PHONE_NUMBER] or PHONE_NUMBER_ID.
var numbers = []struct {
	keys, plausible *regexp.Regexp
	prefix          string
}{
	{standin.PhoneField, standin.Whole(`\+?[0-9](?:[ ()-]*[0-9]){5,14}|\+?[A-Z]{2}\..+`), "1555"},
	{standin.Whole(`phone_number_id`), standin.Whole(`[0-9]+`), "1555"},
	{standin.UserField, standin.Whole(`.*\..*`), "US.1555"},
}

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

	standin.VisitObjects(content, func(object map[string]any) {
		for key, value := range object {
			if key == "timestamp" {
				d.date(fmt.Sprint(value), now)
			}

			group := key == "recipient_id" && (object["recipient_type"] == "group" || object["group_id"] != nil)
			if text, ok := value.(string); ok && text != "" && !group {
				d.fill(key, text)
			}

			if described, ok := value.(map[string]any); ok && standin.MediaField.MatchString(key) {
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

	// WhatsApp's API is not older than 2018. A receiver cannot run at the time of an earlier timestamp.
	if at := time.Unix(seconds, 0); at.After(d.at) && at.Before(now) && at.Year() >= 2018 {
		d.at = at
	}
}

// fill replaces a placeholder by a number, the same one wherever it stands.
func (d *delivery) fill(key, text string) {
	for _, number := range numbers {
		if number.keys.MatchString(key) && !number.plausible.MatchString(text) {
			d.replace(key, text, number.prefix+standin.MadeUp(text))
		}
	}
}

// host gives a media object content of its own.
func (d *delivery) host(object map[string]any) {
	if object["id"] == nil {
		return
	}

	id := fmt.Sprint(object["id"])
	if !standin.MediaID.MatchString(id) {
		d.replace("id", id, standin.MadeUp(id))
		id = standin.MadeUp(id)
	}

	mime, _ := object["mime_type"].(string)
	content := []byte("content of " + id)
	d.media[id] = medium{mime: mime, content: content}

	if claimed, ok := object["sha256"].(string); ok && claimed != "" {
		sum := sha256.Sum256(content)
		d.replace("sha256", claimed, base64.StdEncoding.EncodeToString(sum[:]))
	}
}

// replace replaces the values of a field that are one text.
func (d *delivery) replace(key, old, replacement string) {
	quoted, err := json.Marshal(old)
	if err != nil {
		return
	}

	var spellings []string
	for _, spelling := range []string{`"` + old + `"`, string(quoted), strings.ReplaceAll(string(quoted), "/", `\/`)} {
		spellings = append(spellings, regexp.QuoteMeta(spelling))
	}

	field := regexp.MustCompile(`("` + regexp.QuoteMeta(key) + `"\s*:\s*)(?:` + strings.Join(spellings, "|") + `)`)
	d.body = field.ReplaceAll(d.body, []byte(`${1}"`+replacement+`"`))
}
