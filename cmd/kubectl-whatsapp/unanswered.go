// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"strings"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/receiverapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// allStates is the state of --where for all events that were not answered.
const allStates = "all"

// unanswered is a command for events that were not answered: those in one state.
type unanswered struct {
	use   string // of the command
	what  string // the events, in the plural
	state string // of the events, unless --where names another
	why   string // how events get into the state
	where string // an example of --where
}

// otherStates are the states of the other events, and why those can be neither replayed nor discarded.
var otherStates = map[store.State]string{
	store.Pending:   "they wait or are being processed",
	store.Done:      "they were processed",
	store.Skipped:   "they are not to be answered",
	store.Discarded: "they were discarded, or their retention ended",
}

// filter returns what --where selects, and the command with the name of these events.
func (u unanswered) filter(selected *where) (unanswered, receiverapi.Filter, error) {
	filter, err := selected.filter(u.state)
	if err != nil {
		return u, filter, err
	}

	if slices.Equal(filter.States, []string{allStates}) {
		u.what = "unanswered events"
		return u, filter, nil
	}

	for _, state := range filter.States {
		if err := checkReplayable(state); err != nil {
			return u, filter, err
		}
	}

	if !slices.Equal(filter.States, []string{u.state}) {
		u.what = "events in the state " + strings.Join(filter.States, " or ")
	}

	return u, filter, nil
}

// checkReplayable refuses a state whose events can be neither replayed nor discarded.
func checkReplayable(state string) error {
	const fix = "Use dead, quarantined, human or expired, several as state=dead|human, or all."

	why, isOther := otherStates[store.State(state)]

	switch {
	case slices.Contains(store.Replayable, store.State(state)):
		return nil
	case isOther:
		return output.Usage(fix+"\nThe command events lists the events of every state.",
			"--where state=%s selects events that can be neither replayed nor discarded: %s", state, why)
	default:
		return output.Usage(fix, "--where state=%s: there is no such state", state)
	}
}
