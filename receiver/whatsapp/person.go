// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import (
	"regexp"
	"strings"
)

// Person holds the names by which Meta's webhooks name one person. Which of them a webhook has depends on what Meta may
// show of the person at that time.
//
// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/business-scoped-user-ids
type Person struct {
	WaID      Text // phone number, in digits; empty if it is hidden
	UserID    Text // business-scoped user id
	ParentID  Text // user id for all business portfolios that the business has linked
	OtherWaID Text // the phone number in another form, such as without Brazil's ninth digit
}

// userID matches a business-scoped user id, with or without the mark of a parent's.
var userID = regexp.MustCompile(`^[A-Za-z]{2}\.[A-Za-z0-9.]+$`)

// maxUserID is the limit of a user id in bytes. As a repetition in the expression it would take 150 kB of memory.
const maxUserID = 135

// newPerson returns the person with these names. A user id in the place of the phone number is taken for what it is.
func newPerson(number, user, parent Text) Person {
	p := Person{
		WaID:     phoneDigits(number),
		UserID:   user,
		ParentID: parent,
	}

	if len(p.WaID) < 3 || len(p.WaID) > maxUserID || p.WaID[2] != '.' || !userID.MatchString(string(p.WaID)) {
		return p
	}

	if p.UserID == "" && p.WaID != p.ParentID {
		p.UserID = p.WaID
	}

	p.WaID = ""

	return p
}

// written matches a phone number as people write it.
var written = regexp.MustCompile(`^\+?[0-9][0-9 ().-]*$`)

// phoneDigits returns the digits of a phone number, and anything else without a plus sign, since placeholders occur in
// Meta's samples.
func phoneDigits(number Text) Text {
	if strings.Trim(string(number), "0123456789") == "" { // as Meta sends nearly all, at a tenth of the time
		return number
	}

	trimmed := strings.TrimSpace(string(number))
	if !written.MatchString(trimmed) {
		return Text(strings.TrimPrefix(trimmed, "+"))
	}

	return Text(strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}

		return r
	}, trimmed))
}

// IsZero reports whether the person has no name.
func (p Person) IsZero() bool { return p == Person{} }

// matches reports whether the persons have a name in common.
func (p Person) matches(other Person) bool {
	return p.WaID != "" && p.WaID == other.WaID ||
		p.UserID != "" && p.UserID == other.UserID ||
		p.ParentID != "" && p.ParentID == other.ParentID
}

// differs reports whether the persons have different names of the same kind.
func (p Person) differs(other Person) bool {
	different := func(a, b Text) bool { return a != "" && b != "" && a != b }

	return different(p.WaID, other.WaID) || different(p.UserID, other.UserID) || different(p.ParentID, other.ParentID)
}

// with returns p with the names of other that it lacks, unless other is recognized as another person.
func (p Person) with(other Person) Person {
	if p.differs(other) && !p.matches(other) {
		return p
	}

	if p.WaID != "" && other.WaID != p.WaID {
		p.OtherWaID = other.WaID
	}

	fill := func(name *Text, other Text) {
		if *name == "" {
			*name = other
		}
	}

	fill(&p.WaID, other.WaID)
	fill(&p.UserID, other.UserID)
	fill(&p.ParentID, other.ParentID)

	return p
}

// lanes returns the lanes of the person at a phone number, the one to use first: by phone number, by user id, by parent
// user id, and by the other form of the phone number.
func (p Person) lanes(phoneNumberID string) []string {
	var lanes []string

	for _, name := range []Text{p.WaID, p.UserID, p.ParentID, p.OtherWaID} {
		if name != "" {
			lanes = append(lanes, phoneNumberID+":"+string(name))
		}
	}

	return lanes
}
