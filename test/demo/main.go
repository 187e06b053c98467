// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command demo shows the path of a message on one machine, without a cluster. It renders a WhatsAppWebhook with the
// operator's own builders, runs the receiver from the rendered configuration between stand-ins for Meta and Bird, sends
// deliveries to it and prints the results. Then it shows a conversation for each protocol of the AI: a text, a photo, a voice
// message, an answer that comes later, and people who take over. It exits with 1 if a check fails. In a terminal it first
// stays up with a page on which one chats with the AI.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/term"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/dev"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
)

// liveTimeout is how long a real server has for one answer: a model on a machine without a graphics card is slow.
const liveTimeout = 4 * time.Minute

// flags are the command line of the demo.
type flags struct {
	resources, deliveries             string
	openAI, model, transcriptionModel string
	keep, verbose                     bool
	// inTerminal reports whether a person looks on.
	inTerminal bool
}

func main() {
	var f flags

	flag.StringVar(&f.resources, "resources", "config/samples/demo",
		"`DIR` of the WhatsAppWebhook and its Secrets, as for kubectl apply; DIR-contract, DIR-flow and DIR-openai have those of "+
			"the conversations")
	flag.StringVar(&f.deliveries, "deliveries", "",
		"also deliver every JSON file of `DIR`, signed, each to an empty receiver, and print how its events are handled")
	flag.StringVar(&f.openAI, "openai", "",
		"only play the conversation with a model, at `URL` such as http://localhost:11434/v1; the key is in OPENAI_API_KEY, if any")
	flag.StringVar(&f.model, "model", "", "`NAME` of the model at -openai")
	flag.StringVar(&f.transcriptionModel, "transcription-model", "", "`NAME` of the model at -openai for voice messages; empty has none")
	flag.BoolVar(&f.keep, "keep", false,
		"keep running after the demo with a page to chat on, and print commands for curl; in a terminal only the page stays")
	flag.BoolVar(&f.verbose, "v", false, "print the receiver's log")
	flag.Parse()

	f.inTerminal = term.IsTerminal(int(os.Stdin.Fd())) && term.IsTerminal(int(os.Stdout.Fd()))

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	ok, err := run(ctx, f)
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
	}

	if err != nil || !ok {
		stop()
		os.Exit(1) //nolint:gocritic // stop was called
	}
}

func run(ctx context.Context, f flags) (ok bool, err error) {
	if f.openAI != "" {
		return runLive(ctx, f)
	}

	d, remove, err := openResources(ctx, f.resources, f.verbose, unchanged)
	if err != nil {
		return false, err
	}
	defer remove()
	defer d.close()

	d.introduce()
	d.play(ctx)
	d.health(ctx)

	for _, protocol := range []struct{ name, what string }{
		{"contract", "A bridge with the Bird contract"},
		{"flow", "A flow with one URL: Bird, n8n, Make or any function"},
		{"openai", "A model, asked by the receiver itself"},
	} {
		failed, err := runConversation(ctx, f, protocol.name, protocol.what)
		if err != nil {
			return false, err
		}

		d.failed += failed
	}

	if f.deliveries != "" {
		d.postAll(ctx, f.deliveries)
	}

	d.printSummary()

	if f.keep {
		d.printCommands()
	}

	return d.failed == 0, stayUp(ctx, f, dev.AIOptions{})
}

// unchanged runs a receiver as it is rendered.
func unchanged(*pod) error { return nil }

// runConversation plays the conversation of one protocol with its own receiver, and returns how many checks failed.
func runConversation(ctx context.Context, f flags, name, what string) (failed int, err error) {
	d, remove, err := openResources(ctx, f.resources+"-"+name, f.verbose, unchanged)
	if err != nil {
		return 0, err
	}
	defer remove()

	title(what)
	d.converse(ctx)
	d.close()

	return d.failed, nil
}

// runLive plays the conversation with a real server. It checks that the person gets answers, not what they say.
func runLive(ctx context.Context, f flags) (ok bool, err error) {
	if f.model == "" {
		return false, fmt.Errorf("-openai needs -model: the name of a model at %s", f.openAI)
	}

	d, remove, err := openResources(ctx, f.resources+"-openai", f.verbose, func(p *pod) error {
		p.config.OpenAI.BaseURL = f.openAI
		p.config.OpenAI.Model = f.model
		p.config.OpenAI.TranscriptionModel = f.transcriptionModel
		p.config.OpenAI.Timeout = liveTimeout

		key := os.Getenv("OPENAI_API_KEY")
		if key == "" {
			p.config.OpenAI.AuthScheme = config.AuthNone
			return nil
		}

		return p.writeSecret(config.RoleOpenAIKey+"/0", key)
	})
	if err != nil {
		return false, err
	}
	defer remove()
	defer d.close()

	d.live = true

	title(fmt.Sprintf("The model %s at %s", f.model, f.openAI))
	d.converse(ctx)
	d.printSummary()

	return d.failed == 0, stayUp(ctx, f, dev.AIOptions{
		Kind:               dev.KindOpenAI,
		URL:                f.openAI,
		Key:                os.Getenv("OPENAI_API_KEY"),
		Model:              f.model,
		TranscriptionModel: f.transcriptionModel,
	})
}

// openResources renders the resources of a folder and starts the receiver, which needs the returned function afterwards.
func openResources(
	ctx context.Context,
	resources string,
	verbose bool,
	adjust func(*pod) error,
) (d *demo, remove func(), err error) {
	dir, err := os.MkdirTemp("", "whatsapp-webhook-demo-")
	if err != nil {
		return nil, nil, fmt.Errorf("create a folder for the demo: %w", err)
	}

	remove = func() { _ = os.RemoveAll(dir) }

	defer func() {
		if err != nil {
			remove()
		}
	}()

	pod, err := render(resources, dir)
	if err != nil {
		return nil, nil, err
	}

	d, err = open(ctx, pod, verbose, adjust)

	return d, remove, err
}
