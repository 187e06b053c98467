// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

import (
	"encoding/json"
)

// TemplateContent is an approved template. More than 24 hours after the person's last message Meta accepts no other
// content.
type TemplateContent struct {
	Name       string
	Language   string          // such as es or en_US
	Components json.RawMessage // a JSON array in Meta's form; nil for a template without parameters
}

type templateObject struct {
	Name       string           `json:"name"`
	Language   templateLanguage `json:"language"`
	Components json.RawMessage  `json:"components,omitempty"`
}

type templateLanguage struct {
	Code string `json:"code"`
}

func (c TemplateContent) put(message *outbound) (int, error) {
	if c.Name == "" || c.Language == "" {
		return 0, invalidMessage("the template needs a name and a language")
	}

	if len(c.Components) > 0 {
		var components []json.RawMessage
		if json.Unmarshal(c.Components, &components) != nil {
			return 0, invalidMessage("the template's components are not a JSON array: give header, body and button objects")
		}
	}

	object := &templateObject{Name: c.Name, Language: templateLanguage{Code: c.Language}}
	if string(c.Components) != "null" {
		object.Components = c.Components
	}

	message.Type = "template"
	message.Template = object

	return 0, nil
}
