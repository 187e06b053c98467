// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"cmp"
	"net/http"
	"slices"
)

// NumberState is the state of a phone number, in Meta's values. An empty value is that of a registered number of good
// quality.
type NumberState struct {
	Status       string `json:"status,omitempty"`       // Defaults to CONNECTED.
	Platform     string `json:"platform,omitempty"`     // Defaults to CLOUD_API.
	Mode         string `json:"mode,omitempty"`         // Defaults to LIVE.
	Verification string `json:"verification,omitempty"` // Defaults to VERIFIED.
	NameStatus   string `json:"nameStatus,omitempty"`   // Defaults to APPROVED.
	Quality      string `json:"quality,omitempty"`      // Defaults to GREEN.
	OnBizApp     bool   `json:"onBizApp"`
	// Blocked are the codes of the errors by entity, such as WABA, that let no message out.
	Blocked map[string]int `json:"blocked,omitempty"`
}

// getNumber serves GET /{phone-number-id} with fields.
//
// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/reference/whatsapp-business-phone-number/whatsapp-business-profile-api
func (g *Graph) getNumber(r *http.Request, fields []string) (any, *problem) {
	id := r.PathValue("id")
	if !g.hasNumber(id) {
		return nil, unknownObject(r, id)
	}

	rules := g.Rules()
	state := rules.Numbers[id]
	all := map[string]any{
		"id":                       id,
		"status":                   cmp.Or(state.Status, "CONNECTED"),
		"platform_type":            cmp.Or(state.Platform, "CLOUD_API"),
		"account_mode":             cmp.Or(state.Mode, "LIVE"),
		"code_verification_status": cmp.Or(state.Verification, "VERIFIED"),
		"name_status":              cmp.Or(state.NameStatus, "APPROVED"),
		"quality_rating":           cmp.Or(state.Quality, "GREEN"),
		"throughput":               map[string]string{"level": "STANDARD"},
		"is_on_biz_app":            state.OnBizApp,
		"health_status":            g.healthStatus(id, state.Blocked),
		"webhook_configuration":    g.callbacksOf(id),
	}
	asked := map[string]any{"id": id}

	for _, field := range fields {
		value, known := all[field]
		if !known {
			return nil, invalid("Tried accessing nonexisting field (%s) on node type (WhatsAppBusinessPhoneNumber)", field)
		}

		if slices.Contains(rules.UnseenFields, field) {
			return nil, &problem{code: 10}
		}

		asked[field] = value
	}

	return asked, nil
}

// healthStatus returns whether the objects that a message of a number needs let it out.
//
// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/support/health-status
func (g *Graph) healthStatus(number string, blocked map[string]int) any {
	overall := "AVAILABLE"
	entities := make([]map[string]any, 0, 4)

	for _, entity := range []struct{ kind, id string }{
		{"PHONE_NUMBER", number},
		{"WABA", "102290129340398"},
		{"BUSINESS", "506914307656634"},
		{"APP", g.options.AppID},
	} {
		health := map[string]any{
			"entity_type":      entity.kind,
			"id":               entity.id,
			"can_send_message": "AVAILABLE",
		}
		if code, isBlocked := blocked[entity.kind]; isBlocked {
			overall = "BLOCKED"
			health["can_send_message"] = overall
			health["errors"] = []map[string]any{{
				"error_code":        code,
				"error_description": errorTitles[code].title,
				"possible_solution": "Visit WhatsApp Manager.",
			}}
		}

		entities = append(entities, health)
	}

	return map[string]any{"can_send_message": overall, "entities": entities}
}
