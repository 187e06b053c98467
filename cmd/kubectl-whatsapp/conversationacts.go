// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/receiverapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/consoleapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/jsonyaml"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/takeover"
)

func newGiveBackCommand(g *global) *cobra.Command {
	return &cobra.Command{
		Use:               "give-back NAME ID",
		Aliases:           []string{"release"},
		Short:             "Give a conversation back to the AI",
		Example:           g.example("conversations give-back sales ID"),
		Args:              g.nameAnd(1, 1),
		ValidArgsFunction: g.webhookNames,
		RunE: g.callReceiver(nil, func(ctx context.Context, api *receiverapi.Client, args []string) error {
			conversation, err := api.GiveBack(ctx, args[0])
			if err != nil {
				return err
			}

			p := g.printer()

			return p.Result(conversation, func() { p.Printf("The AI has the conversation with %s.\n", personOf(conversation)) })
		}),
	}
}

func newTakeOverCommand(g *global) *cobra.Command {
	var duration time.Duration

	cmd := &cobra.Command{
		Use:               "takeover NAME ID",
		Aliases:           []string{"take-over"},
		Short:             "Take a conversation over from the AI",
		Long:              "Take a conversation over from the AI, for --for or processing.handoffSeconds. Messages of the person then wait for people.",
		Example:           g.example("conversations takeover sales ID --for 2h"),
		Args:              g.nameAnd(1, 1),
		ValidArgsFunction: g.webhookNames,
		PreRunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("for") && (duration < takeover.MinDuration || duration > takeover.MaxDuration) {
				return output.Usage("Write a time from 1s to 720h, such as 2h, or leave it out.", "--for %s is too short or too long", duration)
			}

			return nil
		},
		RunE: g.callReceiver(nil, func(ctx context.Context, api *receiverapi.Client, args []string) error {
			conversation, err := api.TakeOver(ctx, args[0], duration)
			if err != nil {
				return err
			}

			p := g.printer()

			return p.Result(conversation, func() { printTakenOver(p, conversation) })
		}),
	}

	cmd.Flags().DurationVar(&duration, "for", 0, "`time` after which the AI answers again, such as 2h; from 1s to 720h")

	return cmd
}

func printTakenOver(p *output.Printer, conversation consoleapi.Conversation) {
	if !conversation.TakenOver {
		p.Printf("The takeover is over already: the AI has the conversation with %s.\n", personOf(conversation))
		return
	}

	until := "it is given back"
	if conversation.Until != nil {
		until = output.Time(*conversation.Until)
	}

	p.Printf("People have the conversation with %s until %s.\n", personOf(conversation), until)
}

func newExportCommand(g *global) *cobra.Command {
	var file string

	cmd := &cobra.Command{
		Use:   "export NAME ID",
		Short: "Export everything that is stored of one person",
		Long: "Export everything that is stored of one person as a JSON document, with all texts. The receiver logs it with your\n" +
			"name.",
		Example:           g.example("conversations export sales ID > person.json", "conversations export sales ID --file person.json"),
		Args:              g.nameAnd(1, 1),
		ValidArgsFunction: g.webhookNames,
		RunE: g.callReceiver(nil, func(ctx context.Context, api *receiverapi.Client, args []string) error {
			return export(ctx, g.printer(), api, args[0], file)
		}),
	}

	cmd.Flags().StringVarP(&file, "file", "f", "", "`file` to write instead of standard output")

	return cmd
}

// export writes the document. An incomplete document is refused: the connection broke.
func export(ctx context.Context, p *output.Printer, api *receiverapi.Client, id, file string) error {
	body, err := api.Export(ctx, id)
	if err != nil {
		return err
	}
	defer body.Close()

	document, err := io.ReadAll(io.LimitReader(body, maxExport+1))
	if err != nil {
		return output.Unreachable("Try again.", "the export broke off: %w", err)
	}

	switch {
	case len(document) > maxExport:
		return output.Failed("Get it in parts with conversations show.", "the export is larger than %d MiB", maxExport>>20)
	case !json.Valid(document):
		return output.Unreachable("Try again.", "the export broke off: its document does not end")
	}

	warnIncomplete(p, document)

	if p.Format == output.YAML {
		if document, err = jsonyaml.Convert(document); err != nil {
			return fmt.Errorf("convert the export: %w", err)
		}
	}

	if file == "" {
		_, err = p.Out.Write(output.Document(document))
		return err
	}

	if err := writePrivately(file, document); err != nil {
		return fmt.Errorf("write the export: %w", err)
	}

	p.Note("The export is in %s. It holds personal data.", file)

	return nil
}

