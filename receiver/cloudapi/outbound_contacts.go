// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// maxContacts is the number of cards of one message. Source: see ContactsContent.
const maxContacts = 257

// ContactsContent are contact cards in Meta's form. Properties that Meta does not know are left out, so that a card that a
// person sent can be sent on.
//
// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/contacts-messages
type ContactsContent struct {
	Contacts []json.RawMessage
}

type contactObject struct {
	Name      contactName      `json:"name"`
	Org       *contactOrg      `json:"org,omitempty"`
	Birthday  whatsapp.Text    `json:"birthday,omitempty"` // YYYY-MM-DD
	Phones    []contactPhone   `json:"phones,omitempty"`
	Emails    []contactEmail   `json:"emails,omitempty"`
	URLs      []contactURL     `json:"urls,omitempty"`
	Addresses []contactAddress `json:"addresses,omitempty"`
}

type contactName struct {
	Formatted whatsapp.Text `json:"formatted_name"`
	First     whatsapp.Text `json:"first_name,omitempty"`
	Middle    whatsapp.Text `json:"middle_name,omitempty"`
	Last      whatsapp.Text `json:"last_name,omitempty"`
	Prefix    whatsapp.Text `json:"prefix,omitempty"`
	Suffix    whatsapp.Text `json:"suffix,omitempty"`
}

type contactOrg struct {
	Company    whatsapp.Text `json:"company,omitempty"`
	Department whatsapp.Text `json:"department,omitempty"`
	Title      whatsapp.Text `json:"title,omitempty"`
}

type contactPhone struct {
	Phone whatsapp.Text `json:"phone,omitempty"`
	WaID  whatsapp.Text `json:"wa_id,omitempty"`
	Type  whatsapp.Text `json:"type,omitempty"`
}

type contactEmail struct {
	Email whatsapp.Text `json:"email,omitempty"`
	Type  whatsapp.Text `json:"type,omitempty"`
}

type contactURL struct {
	URL  whatsapp.Text `json:"url,omitempty"`
	Type whatsapp.Text `json:"type,omitempty"`
}

type contactAddress struct {
	Street      whatsapp.Text `json:"street,omitempty"`
	City        whatsapp.Text `json:"city,omitempty"`
	State       whatsapp.Text `json:"state,omitempty"`
	Zip         whatsapp.Text `json:"zip,omitempty"`
	Country     whatsapp.Text `json:"country,omitempty"`
	CountryCode whatsapp.Text `json:"country_code,omitempty"`
	Type        whatsapp.Text `json:"type,omitempty"`
}

func (c ContactsContent) put(message *outbound) (int, error) {
	if n := len(c.Contacts); n == 0 || n > maxContacts {
		return 0, invalidMessage("there are %d contacts: give 1 to %d", n, maxContacts)
	}

	contacts := make([]contactObject, len(c.Contacts))
	for i, raw := range c.Contacts {
		contact := &contacts[i]
		if json.Unmarshal(raw, contact) != nil {
			return 0, invalidMessage("contact %d does not have Meta's form: give name, phones and so on as its page shows them", i+1)
		}

		if !contact.Name.complete(contact.Org) {
			return 0, invalidMessage("contact %d has no name: give name.formatted_name", i+1)
		}

		if _, err := time.Parse(time.DateOnly, string(contact.Birthday)); err != nil && contact.Birthday != "" {
			return 0, invalidMessage("contact %d has a birthday that is not a date: write it as YYYY-MM-DD", i+1)
		}
	}

	message.Type = "contacts"
	message.Contacts = contacts

	return 0, nil
}

// complete fills in the name that is shown, and reports whether there is one. A name of one part is the first name too:
// Meta has required a part beside the formatted name.
func (n *contactName) complete(org *contactOrg) bool {
	parts := strings.Join([]string{string(n.Prefix), string(n.First), string(n.Middle), string(n.Last), string(n.Suffix)}, " ")
	parts = strings.Join(strings.Fields(parts), " ")

	if isBlank(string(n.Formatted)) {
		n.Formatted = whatsapp.Text(parts)
	}

	if n.Formatted == "" && org != nil {
		n.Formatted = org.Company
	}

	if parts == "" {
		n.First = n.Formatted
	}

	return !isBlank(string(n.Formatted))
}
