// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"time"
)

var (
	conversationLink = regexp.MustCompile(`href="(` + ownPages + `/conversations/[^"?/]+)"`)
	eventLink        = regexp.MustCompile(`href="(` + ownPages + `/events/[0-9a-f]{32})"`)
	// furtherLink leads to the next page of a list, or to older messages.
	furtherLink = regexp.MustCompile(`rel="(?:next|prev)" href="([^"]+)"`)
)

// pages returns the pages of the console. It opens lists to find conversations and events.
func (v *visitor) pages(ctx context.Context) ([]*visited, error) {
	const (
		conversations = ownPages + "/conversations"
		events        = ownPages + "/events"
		deadLetters   = ownPages + "/dead-letters?state="
	)

	found, err := v.findEntries(ctx, []listPage{
		{conversations, conversationLink},
		{conversations + "?state=taken_over", conversationLink}, // whose first is the long one
		{events + "?kind=message&state=done", eventLink},
		{events + "?state=dead", eventLink},
		{events + "?kind=status", eventLink},
	})
	if err != nil {
		return nil, err
	}

	short := found[0]
	long := found[1]
	of := url.QueryEscape(long[len(conversations)+1:])
	ago := func(d time.Duration) string { return time.Now().UTC().Add(-d).Format("2006-01-02T15:04") }

	return []*visited{
		{name: "all resources", paths: []string{"/console/"}},
		{name: "overview", paths: []string{ownPages + "/"}},
		{name: "conversations", paths: []string{conversations}, walks: true},
		{name: "conversations that people have, and that wait", paths: []string{
			conversations + "?state=taken_over",
			conversations + "?state=waiting",
		}, walks: true},
		{name: "a conversation", paths: []string{short, long, long + "?reveal=true"}, walks: true},
		{name: "events", paths: []string{events}, walks: true},
		{name: "events of a kind, type, state, number, code, time", paths: []string{
			events + "?kind=status",
			events + "?type=text",
			events + "?state=done",
			events + "?state=dead",
			events + "?state=human",
			events + "?number=" + foreignNumber,
			events + "?code=" + inboxCodes[0],
			events + "?state=quarantined&number=" + foreignNumber,
			events + "?received_after=" + ago(time.Hour),
			events + "?received_before=" + ago(time.Hour),
		}, walks: true},
		{name: "events of which few or none match", paths: []string{
			events + "?kind=notice",
			events + "?type=image",
			events + "?state=expired",
			events + "?code=none",
			events + "?state=dead&number=" + foreignNumber,
			events + "?received_before=" + ago(inboxSpan),
		}, walks: true},
		{name: "events of a conversation", paths: []string{
			events + "?conversation=" + of,
			events + "?conversation=" + of + "&state=human",
		}, walks: true},
		{name: "an event", paths: found[2:]},
		{name: "dead letters, by cause", paths: []string{deadLetters + "dead"}},
		{name: "quarantine, and left to people, by cause", paths: []string{deadLetters + "quarantined", deadLetters + "human"}},
		{name: "doctor", paths: []string{ownPages + "/doctor"}},
		{name: "configuration", paths: []string{ownPages + "/configuration"}},
	}, nil
}

// listPage is a page with a list, and the link of an entry in it.
type listPage struct {
	path string
	link *regexp.Regexp
}

// findEntries returns the path of the first entry of each list.
func (v *visitor) findEntries(ctx context.Context, lists []listPage) ([]string, error) {
	var found []string

	for _, list := range lists {
		page, err := v.get(ctx, list.path)
		if err != nil {
			return nil, err
		}

		link := list.link.FindStringSubmatch(page)
		if link == nil {
			return nil, fmt.Errorf("the page %s has no entry", list.path)
		}

		found = append(found, link[1])
	}

	return found, nil
}
