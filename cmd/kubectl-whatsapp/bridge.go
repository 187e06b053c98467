// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"crypto/x509"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/bridgetest"
	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
)

func newBridgeCommand(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bridge",
		Short: "Work on a bridge between the receiver and an AI",
	}
	cmd.AddCommand(newBridgeTestCommand(g))

	return cmd
}

// bridgeTestFlags are the flags of the command bridge test.
type bridgeTestFlags struct {
	bridgetest.Options

	authScheme string
	caFile     string
	methods    []string
	junit      string
}

func newBridgeTestCommand(g *global) *cobra.Command {
	var f bridgeTestFlags

	cmd := &cobra.Command{
		Use:   "test URL",
		Short: "Test a bridge or a flow against the Bird contract",
		Long: `Test a bridge or a flow against the Bird contract (docs/bird-contract.md).

The test sends the requests of the receiver, with a made-up person, and reads the answers as the receiver does: each
method, files in base64 and as a form, long and odd texts, a repeated Idempotency-Key, requests at the same time, a wrong
key and answers that come later. It makes about 50 requests, and the bridge does for each what it does for a real message,
such as to ask a model that costs money. No message is sent to anyone.

The exit code is 0 if no check failed and 1 otherwise. Warnings fail nothing.`,
		Example: g.example(
			"bridge test http://localhost:8080 --key secret",
			"bridge test http://localhost:8080 --method image --method order",
			"bridge test http://localhost:8080 --later-url http://127.0.0.1:9092 --later-key messages",
			"bridge test https://flows.example.com/abc --flow --auth-scheme Bearer --junit report.xml",
		),
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f.URL = args[0]

			if err := f.checkUse(cmd); err != nil {
				return err
			}

			return f.run(cmd.Context(), g.printer())
		},
	}

	flags := cmd.Flags()
	flags.BoolVar(&f.Flow, "flow", false, "test a flow: one URL for everything")
	flags.StringVar(&f.Key, "key", os.Getenv("BRIDGE_KEY"), "access `key` of the bridge; $BRIDGE_KEY if not set")
	flags.StringVar(&f.authScheme, "auth-scheme", "", "how the key is sent: AccessKey, Bearer or APIKey, and None with --flow")
	flags.StringVar(&f.SignatureHeader, "signature-header", "", "`name` of the header with the signature of a flow's request")
	flags.StringVar(&f.SigningKey, "signing-key", os.Getenv("SIGNING_KEY"), "`key` of the signature; $SIGNING_KEY if not set")
	flags.StringVar(&f.caFile, "ca", "", "PEM `file` with the certificate authorities of the bridge")
	flags.StringArrayVar(&f.methods, "method", nil, "test only this `method`, such as process_order or order; can be repeated")
	flags.DurationVar(&f.Timeout, "timeout", 0, "time for one answer; that of the contract if not set")
	flags.StringVar(&f.LaterURL, "later-url", "", "`URL` to which the bridge posts later answers; the test listens on its port")
	flags.StringVar(&f.LaterKey, "later-key", os.Getenv("MESSAGES_KEY"), "`key` with which it posts; $MESSAGES_KEY if not set")
	flags.StringVar(&f.LaterText, "later-text", "later", "the `text` that the bridge answers later")
	flags.DurationVar(&f.LaterWithin, "later-within", time.Minute, "time for the later answer")
	flags.StringVar(&f.junit, "junit", "", "write the report as JUnit XML to this `file` too")

	for _, secret := range []string{"key", "signing-key", "later-key"} {
		flags.Lookup(secret).DefValue = "" // the help does not show what the environment has
	}

	_ = cmd.RegisterFlagCompletionFunc("method", cobra.FixedCompletions(methodNames(), cobra.ShellCompDirectiveNoFileComp))

	return cmd
}

func methodNames() []string {
	var names []string
	for _, m := range bridgetest.Methods() {
		names = append(names, string(m))
	}

	return names
}

// checkUse refuses flags that no request would use.
func (f *bridgeTestFlags) checkUse(cmd *cobra.Command) error {
	for _, unused := range []struct {
		isUnused bool
		why      string
		names    []string
	}{
		{f.SignatureHeader == "", "without --signature-header nothing is signed", []string{"signing-key"}},
		{f.LaterURL == "", "without --later-url later answers are not tested", []string{"later-key", "later-text", "later-within"}},
		{f.authScheme == string(config.AuthNone), "with --auth-scheme None no key is sent", []string{"key"}},
	} {
		if !unused.isUnused {
			continue
		}

		if err := refuse(cmd, unused.why, unused.names...); err != nil {
			return err
		}
	}

	return nil
}

