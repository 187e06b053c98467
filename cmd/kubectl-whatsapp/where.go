// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/receiverapi"
)

// where is the flag --where, by which commands select events.
type where struct {
	pairs []string
	keys  []string // that the command knows
}

// whereKeys are the keys that all commands know.
var whereKeys = []string{"state", "kind", "type", "number", "code", "received_after", "received_before"}

// The states of events that commands know, for the help.
const (
	statesHelp     = "pending, done, skipped, human, expired, quarantined, dead or discarded"
	replayableHelp = "dead, quarantined, human, expired or all"
)

// whereHelp explains the flag. more are the lines of the keys that only one command knows.
func whereHelp(states string, more ...string) string {
	return `
--where selects events by KEY=VALUE, and can be repeated; several pairs can be separated by commas. The keys are:
  state                            ` + states + `;
                                   several as state=dead|human
  kind, type                       such as kind=message, type=image
  number                           the id of the phone number
  code                             the code of the last failure, such as 131026
  received_after, received_before  a time such as 2026-11-23T06:49:00Z, or how long ago, such as 2h
` + strings.Join(more, "") +
		`The value none selects the events without a type, number or code: number=none those of no phone number, such as notices.`
}

// addFlag adds the flag to a command that knows also the keys given.
func (w *where) addFlag(cmd *cobra.Command, keys ...string) {
	w.keys = append(slices.Clone(whereKeys), keys...)
	cmd.Flags().StringSliceVar(&w.pairs, "where", nil, "only events with `KEY=VALUE`, such as code=131026; can be repeated")

	completions := make([]cobra.Completion, 0, len(w.keys))
	for _, key := range w.keys {
		completions = append(completions, key+"=")
	}

	_ = cmd.RegisterFlagCompletionFunc("where",
		cobra.FixedCompletions(completions, cobra.ShellCompDirectiveNoSpace|cobra.ShellCompDirectiveNoFileComp))
}

// filter returns what the flag selects. Without a state it selects those given.
func (w *where) filter(states ...string) (receiverapi.Filter, error) {
	filter := receiverapi.Filter{States: states}
	given := map[string]bool{}

	for _, pair := range w.pairs {
		key, value, ok := strings.Cut(pair, "=")
		if !ok || value == "" {
			return filter, output.Usage("Write it like --where code=131026, and several states like state=dead|human.",
				"--where %s is not a KEY=VALUE", pair)
		}

		if !slices.Contains(w.keys, key) {
			return filter, output.Usage("Use one of "+strings.Join(w.keys, ", ")+".", "--where does not know the key %q", key)
		}

		if given[key] { // the last one alone would select other events than the person meant
			return filter, output.Usage("Give it once. Only state takes several values: state=dead|human.", "--where has the key %q twice", key)
		}

		given[key] = true

		if err := set(&filter, key, value); err != nil {
			return filter, err
		}
	}

	return filter, nil
}

func set(filter *receiverapi.Filter, key, value string) error {
	var err error

	switch key {
	case "state":
		filter.States = strings.Split(value, "|")
	case "kind":
		filter.Kind = value
	case "type":
		filter.Type = value
	case "number":
		filter.Number = value
	case "code":
		filter.Code = value
	case "conversation":
		filter.Conversation = value
	case "received_after":
		filter.ReceivedAfter, err = parseTime(key, value)
	case "received_before":
		filter.ReceivedBefore, err = parseTime(key, value)
	}

	return err
}

// parseTime returns a time from its text, or from how long ago it was.
func parseTime(key, text string) (time.Time, error) {
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return time.Now().Add(-ago), nil
	}

	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return at, output.Usage("Write a time like 2026-11-23T06:49:00Z, or how long ago like 2h.", "%s=%s is not a time", key, text)
	}

	return at, nil
}
