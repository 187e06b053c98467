// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import "github.com/spf13/cobra"

// groups order the commands in the help by what people want to do.
var groups = []struct {
	title    string
	commands []string
}{
	{"Build an AI:", []string{"dev", "bridge", "simulate", "listen"}},
	{"Show the state:", []string{"status", "doctor", "console", "events", "conversations", "logs"}},
	{"Repair:", []string{"dead-letters", "quarantine", "backup", "report"}},
	{"Check files:", []string{"lint", "render"}},
}

// group puts the commands of the root into their groups.
func group(root *cobra.Command) {
	for _, group := range groups {
		root.AddGroup(&cobra.Group{
			ID:    group.title,
			Title: group.title,
		})

		for _, name := range group.commands {
			for _, cmd := range root.Commands() {
				if cmd.Name() == name {
					cmd.GroupID = group.title
				}
			}
		}
	}
}
