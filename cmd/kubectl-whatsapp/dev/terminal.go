// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package dev

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
)

// Serve runs a server until ctx ends. It prints the address of the page, and a line for each trace.
func Serve(ctx context.Context, p *output.Printer, o Options) error {
	s, err := Open(ctx, o)
	if err != nil {
		return fmt.Errorf("start the receiver and its page: %w", err)
	}

	follow, stop := context.WithCancel(ctx)
	printed := make(chan struct{})

	printBanner(p, s)

	go func() {
		defer close(printed)

		printTraces(follow, p, s)
	}()

	err = s.Run(ctx)

	stop()
	<-printed

	return errors.Join(err, s.Close())
}

// printBanner says what runs and where. With a format for programs it goes to standard error.
func printBanner(p *output.Printer, s *Server) {
	messages, key := s.MessagesURL()
	lines := []string{
		"Chat      " + p.Paint(output.Bold, s.URL()),
		"AI        " + s.AI().words(),
	}

	if s.options.AI.Kind == KindBridge && s.options.AI.Key == "" {
		lines = append(lines, "          called with the access key "+s.AccessKey()+" (choose one with --bridge-key)")
	}

	if s.options.AI.Kind != KindEcho {
		lines = append(lines,
			"Later     answers that come later: POST "+messages+"/v1/messages",
			"          with Authorization: Bearer "+key+" (choose one with --messages-key)")
	}

	lines = append(lines, "Stop      Ctrl-C")

	if p.Format == output.Text {
		p.Printf("\n  %s\n\n", strings.Join(lines, "\n  "))
		return
	}

	for _, line := range lines {
		p.Note("%s", line)
	}
}

// words describes the AI.
func (a AI) words() string {
	switch a.Kind {
	case KindBridge:
		return "the bridge at " + a.URL
	case KindFlow:
		return "the flow at " + a.URL
	case KindOpenAI:
		return "the model " + a.Model + " at " + a.URL
	default:
		return "an echo; --bridge, --flow and --openai ask yours"
	}
}

// tones are the colors of the levels.
var tones = map[string]output.Tone{
	LevelInfo:    output.Faint,
	LevelOK:      output.Plain,
	LevelWarning: output.Warning,
	LevelError:   output.Bad,
}

// printTraces prints one line for each trace until ctx or the server ends: JSON with a format for programs.
func printTraces(ctx context.Context, p *output.Printer, s *Server) {
	s.Follow(ctx, func(t Trace) {
		_ = p.Line(t, func() { p.Printf("%s\n", line(p, t)) }) // a closed terminal ends the command by a signal
	})
}

// line returns a trace for people.
func line(p *output.Printer, t Trace) string {
	text := output.CleanLine(t.Title)
	if t.TookMS > 0 {
		text += fmt.Sprintf(" (%d ms)", t.TookMS)
	}

	if t.Detail != "" && t.Level != LevelOK && t.Level != LevelInfo {
		text += ": " + output.CleanLine(t.Detail)
	}

	return p.Paint(output.Faint, t.At.Local().Format("15:04:05.000")) + " " + p.Paint(tones[t.Level], text)
}
