// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package console

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/consoleapi"
)

// TestChangesAreShownWithTheirMessage checks which messages of a page are folded into others, and which texts are shown.
func TestChangesAreShownWithTheirMessage(t *testing.T) {
	sent := func(id, kind, changes, text string) consoleapi.Message {
		return consoleapi.Message{
			ID:      id,
			At:      now.Add(time.Duration(len(id)) * time.Minute),
			Type:    kind,
			Changes: changes,
			Text:    text,
		}
	}

	shown := withChanges([]consoleapi.Message{ // the newest first
		sent("e", "edit", "elsewhere", "of another page"),
		sent("d", "revoke", "b", "[deleted a message]"),
		sent("c3", "edit", "a", "third"),
		sent("c2", "edit", "a", "second"),
		sent("b", "text", "", "deleted"),
		sent("a", "text", "", "first"),
	})

	var pages []string

	for _, message := range shown {
		if message.IsFolded {
			pages = append(pages, "folded")
			continue
		}

		var earlier []string
		for _, v := range message.Earlier() {
			earlier = append(earlier, v.Text)
		}

		pages = append(pages, strings.Join([]string{message.Current(), message.Edit, message.Deletion, strings.Join(earlier, ",")}, "|"))
	}

	want := []string{"third|c3||first,second", "deleted||d|deleted", "folded", "folded", "folded", "of another page|||"}
	if diff := cmp.Diff(want, pages); diff != "" {
		t.Errorf("the page (-want +got):\n%s", diff)
	}
}