func (f *bridgeTestFlags) run(ctx context.Context, p *output.Printer) error {
	if err := f.complete(); err != nil {
		return err
	}

	progress := p.Progress()
	f.Done = func(c bridgetest.Check) {
		if p.Format == output.Text {
			showCheck(p, c)
		} else {
			progress.Update("%s: %s", c.Name, c.State)
		}
	}

	report, err := bridgetest.Run(ctx, f.Options)

	progress.End()

	if err != nil {
		return err
	}

	if err := p.Result(report, func() { showVerdict(p, report) }); err != nil {
		return err
	}

	if err := f.writeJUnit(report); err != nil {
		return err
	}

	if !report.Passed {
		return output.ErrVerdict
	}

	return nil
}

// complete reads what flags name, and checks it.
func (f *bridgeTestFlags) complete() error {
	for _, name := range f.methods {
		m, ok := bridgetest.ParseMethod(name)
		if !ok {
			return output.Usage("The methods are "+strings.Join(methodNames(), ", ")+".", "there is no method %q", name)
		}

		f.Methods = append(f.Methods, m)
	}

	if err := bridgetest.CheckURL(f.URL); err != nil {
		return output.Usage("An address looks like http://localhost:8080.", "%w", err)
	}

	schemes := []config.AuthScheme{"", config.AuthAccessKey, config.AuthBearer, config.AuthAPIKey}
	if f.Flow {
		schemes = append(schemes, config.AuthNone)
	}

	f.AuthScheme = config.AuthScheme(f.authScheme)

	switch {
	case !slices.Contains(schemes, f.AuthScheme):
		return output.Usage("Give AccessKey, Bearer or APIKey, or None with --flow.", "unknown --auth-scheme %q", f.authScheme)
	case f.SignatureHeader != "" && !f.Flow:
		return output.Usage("Add --flow, or leave --signature-header out.", "only requests to a flow are signed")
	case f.SignatureHeader != "" && f.SigningKey == "":
		return output.Usage("Give it with --signing-key or $SIGNING_KEY.", "the signature has no key")
	case f.LaterURL != "" && f.LaterKey == "":
		return output.Usage("Give it with --later-key or $MESSAGES_KEY.", "the bridge's key for later answers is missing")
	case f.LaterURL != "" && len(f.Methods) > 0 && !slices.Contains(f.Methods, assistant.ProcessText):
		return output.Usage("Add --method text, or leave --later-url out.", "later answers are tested with a text, which --method leaves out")
	}

	if f.caFile == "" {
		return nil
	}

	authorities, err := os.ReadFile(f.caFile)
	if err != nil {
		return output.Usage("Give a PEM file with --ca.", "read the certificate authorities: %w", err)
	}

	f.Authorities = string(authorities)

	if !x509.NewCertPool().AppendCertsFromPEM(authorities) {
		return output.Usage("Give a PEM file with --ca.", "%s has no certificate in PEM", f.caFile)
	}

	return nil
}

func (f *bridgeTestFlags) writeJUnit(report *bridgetest.Report) error {
	if f.junit == "" {
		return nil
	}

	file, err := os.Create(f.junit)
	if err != nil {
		return output.Failed("Give a path that can be written with --junit.", "write the report: %w", err)
	}

	return cmp.Or(report.WriteJUnit(file), file.Close())
}

// tones are the colors of states.
var tones = map[bridgetest.State]output.Tone{
	bridgetest.OK:      output.Good,
	bridgetest.Warning: output.Warning,
	bridgetest.Failure: output.Bad,
	bridgetest.Skipped: output.Faint,
}

// showCheck writes a check, with all about it if it found something.
func showCheck(p *output.Printer, c bridgetest.Check) {
	state := p.Paint(tones[c.State], fmt.Sprintf("%-7s", c.State))

	if c.State == bridgetest.OK || c.State == bridgetest.Skipped {
		detail := output.CleanLine(strings.TrimSuffix(c.Detail+". "+c.Fix, ". "))
		p.Printf("%s\n", strings.TrimRight(fmt.Sprintf("%s  %s  %s", state, c.Name, p.Paint(output.Faint, detail)), " "))

		return
	}

	p.Printf("%s  %s\n", state, p.Paint(output.Bold, c.Name))

	for _, part := range [][2]string{
		{"found", c.Detail},
		{"fix", c.Fix},
		{"request", c.Sent},
		{"answer", c.Came},
	} {
		if part[1] != "" {
			p.Printf("         %-8s %s\n", part[0]+":", output.CleanLine(part[1]))
		}
	}
}

func showVerdict(p *output.Printer, r *bridgetest.Report) {
	verdict := p.Paint(output.Good, "The bridge passes")
	if !r.Passed {
		verdict = p.Paint(output.Bad, "The bridge does not pass")
	}

	p.Printf("\n%s: %d ok, %s, %s, %d skipped.\n", verdict, r.OK, output.Count(r.Warnings, "warning"), output.Count(r.Failures, "failure"), r.Skipped)
}
