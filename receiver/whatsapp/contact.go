// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import "encoding/json"

// Contact is the person who sent a message.
type Contact struct {
	WaID         Text
	UserID       Text // business-scoped
	ParentUserID Text // of the business portfolio's parent; only where that is enabled
	Name         Text
	Username     Text
}

// ParseContact reads what is there; a contact of another shape is empty.
func ParseContact(raw json.RawMessage) Contact {
	var c struct {
		WaID         Text            `json:"wa_id"`
		UserID       Text            `json:"user_id"`
		ParentUserID Text            `json:"parent_user_id"`
		Profile      json.RawMessage `json:"profile"`
	}
	if readObject(raw, &c) != nil {
		return Contact{}
	}

	var profile struct {
		Name     Text `json:"name"`
		Username Text `json:"username"`
	}

	_ = readObject(c.Profile, &profile) // a profile of another shape leaves the names empty

	return Contact{
		WaID:         c.WaID,
		UserID:       c.UserID,
		ParentUserID: c.ParentUserID,
		Name:         profile.Name,
		Username:     profile.Username,
	}
}