// warnIncomplete warns of events that the receiver could not read, of which some may be missing in an export.
func warnIncomplete(p *output.Printer, document []byte) {
	var export struct {
		NotRead consoleapi.NotRead `json:"not_read"`
	}

	if json.Unmarshal(document, &export) == nil && export.NotRead.Events > 0 {
		p.Warn("the export may be incomplete: the receiver could not read %d events: %s", export.NotRead.Events,
			output.CleanLine(strings.Join(export.NotRead.Reasons, "; ")))
	}
}

// writePrivately writes a file that only its owner can read, also if it exists.
func writePrivately(file string, content []byte) error {
	out, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer out.Close()

	if info, err := out.Stat(); err == nil && info.Mode().IsRegular() {
		if err := out.Chmod(0o600); err != nil {
			return err
		}
	}

	if _, err := out.Write(content); err != nil {
		return err
	}

	return out.Close()
}

// maxExport bounds the document of one person.
const maxExport = 256 << 20

func newEraseCommand(g *global) *cobra.Command {
	var yes bool

	cmd := &cobra.Command{
		Use:   "erase NAME ID",
		Short: "Erase everything that is stored of one person",
		Long: "Erase everything that is stored of one person: messages, answers, statuses, and who has the conversation. Events stay\n" +
			"without person and content, so that a delivery that comes again is recognized. It does not reach backups, nor\n" +
			"what the AI, the desk, the sink and Meta have stored. Erase once more after a day: Meta may report about earlier\n" +
			"messages until then. For this the ID stays valid, although the conversation is not listed any more.",
		Example:           g.example("conversations erase sales ID", "conversations erase sales ID --yes"),
		Args:              g.nameAnd(1, 1),
		ValidArgsFunction: g.webhookNames,
		RunE: g.callReceiver(nil, func(ctx context.Context, api *receiverapi.Client, args []string) error {
			return erase(ctx, g.printer(), api, args[0], yes)
		}),
	}

	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "skip the confirmation")

	return cmd
}

// erasedPerson is the result of an erasure.
type erasedPerson struct {
	Erased  string   `json:"erased"`  // the id of the conversation
	Events  int      `json:"events"`  // that lost their content; 0 if nothing was stored, as when an erasure is repeated
	Remains []string `json:"remains"` // what the receiver does not erase
}

// erase erases a person, also if the receiver has no state of the conversation: quarantined messages make none, dead letters may
// be kept longer, and statuses may come after an erasure.
func erase(ctx context.Context, p *output.Printer, api *receiverapi.Client, id string, yes bool) error {
	person := "this person"

	conversation, err := api.Conversation(ctx, id)
	if err != nil && !receiverapi.HasStatus(err, http.StatusNotFound) {
		return err
	}

	if err == nil {
		person = "the person " + personOf(conversation)
	}

	if err := p.Confirm(ctx, yes, "Erase everything that is stored of "+person+"?"); err != nil {
		return err
	}

	erased, err := api.Erase(ctx, id)
	if err != nil {
		return err
	}

	result := erasedPerson{
		Erased:  cmp.Or(conversation.ID, id),
		Events:  erased.Events,
		Remains: erased.Remains,
	}

	return p.Result(result, func() {
		if erased.Events == 0 && conversation.ID == "" {
			p.Printf("Nothing is stored of this person, so that there was nothing to erase. This remains:\n")
		} else {
			p.Printf("Everything of %s is erased. This remains:\n", person)
		}

		for _, rest := range erased.Remains {
			p.Printf("- %s\n", output.CleanLine(rest))
		}
	})
}
