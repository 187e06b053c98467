// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"iter"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/simulate"
)

// maxSimulated bounds the deliveries of one run.
const maxSimulated = 1_000_000

// simulateFlags are the flags of the command simulate.
type simulateFlags struct {
	simulate.Maker
	simulate.Pace

	to         string
	public     bool
	list       bool
	dryRun     bool
	count      int
	files      []string
	secretFile string
	secretEnv  string

	types   []string
	samples map[string][]byte // the content of files
}

func newSimulateCommand(g *global) *cobra.Command {
	f := simulateFlags{samples: map[string][]byte{}}

	cmd := &cobra.Command{
		Use:   "simulate TYPE... --to URL|NAME",
		Short: "Play Meta: send signed deliveries to a receiver",
		Long: `Play Meta: send signed deliveries of any type to the webhook of a receiver.

A TYPE is a name of --list, a name without its group (text, read, failed.131047), the beginning of names (interactive), a
pattern ('message.*'), or all. Each delivery has ids and times of its own, so that the receiver takes it for a new one.

A receiver asks its AI about the messages and sends the answers to the person. So --to NAME needs --person: give a number
of your own. --to URL needs the app secret, from a file or from the environment; --to NAME reads it from the Secret of the
resource, with your rights.

The exit code is 0 if each delivery was acknowledged with 200, 1 if one was refused, and 3 if none was answered.`,
		Example: g.example(
			"simulate --list",
			"simulate text image read --to http://localhost:8080/webhooks/whatsapp --app-secret-env APP_SECRET",
			"simulate text --to sales --person 573001234567",
			"simulate 'message.*' --to sales --person 573001234567 --count 100 --rate 20 --duplicates",
			"simulate failed.131047 --dry-run",
		),
		Args:    cobra.ArbitraryArgs,
		PreRunE: f.checkUse,
		RunE:    func(cmd *cobra.Command, args []string) error { return f.run(cmd.Context(), g, args) },
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			var names []cobra.Completion
			for _, t := range simulate.Types() {
				names = append(names, cobra.CompletionWithDesc(t.Name, t.About))
			}

			return names, cobra.ShellCompDirectiveNoFileComp
		},
	}

	flags := cmd.Flags()
	flags.StringVar(&f.to, "to", "", "webhook of a receiver: a `URL`, or the NAME of a WhatsAppWebhook")
	flags.BoolVar(&f.public, "public", false, "send to the public URL of NAME, through its Ingress, instead of to a pod")
	flags.BoolVar(&f.list, "list", false, "list the types")
	flags.BoolVar(&f.dryRun, "dry-run", false, "print the requests and send nothing")
	flags.IntVar(&f.count, "count", 1, "how often each type is sent")
	flags.Float64Var(&f.PerSecond, "rate", 0, "deliveries a second; one after the other if not set")
	flags.StringArrayVar(&f.files, "file", nil, "JSON `file` with a delivery of your own; can be repeated")
	flags.StringVar(&f.Person, "person", "", "phone `number` that the messages come from, with its country code")
	flags.StringVar(&f.Number, "number", "", "phone number `id` that the deliveries are for; the first of NAME if not set")
	flags.StringVar(&f.secretFile, "app-secret-file", "", "`file` with the app secret")
	flags.StringVar(&f.secretEnv, "app-secret-env", "", "`name` of the environment variable with the app secret")
	flags.BoolVar(&f.Duplicates, "duplicates", false, "send each delivery twice, as Meta does at times")
	flags.BoolVar(&f.OutOfOrder, "out-of-order", false, "mix the order of the deliveries")
	cmd.MarkFlagsMutuallyExclusive("app-secret-file", "app-secret-env")

	return cmd
}

// checkUse refuses what a list and a dry run would ignore.
func (f *simulateFlags) checkUse(cmd *cobra.Command, args []string) error {
	switch {
	case f.list && len(args) > 0:
		return output.Usage("Leave the TYPE out, or leave --list out.", "--list lists all types")
	case f.list:
		return refuse(cmd, "--list only lists the types", "to", "public", "dry-run", "count", "rate", "file", "person", "number",
			"app-secret-file", "app-secret-env", "duplicates", "out-of-order")
	case f.dryRun:
		return refuse(cmd, "--dry-run prints each delivery once, in order", "duplicates", "out-of-order", "rate")
	default:
		return nil
	}
}

func (f *simulateFlags) run(ctx context.Context, g *global, args []string) error {
	p := g.printer()

	if f.list {
		return listTypes(p)
	}

	if err := f.complete(args); err != nil {
		return err
	}

	if f.dryRun && !f.isResource() {
		return f.show(ctx, p, simulate.Target{URL: cmp.Or(f.to, "https://receiver.example.com/webhooks/whatsapp")})
	}

	target, done, err := f.target(ctx, g)
	if err != nil {
		return err
	}
	defer done()

	if f.dryRun {
		return f.show(ctx, p, target)
	}

	if f.isResource() {
		p.Warn("%s asks its AI about these messages and sends the answers to the person …%s.", f.to, f.Person[len(f.Person)-4:])
	}

	return f.send(ctx, p, target)
}

