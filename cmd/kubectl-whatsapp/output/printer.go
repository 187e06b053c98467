// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package output

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/jsonyaml"
)

// Format is the format of a result.
type Format string

// The formats of results.
const (
	Text Format = "" // tables and texts for people
	JSON Format = "json"
	YAML Format = "yaml"
)

// ParseFormat returns the format of the flag --output.
func ParseFormat(name string) (Format, error) {
	switch format := Format(name); format {
	case Text, JSON, YAML:
		return format, nil
	default:
		return Text, Usage("Use -o json or -o yaml, or leave -o out for a table.", "unknown output format %q", name)
	}
}

// Settings are what a [Printer] depends on.
type Settings struct {
	In      io.Reader
	Out     io.Writer // results
	Err     io.Writer // progress, warnings, questions and errors
	Format  Format
	NoColor bool // no colors on terminals either
	Dumb    bool // terminals understand no escape sequences, so that nothing is drawn again either
}

// Printer writes the results, the progress and the errors of one command.
type Printer struct {
	Settings

	out style
	err style
	// inTerminal and errTerminal decide whether the command may ask.
	inTerminal  bool
	errTerminal bool
	// outDraws and errDraws say which streams are terminals that understand escape sequences.
	outDraws bool
	errDraws bool

	failed error // the first one of Printf
}

// New returns a printer.
func New(s Settings) *Printer {
	p := &Printer{
		Settings:    s,
		inTerminal:  isTerminal(s.In),
		errTerminal: isTerminal(s.Err),
		outDraws:    !s.Dumb && isTerminal(s.Out) && understandsEscapes(s.Out),
		errDraws:    !s.Dumb && isTerminal(s.Err) && understandsEscapes(s.Err),
	}
	p.out = style{on: p.outDraws && !s.NoColor}
	p.err = style{on: p.errDraws && !s.NoColor}

	return p
}

// isTerminal reports whether a stream is a terminal.
func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)

	return ok && term.IsTerminal(int(file.Fd()))
}

// Interactive reports whether results go to a terminal as texts, so that they may be drawn again.
func (p *Printer) Interactive() bool { return p.outDraws && p.Format == Text }

// Result writes document in the format that was asked for, or calls people to write texts.
func (p *Printer) Result(document any, people func()) error {
	switch p.Format {
	case JSON:
		return p.json(document, "  ")
	case YAML:
		encoded, err := json.Marshal(document)
		if err != nil {
			return fmt.Errorf("encode the result: %w", err)
		}

		if encoded, err = jsonyaml.Convert(encoded); err != nil {
			return err
		}

		_, err = p.Out.Write(encoded)

		return err
	default:
		people()
		return p.failed
	}
}

// Line writes a line of a result that grows, such as that of a command that follows. In the formats for programs it is one
// document: a line of JSON, or a document of a YAML stream.
func (p *Printer) Line(document any, people func()) error {
	switch p.Format {
	case JSON:
		return p.json(document, "")
	case YAML:
		fmt.Fprintln(p.Out, "---")
	default:
	}

	return p.Result(document, people)
}

// json writes a document as JSON.
func (p *Printer) json(document any, indent string) error {
	var encoded bytes.Buffer

	encoder := json.NewEncoder(&encoded)
	encoder.SetIndent("", indent)
	encoder.SetEscapeHTML(false)

	if err := encoder.Encode(document); err != nil {
		return fmt.Errorf("encode the result: %w", err)
	}

	_, err := p.Out.Write(Document(encoded.Bytes()))

	return err
}

// Printf writes a text for people to standard output, without the control characters of texts from elsewhere. [Printer.Result]
// returns its error, such as that of a disk that is full.
func (p *Printer) Printf(format string, args ...any) {
	if _, err := io.WriteString(p.Out, p.out.safe(fmt.Sprintf(format, args...))); err != nil && p.failed == nil {
		p.failed = fmt.Errorf("write the result: %w", err)
	}
}

// Note writes a line to standard error that is not part of the result.
func (p *Printer) Note(format string, args ...any) {
	fmt.Fprintln(p.Err, Clean(fmt.Sprintf(format, args...)))
}

// Warn writes a warning to standard error.
func (p *Printer) Warn(format string, args ...any) {
	fmt.Fprintln(p.Err, p.err.paint(Warning, "Warning:")+" "+Clean(fmt.Sprintf(format, args...)))
}

// Fail writes an error with its fix to standard error. It writes nothing for [ErrVerdict].
func (p *Printer) Fail(err error) {
	if errors.Is(err, ErrVerdict) {
		return
	}

	fmt.Fprintln(p.Err, p.err.paint(Bad, "Error:")+" "+indent(Clean(err.Error())))

	if known, ok := errors.AsType[*Error](err); ok && known.Fix != "" {
		fmt.Fprintln(p.Err, p.err.paint(Good, "Fix:")+"   "+indent(Clean(known.Fix)))
	}
}

// indent aligns the further lines of a text with the first, after a label of six characters and a space.
func indent(text string) string {
	return strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n       ")
}

// Redraw clears the terminal, so that the next output is drawn in place of the old one.
func (p *Printer) Redraw() { fmt.Fprint(p.Out, "\x1b[H\x1b[2J\x1b[3J") }
