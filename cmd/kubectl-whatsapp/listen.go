// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/listen"
	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/consoleapi"
)

// maxRefusal bounds the bytes read of a refusal of the receiver.
const maxRefusal = 1 << 10

// listenFlags are the flags of the command listen.
type listenFlags struct {
	listen.Bridge

	authScheme string
	reveal     bool
	count      int
}

func newListenCommand(g *global) *cobra.Command {
	var f listenFlags

	cmd := &cobra.Command{
		Use:   "listen NAME --forward-to URL",
		Short: "Copy the questions of a running receiver to a bridge on this machine",
		Long: `Copy the questions of a running receiver to a bridge on this machine, until Ctrl-C.

Each question that the receiver asks its AI is asked of the bridge too, when the AI has answered. What the bridge answers is
shown beside the kinds of messages that the AI answered, and is never sent to anyone. The bridge itself may act on what it
is asked: let it know that it is a copy.

Without --reveal persons are masked and texts replaced by their length. With it the receiver writes a line with your name to
its audit log. The files of people stay in the cluster: the bridge gets a small file of the same kind.`,
		Example: g.example(
			"listen sales --forward-to http://localhost:8080 --key secret",
			"listen sales --forward-to http://localhost:8080 --reveal -o json",
			"listen sales --forward-to http://localhost:5678/webhook/abc --flow --auth-scheme Bearer",
			"listen --address http://localhost:9091 --forward-to http://localhost:8080 --count 10",
		),
		Args:              g.nameAnd(0, 0),
		ValidArgsFunction: g.webhookNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.complete(); err != nil {
				return err
			}

			if f.AuthScheme == config.AuthNone {
				if err := refuse(cmd, "with --auth-scheme None no key is sent", "key"); err != nil {
					return err
				}
			}

			called, _, err := g.receiver(cmd.Context(), args)
			if err != nil {
				return err
			}
			defer called.Close()

			return f.run(cmd.Context(), g.printer(), called)
		},
	}

	flags := cmd.Flags()
	flags.StringVar(&f.URL, "forward-to", "", "`URL` of the bridge")
	flags.BoolVar(&f.Flow, "flow", false, "the bridge is a flow: one URL for everything")
	flags.StringVar(&f.Key, "key", os.Getenv("BRIDGE_KEY"), "access `key` of the bridge; $BRIDGE_KEY if not set")
	flags.StringVar(&f.authScheme, "auth-scheme", "", "how the key is sent: AccessKey, Bearer or APIKey, and None with --flow")
	flags.DurationVar(&f.Timeout, "timeout", 0, "time for one answer of the bridge; that of the contract if not set")
	flags.BoolVar(&f.reveal, "reveal", false, "copy names, numbers and texts of persons; the receiver logs your name")
	flags.IntVar(&f.count, "count", 0, "end after this `number` of questions, with exit code 1 if the bridge failed at one")
	flags.Lookup("key").DefValue = "" // the help does not show what the environment has

	_ = cmd.MarkFlagRequired("forward-to")

	return cmd
}

// complete checks the flags.
func (f *listenFlags) complete() error {
	if !isURL(f.URL) {
		return output.Usage("Write it like http://localhost:8080.", "--forward-to %s is not a URL", f.URL)
	}

	f.AuthScheme = config.AuthScheme(f.authScheme)

	schemes := []config.AuthScheme{"", config.AuthAccessKey, config.AuthBearer, config.AuthAPIKey}
	if f.Flow {
		schemes = append(schemes, config.AuthNone)
	}

	switch {
	case !slices.Contains(schemes, f.AuthScheme):
		return output.Usage("Give AccessKey, Bearer or APIKey, or None with --flow.", "unknown --auth-scheme %q", f.authScheme)
	case f.count < 0:
		return output.Usage("Leave it out to listen until Ctrl-C.", "--count must be positive")
	}

	if f.Key == "" {
		f.Key = "listen" // the contract has no request without a key
	}

	return nil
}