// isResource reports whether the deliveries are for a resource.
func (f *simulateFlags) isResource() bool { return f.to != "" && !strings.Contains(f.to, "://") }

// isTarget reports whether the deliveries have a URL, or what may be the name of a resource.
func (f *simulateFlags) isTarget() bool {
	if f.isResource() {
		return !strings.ContainsAny(f.to, ":/")
	}

	return isURL(f.to)
}

// number is the form of a phone number with its country code.
var number = regexp.MustCompile(`^\+?[1-9][0-9]{5,14}$`)

// complete checks the flags, and reads files and names of types.
func (f *simulateFlags) complete(args []string) error {
	switch {
	case f.to == "" && !f.dryRun:
		return output.Usage("Give a URL or the name of a WhatsAppWebhook with --to, or --dry-run.", "the deliveries have no receiver")
	case f.to != "" && !f.isTarget():
		return output.Usage("Write a URL with http:// or https://.", "--to %s is neither a URL nor the NAME of a WhatsAppWebhook", f.to)
	case len(args)+len(f.files) == 0:
		return output.Usage("simulate --list lists the types.", "give at least one TYPE or --file")
	case f.count < 1 || f.PerSecond < 0:
		return output.Usage("Give a positive number.", "--count and --rate must be positive")
	case f.Person != "" && !number.MatchString(f.Person):
		return output.Usage("Write it with the country code, such as 573001234567.", "--person is not a phone number")
	case f.isResource() && f.Person == "":
		return output.Usage("Give a number of your own with --person: the receiver asks its AI, and sends the answers to that person.",
			"deliveries to %s need --person", f.to)
	case f.public && !f.isResource():
		return output.Usage("Give the NAME of a WhatsAppWebhook with --to, or leave --public out.", "--public needs a resource")
	}

	f.Person = strings.TrimPrefix(f.Person, "+")

	for _, pattern := range args {
		names := simulate.Find(pattern)
		if len(names) == 0 {
			fix := "simulate --list lists the types."
			if similar := simulate.Similar(pattern); len(similar) > 0 {
				fix = "Did you mean " + strings.Join(similar[:min(len(similar), 5)], ", ") + "? " + fix
			}

			return output.Usage(fix, "there is no type %q", pattern)
		}

		f.types = append(f.types, names...)
	}

	for _, name := range f.files {
		content, err := os.ReadFile(name)
		if err != nil {
			return output.Usage("Give the path of a JSON file.", "read a delivery: %w", err)
		}

		f.types = append(f.types, name)
		f.samples[name] = content
	}

	if f.count > maxSimulated/len(f.types) {
		return output.Usage("Send fewer, several times.", "more than %d deliveries", maxSimulated)
	}

	return nil
}

// deliveries returns all deliveries, each made when it is needed.
func (f *simulateFlags) deliveries() iter.Seq[simulate.Delivery] {
	return func(yield func(simulate.Delivery) bool) {
		for range f.count {
			for _, name := range f.types {
				if !yield(f.delivery(name)) {
					return
				}
			}
		}
	}
}

func (f *simulateFlags) delivery(name string) simulate.Delivery {
	if raw, ok := f.samples[name]; ok {
		return f.Make(name, raw, time.Now())
	}

	d, err := f.Sample(name, time.Now())
	if err != nil { // not reached: complete has found it
		return simulate.Delivery{Type: name}
	}

	return d
}

func (f *simulateFlags) send(ctx context.Context, p *output.Printer, target simulate.Target) error {
	total := len(f.types) * f.count
	if f.Duplicates {
		total *= 2
	}

	progress := p.Progress()
	f.Progress = func(r simulate.Result) {
		progress.Update("%d of %d sent: %d acknowledged, %d refused, %d unanswered", r.Sent, total, r.Acknowledged, r.Refused, r.Unanswered)
	}

	result := simulate.Send(ctx, target, f.deliveries(), f.Pace)

	progress.End()

	if err := p.Result(result, func() { showSimulated(p, result, total) }); err != nil {
		return err
	}

	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case result.Sent > 0 && result.Unanswered == result.Sent:
		return output.Unreachable("Check that the receiver runs, and the address.", "no delivery was answered: %w", result.Cause)
	case result.Unanswered > 0:
		return output.Failed("Look at the receiver's log.", "%d of %d deliveries were not answered: %w", result.Unanswered, result.Sent, result.Cause)
	case result.Refused > 0:
		return output.ErrVerdict
	}

	return nil
}
