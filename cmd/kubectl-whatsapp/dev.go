// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/dev"
	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
)

// devFlags are the flags of the command dev.
type devFlags struct {
	echo                      bool
	bridge, flow, openAI      string
	bridgeKey, flowKey        string
	model, transcriptionModel string
	instructions              string
	messagesKey               string
	store                     string
	port                      int
}

func newDevCommand(g *global) *cobra.Command {
	var f devFlags

	cmd := &cobra.Command{
		Use:   "dev",
		Short: "Chat with your AI in the browser, through a receiver on this machine",
		Long: `dev runs a receiver on this machine between a stand-in for Meta and your AI. It serves a page on which you write as the
person, see each delivery, question, answer, send and status as it happens, and inject faults. It needs no cluster, no
account and no internet.`,
		Example: g.example("dev", "dev --bridge http://localhost:8000", "dev --openai http://localhost:11434/v1 --model gpt-oss:20b"),
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			options, err := f.options()
			if err != nil {
				return err
			}

			return dev.Serve(cmd.Context(), g.printer(), options)
		},
	}

	flags := cmd.Flags()
	flags.BoolVar(&f.echo, "echo", false, "an AI that repeats what you write; the default")
	flags.StringVar(&f.bridge, "bridge", "", "`URL` of a bridge with the contract, such as http://localhost:8000")
	flags.StringVar(&f.bridgeKey, "bridge-key", "", "access `key` with which the bridge is called; defaults to $BRIDGE_KEY, else one is generated")
	flags.StringVar(&f.flow, "flow", "", "`URL` of a flow of Bird, n8n, Make or any function")
	flags.StringVar(&f.flowKey, "flow-key", "", "bearer `key` with which the flow is called; none if it is not set")
	flags.StringVar(&f.openAI, "openai", "", "`URL` of a server of models, such as http://localhost:11434/v1; its key is OPENAI_API_KEY, if it needs one")
	flags.StringVar(&f.model, "model", "", "`name` of the model at --openai")
	flags.StringVar(&f.transcriptionModel, "transcription-model", "", "`name` of the model at --openai for voice messages; without it they are not transcribed")
	flags.StringVar(&f.instructions, "instructions", "", "`file` with the instructions for the model at --openai; it is read again when it changes")
	flags.StringVar(&f.messagesKey, "messages-key", "",
		"`key` with which the AI posts answers that come later; defaults to $MESSAGES_KEY, else one is generated")
	flags.StringVar(&f.store, "store", "", "`folder` that keeps the conversations between runs; a temporary one if it is not set")
	flags.IntVar(&f.port, "port", 8090, "`port` of the page on the loopback interface; the next free one is used if it is taken")

	cmd.MarkFlagsMutuallyExclusive("echo", "bridge", "flow", "openai")

	_ = cmd.MarkFlagDirname("store")
	_ = cmd.MarkFlagFilename("instructions")

	return cmd
}

// options returns the options of the server.
func (f *devFlags) options() (dev.Options, error) {
	o := dev.Options{
		Dir:         f.store,
		Port:        f.port,
		MessagesKey: cmp.Or(f.messagesKey, os.Getenv("MESSAGES_KEY")),
		Version:     version,
	}

	if err := f.check(); err != nil {
		return o, err
	}

	o.AI = f.ai()

	if f.instructions != "" {
		file, err := filepath.Abs(f.instructions)
		if err == nil {
			_, err = os.Stat(file)
		}

		if err != nil {
			return o, output.Usage("Give the path of a text file.", "--instructions: %w", err)
		}

		o.AI.InstructionsFile = file
	}

	if err := o.AI.Validate(); err != nil {
		return o, output.Usage("", "%w", err)
	}

	return o, nil
}

// check returns an error if a flag lacks another one, or has an impossible value.
func (f *devFlags) check() error {
	for _, needs := range []struct{ flag, value, of, given string }{
		{"--bridge-key", f.bridgeKey, "--bridge", f.bridge},
		{"--flow-key", f.flowKey, "--flow", f.flow},
		{"--model", f.model, "--openai", f.openAI},
		{"--transcription-model", f.transcriptionModel, "--openai", f.openAI},
		{"--instructions", f.instructions, "--openai", f.openAI},
	} {
		if needs.value != "" && needs.given == "" {
			return output.Usage("Add "+needs.of+" with a URL.", "%s needs %s", needs.flag, needs.of)
		}
	}

	if f.port < 0 || f.port > 65535 {
		return output.Usage("Choose one from 1024 to 65535, or 0 for any free one.", "--port %d is not a port", f.port)
	}

	return nil
}

// ai returns the options of the AI that the flags name, or none.
func (f *devFlags) ai() dev.AIOptions {
	switch {
	case f.bridge != "":
		return dev.AIOptions{
			Kind: dev.KindBridge,
			URL:  f.bridge,
			Key:  cmp.Or(f.bridgeKey, os.Getenv("BRIDGE_KEY")),
		}
	case f.flow != "":
		return dev.AIOptions{
			Kind: dev.KindFlow,
			URL:  f.flow,
			Key:  f.flowKey,
		}
	case f.openAI != "":
		return dev.AIOptions{
			Kind:               dev.KindOpenAI,
			URL:                f.openAI,
			Key:                os.Getenv("OPENAI_API_KEY"),
			Model:              f.model,
			TranscriptionModel: f.transcriptionModel,
		}
	}

	return dev.AIOptions{}
}