func (f *listenFlags) run(ctx context.Context, p *output.Printer, called *receiver) error {
	// Fail now, not after a wait, if there is no receiver.
	if err := called.check(ctx); err != nil {
		return err
	}

	var seen, failed int

	err := listen.Run(ctx, listen.Options{
		Bridge: f.Bridge,
		Open:   func(ctx context.Context) (*http.Response, error) { return openQuestions(ctx, called, f.reveal) },
		Retry: func(err error) bool {
			refused, ok := errors.AsType[*output.Error](err)
			return !ok || refused.Code == output.CodeUnreachable
		},
		Connected: func() { p.Note("Copying the questions of %s to %s until you press Ctrl-C.", called.Name, f.URL) },
		Broken: func(cause error, pause time.Duration) {
			p.Warn("the questions of %s have stopped: %v. Questions of the next %s are lost.", called.Name, cause, pause)
		},
		Lost: func(n int64) { p.Warn("%d questions were lost: the bridge or the connection is slow.", n) },
		Each: func(r listen.Result) error {
			seen++

			if r.Bridge.Failure != "" {
				failed++
			}

			if err := p.Line(r, func() { showCopied(p, r) }); err != nil {
				return err
			}

			if seen == f.count {
				return listen.ErrEnded
			}

			return nil
		},
	})

	switch {
	case errors.Is(err, listen.ErrEnded) && failed > 0:
		return output.ErrVerdict
	case errors.Is(err, listen.ErrEnded), ctx.Err() != nil && errors.Is(err, context.Canceled):
		return nil
	default:
		return err
	}
}

// openQuestions opens the stream of a receiver.
func openQuestions(ctx context.Context, called *receiver, reveal bool) (*http.Response, error) {
	address := called.URL + "/v1/questions"
	if reveal {
		address += "?reveal=true"
	}

	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("prepare a call to %s: %w", called.URL, err)
	}

	request.Header.Set(consoleapi.ActorHeader, called.Actor)

	response, err := called.HTTP.Do(request)
	if err != nil {
		return nil, err
	}

	if response.StatusCode == http.StatusOK {
		return response, nil
	}
	defer response.Body.Close()

	text, _ := io.ReadAll(io.LimitReader(response.Body, maxRefusal)) // a refusal without a text has its status
	said := output.CleanLine(string(text))

	switch response.StatusCode {
	case http.StatusNotFound:
		return nil, output.Failed("Update the receiver to the version of this tool.", "%s cannot show its questions", called.Name)
	case http.StatusTooManyRequests:
		return nil, output.Failed("End another listen.", "%s has no room for a listener: %s", called.Name, said)
	default:
		return nil, output.Unreachable("Try again.", "%s answers HTTP %d: %s", called.Name, response.StatusCode, said)
	}
}

// showCopied writes a question and both answers.
func showCopied(p *output.Printer, r listen.Result) {
	q := r.Question
	live := q.Answer

	p.Printf("%s  %s  %s  %s\n", q.AskedAt.Local().Format(time.TimeOnly), p.Paint(output.Bold, string(q.Method)), output.CleanLine(q.Person), output.CleanLine(q.Text))
	p.Printf("          AI      %s\n", answered(p, kindNames(live.Kinds), live.Handoff, live.Later, live.Failure, live.Milliseconds))
	p.Printf("          bridge  %s\n", answered(p, kindNames(r.Bridge.Kinds), r.Bridge.Handoff, r.Bridge.Later, r.Bridge.Failure, r.Bridge.Milliseconds))

	for _, text := range r.Bridge.Texts {
		if text != "" {
			p.Printf("                  %s\n", p.Paint(output.Faint, output.CleanLine(text)))
		}
	}
}

// kindNames returns the kinds of messages as texts.
func kindNames[K ~string](kinds []K) []string {
	var names []string
	for _, kind := range kinds {
		names = append(names, output.CleanLine(string(kind)))
	}

	return names
}

// answered returns an answer as a text.
func answered(p *output.Printer, parts []string, handoff, later bool, failure string, milliseconds int64) string {
	if handoff {
		parts = append(parts, "handoff")
	}

	if later {
		parts = append(parts, "later")
	}

	text := strings.Join(parts, ", ")

	switch {
	case failure != "":
		text = p.Paint(output.Bad, output.CleanLine(failure))
	case text == "":
		text = "no answer"
	}

	return fmt.Sprintf("%s  %s", text, p.Paint(output.Faint, fmt.Sprintf("%d ms", milliseconds)))
}
