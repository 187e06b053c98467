// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"encoding/json"
	"slices"
	"strings"
)

func checkFlow(action *interactiveAction) *problem {
	if action.Name != "flow" || action.Parameters == nil {
		return refused(131008, "Action name flow and its parameters are required")
	}

	var parameters struct {
		Version string `json:"flow_message_version"`
		ID      string `json:"flow_id"`
		Name    string `json:"flow_name"`
		Label   string `json:"flow_cta"`
		Token   string `json:"flow_token"`
		Mode    string
		Action  string `json:"flow_action"`
		Payload *struct {
			Screen string
			Data   map[string]json.RawMessage
		} `json:"flow_action_payload"`
	}
	if p := decode(action.Parameters, &parameters); p != nil {
		return p
	}

	switch {
	case parameters.Version != "3":
		return refused(131009, "flow_message_version must be 3")
	case (parameters.ID == "") == (parameters.Name == ""):
		return refused(131009, "Exactly one of flow_id and flow_name is required")
	case !slices.Contains([]string{"", "draft", "published"}, parameters.Mode):
		return refused(131009, "mode must be one of draft, published")
	case !slices.Contains([]string{"", "navigate", "data_exchange"}, parameters.Action):
		return refused(131009, "flow_action must be one of navigate, data_exchange")
	case parameters.Payload != nil && parameters.Action == "data_exchange":
		return refused(131009, "flow_action_payload is only valid for flow_action navigate")
	case parameters.Payload != nil && parameters.Payload.Data != nil && len(parameters.Payload.Data) == 0:
		return refused(131009, "flow_action_payload data must be a non-empty object")
	}

	return length("flow_cta", parameters.Label, true, 20)
}

// addressFields are the fields of an address by country.
var addressFields = map[string][]string{
	"IN": {
		"name", "phone_number", "in_pin_code", "house_number", "floor_number", "tower_number", "building_name", "address",
		"landmark_area", "city", "state",
	},
	"SG": {"name", "phone_number", "sg_post_code", "address", "unit_number", "city"},
}

// checkAddress validates an address message, but for the country of its recipient.
func checkAddress(action *interactiveAction) *problem {
	if action.Name != "address_message" || action.Parameters == nil {
		return refused(131008, "Action name address_message and its parameters are required")
	}

	var parameters struct {
		Country string
		Values  map[string]string
		Saved   []struct {
			ID    string
			Value map[string]string
		} `json:"saved_addresses"`
		Errors map[string]string `json:"validation_errors"`
	}
	if p := decode(action.Parameters, &parameters); p != nil {
		return p
	}

	fields, known := addressFields[parameters.Country]
	if !known {
		return refused(131009, "country must be one of IN, SG")
	}

	problems := []*problem{checkAddressFields(fields, parameters.Values)}

	for _, saved := range parameters.Saved {
		problems = append(
			problems,
			length("saved_addresses id", saved.ID, true, 256),
			checkAddressFields(fields, saved.Value),
		)
	}

	for field := range parameters.Errors {
		problems = append(problems, checkAddressFields(fields, map[string]string{field: ""}))
	}

	return first(problems...)
}

func checkAddressFields(fields []string, values map[string]string) *problem {
	for field, value := range values {
		if !slices.Contains(fields, field) {
			return refused(131009, "Address field %q is not valid", field)
		}

		if strings.HasSuffix(field, "_code") {
			if p := length("Address field "+field, value, false, 6); p != nil {
				return p
			}
		}
	}

	return nil
}

// checkAddressCountry checks that the recipient of an address message is of its country.
func checkAddressCountry(request *messageRequest, object json.RawMessage) *problem {
	var message struct {
		Type   string
		Action struct {
			Parameters struct{ Country string }
		}
	}

	_ = json.Unmarshal(object, &message) // a form that does not fit was refused before

	country := message.Action.Parameters.Country
	if message.Type != "address_message" || strings.HasPrefix(request.Recipient, country+".") {
		return nil
	}

	code := map[string]string{"IN": "91", "SG": "65"}[country]
	if !strings.HasPrefix(digitsOnly(request.To), code) {
		return refused(131009, "The recipient's country code does not match country %s", country)
	}

	return nil
}
