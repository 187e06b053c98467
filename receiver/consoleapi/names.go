// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package consoleapi

import (
	"net/http"
	"strings"
	"unicode/utf8"
)

// shownDigits are the characters of a phone number or user id that are shown without reveal.
const shownDigits = 4

// masked returns the person or group of a conversation's name as it may be shown to anyone: the last characters.
func masked(name string) string {
	_, person, _ := strings.Cut(name, ":")

	runes := utf8.RuneCountInString(person)
	if runes <= 2*shownDigits { // as many would be hidden as shown
		return "…"
	}

	for range runes - shownDigits {
		_, size := utf8.DecodeRuneInString(person)
		person = person[size:]
	}

	return "…" + person
}

// isGroup reports whether a conversation is that of a group.
func isGroup(name string) bool {
	_, person, _ := strings.Cut(name, ":")
	return strings.HasPrefix(person, "group:")
}

// isConversation reports whether a lane of events of a phone number is a conversation: the names of other lanes begin with
// their content.
func isConversation(lane, phoneNumberID string) bool {
	return phoneNumberID != "" && strings.HasPrefix(lane, phoneNumberID+":")
}

// parseConversation returns the name of a conversation from its id or name.
func (a *api) parseConversation(text string) (name string, ok bool) {
	if strings.Contains(text, ":") { // no id has a colon, and every name has one
		return text, true
	}

	return a.ids().Decode(text)
}

// conversationName returns the name of the conversation in a request's path.
func (a *api) conversationName(r *http.Request) (name string, ok bool) {
	return a.parseConversation(r.PathValue("conversation"))
}

// conversationOf returns the name of the conversation in a request's path, or answers 404.
func (a *api) conversationOf(w http.ResponseWriter, r *http.Request) (name string, ok bool) {
	if name, ok = a.conversationName(r); ok {
		return name, true
	}

	http.Error(w, noSuchConversation, http.StatusNotFound)

	return "", false
}
