// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/answer"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

func TestCheckAnswer(t *testing.T) {
	settings := config.Fixed(config.Config{}, config.Secrets{}).Current()
	person := `{"from":"573001234567","id":"wamid.1"}`

	for name, c := range map[string]struct {
		message, body string
		types         []string
		problem       string
	}{
		"texts are joined":            {person, `{"response":["a","b"]}`, []string{"text"}, ""},
		"with a handoff's text":       {person, `{"response":{"type":"sticker","media_id":"5"},"handoff":{"text":"bye"}}`, []string{"sticker", "text"}, ""},
		"only a handoff":              {person, `{"handoff":{"reason":"r"}}`, []string{}, ""},
		"nothing":                     {person, `{"response":null}`, []string{}, ""},
		"a reaction":                  {person, `{"response":{"type":"reaction","emoji":"x"}}`, []string{"reaction"}, ""},
		"a reaction to nothing":       {`{"from":"573001234567"}`, `{"response":{"type":"reaction","emoji":"x"}}`, []string{}, ""},
		"choices in a group":          {`{"group_id":"g"}`, `{"response":{"type":"buttons","text":"?","buttons":["a","b"]}}`, []string{"text"}, ""},
		"a product in a group":        {`{"group_id":"g"}`, `{"response":{"type":"product","catalog_id":"1","product_retailer_id":"2"}}`, nil, "groups take only"},
		"a template":                  {person, `{"response":{"type":"template","name":"n","language":"es"}}`, []string{"template"}, ""},
		"too long to be a valid link": {person, `{"response":{"type":"cta_url","text":"","url":"https://a.example"}}`, nil, "is empty"},
		"more than may be sent":       {person, `{"response":[` + strings.Repeat(`{"type":"sticker","media_id":"5"},`, 20) + `null]}`, []string{"sticker", "sticker", "sticker", "sticker", "sticker"}, ""},
		"no recipient":                {`{}`, `{"response":"a"}`, nil, "no recipient"},
	} {
		item := whatsapp.Item{Kind: whatsapp.ItemMessage, Raw: []byte(c.message)}

		message, err := item.Message()
		if err != nil {
			t.Fatal(err)
		}

		given, err := answer.Parse([]byte(c.body))
		if err != nil {
			t.Fatal(err)
		}

		types, err := CheckAnswer(settings, message, given)
		if (err == nil) != (c.problem == "") || err != nil && !strings.Contains(err.Error(), c.problem) {
			t.Errorf("%s: CheckAnswer() = %v, want %q", name, err, c.problem)
		}

		if diff := cmp.Diff(c.types, types); diff != "" && err == nil {
			t.Errorf("%s: types (-want +got):\n%s", name, diff)
		}
	}
}
