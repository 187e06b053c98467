// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package output

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode"

	"github.com/creack/pty"
	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// buffered is a printer whose streams are not terminals.
func buffered(format Format) (p *Printer, out, err *bytes.Buffer) {
	out = &bytes.Buffer{}
	err = &bytes.Buffer{}

	return New(Settings{
		In:     strings.NewReader("y\n"),
		Out:    out,
		Err:    err,
		Format: format,
	}), out, err
}

// onTerminal is a printer on a terminal. read returns what appeared on it.
func onTerminal(t *testing.T, noColor bool) (p *Printer, screen *os.File) {
	t.Helper()

	screen, terminal, err := pty.Open()
	if err != nil {
		t.Fatalf("open a terminal: %v", err)
	}

	t.Cleanup(func() {
		terminal.Close()
		screen.Close()
	})

	return New(Settings{
		In:      terminal,
		Out:     terminal,
		Err:     terminal,
		NoColor: noColor,
	}), screen
}

// waitFor reads from the screen until text appeared, and returns all of it.
func waitFor(t *testing.T, screen *os.File, text string) string {
	t.Helper()

	if err := screen.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}

	var seen []byte

	for buffer := make([]byte, 4096); !bytes.Contains(seen, []byte(text)); {
		n, err := screen.Read(buffer)
		seen = append(seen, buffer[:n]...)

		if err != nil {
			t.Fatalf("the terminal shows %q, want %q: %v", seen, text, err)
		}
	}

	return string(seen)
}

func TestTable(t *testing.T) {
	p, out, _ := buffered(Text)
	p.Table(Table{
		Headers: []string{"NAME", "STATE"},
		Rows: [][]Cell{
			{C("sales"), {Text: "failed", Tone: Bad}},
			{C("ventas-méxico-日本"), C("")},
			{C("evil\x1b]0;title\x07\nname"), C("ok")},
		},
	})

	want := "" +
		"NAME                 STATE\n" +
		"sales                failed\n" +
		"ventas-méxico-日本   -\n" +
		"evil]0;title name    ok\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}

func TestFormats(t *testing.T) {
	document := struct {
		Name  string `json:"name"`
		Count int    `json:"count"`
	}{
		Name:  "a<b",
		Count: 2,
	}

	for format, want := range map[Format]string{
		Text: "text",
		JSON: "{\n  \"name\": \"a<b\",\n  \"count\": 2\n}\n",
		YAML: "count: 2\nname: a<b\n",
	} {
		p, out, _ := buffered(format)
		if err := p.Result(document, func() { p.Printf("text") }); err != nil || out.String() != want {
			t.Errorf("%q: %q, %v, want %q", format, out.String(), err, want)
		}
	}
}

// fullDisk is a file on a disk that is full.
type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

func TestResultThatCannotBeWritten(t *testing.T) {
	for _, format := range []Format{Text, JSON, YAML} {
		p := New(Settings{In: strings.NewReader(""), Out: fullDisk{}, Err: &bytes.Buffer{}, Format: format})

		err := p.Result(map[string]int{"a": 1}, func() { p.Table(Table{Headers: []string{"A"}}) })
		if !errors.Is(err, syscall.ENOSPC) || ExitCode(err) != CodeFailed {
			t.Errorf("the result in the format %q: %v, want that the disk is full", format, err)
		}
	}
}

func TestExitCodes(t *testing.T) {
	for _, test := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{errors.New("any"), 1},
		{ErrVerdict, 1},
		{Failed("", "x"), 1},
		{Usage("", "x"), 2},
		{fmt.Errorf("wrapped: %w", Unreachable("", "x")), 3},
	} {
		if got := ExitCode(test.err); got != test.want {
			t.Errorf("ExitCode(%v) = %d, want %d", test.err, got, test.want)
		}
	}
}

func TestFailSaysHowToFix(t *testing.T) {
	p, _, err := buffered(Text)
	p.Fail(fmt.Errorf("read it: %w", Failed("Do this.\nThen that.", "no \x1b[2Jsuch thing")))
	p.Fail(ErrVerdict)

	want := "Error: read it: no [2Jsuch thing\nFix:   Do this.\n       Then that.\n"
	if diff := cmp.Diff(want, err.String()); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
}

// TestEscapedEmojiAsYAML checks that a stored payload, in which Meta escapes emoji as two surrogates, can be written as YAML.
func TestEscapedEmojiAsYAML(t *testing.T) {
	p, out, _ := buffered(YAML)
	if err := p.Result(map[string]any{"payload": json.RawMessage(`{"body":"\ud83d\ude00","id":12345678901234567}`)}, nil); err != nil {
		t.Fatal(err)
	}

	if want := "payload:\n  body: \"\\U0001F600\"\n  id: 12345678901234567\n"; out.String() != want {
		t.Errorf("YAML (-want +got):\n%s", cmp.Diff(want, out.String()))
	}
}

func TestColorsOnTerminalsOnly(t *testing.T) {
	p, screen := onTerminal(t, false)
	p.Printf("%s end\n", p.Paint(Bad, "red"))

	if got := waitFor(t, screen, "end"); !strings.Contains(got, "\x1b[31mred\x1b[0m") {
		t.Errorf("a terminal shows %q", got)
	}

	p, screen = onTerminal(t, true)
	p.Printf("%s end\n", p.Paint(Bad, "red"))

	if got := waitFor(t, screen, "end"); strings.Contains(got, "\x1b") {
		t.Errorf("without colors a terminal shows %q", got)
	}

	p, out, _ := buffered(Text)
	p.Printf("%s", p.Paint(Bad, "red"))

	if got := out.String(); got != "red" {
		t.Errorf("a file has %q", got)
	}
}

// TestNoTextTakesOverTheTerminal checks what remains of texts from elsewhere, with and without colors.
func TestNoTextTakesOverTheTerminal(t *testing.T) {
	const hostile = "a\x1b]0;b\a\x9b\u009bc\u202ed\te\r\nf"

	for on, want := range map[bool]string{
		true:  "\x1b[31ma]0;b\uFFFDcd e f\x1b[0m a]0;b\uFFFDcd\te\nf",
		false: "a]0;b\uFFFDcd e f a]0;b\uFFFDcd\te\nf",
	} {
		p, out, _ := buffered(Text)
		p.out.on = on
		p.Printf("%s %s", p.Paint(Bad, hostile), hostile)

		if diff := cmp.Diff(want, out.String()); diff != "" {
			t.Errorf("with colors: %t (-want +got):\n%s", on, diff)
		}
	}
}

// TestDocumentsHaveNoControls checks that a document with control characters in its texts is the same document without them.
func TestDocumentsHaveNoControls(t *testing.T) {
	const text = "\x00\x1b\x7f\u0085\u009b\u00e9\u202e😀\n"

	for _, format := range []Format{JSON, YAML} {
		p, out, _ := buffered(format)
		if err := p.Line(map[string]string{"text": text}, nil); err != nil {
			t.Fatal(err)
		}

		if i := strings.IndexFunc(out.String(), func(r rune) bool { return r != '\n' && unicode.IsControl(r) }); i >= 0 {
			t.Errorf("%s has a control character: %q", format, out)
		}

		var read map[string]string
		if err := yaml.Unmarshal(out.Bytes(), &read); err != nil || read["text"] != text {
			t.Errorf("%s is read as %q, %v", format, read["text"], err)
		}
	}

	if got, want := string(Document([]byte("{\"a\":\t\"\x9b\"}\n"))), "{\"a\":\t\"\\ufffd\"}\n"; got != want {
		t.Errorf("a single byte becomes %q, want %q", got, want)
	}
}

func TestProgress(t *testing.T) {
	p, _, err := buffered(Text)
	now := time.Now()
	progress := p.Progress()
	progress.now = func() time.Time { return now }
	progress.shown = now

	for range 21 {
		progress.Update("%s", "copied")

		now = now.Add(time.Second)
	}

	progress.End()

	if got := err.String(); got != "copied\ncopied\n" {
		t.Errorf("a file has %q, want two lines in twenty seconds", got)
	}

	p, screen := onTerminal(t, false)
	progress = p.Progress()
	progress.now = func() time.Time { return now.Add(time.Hour) }
	progress.Update("copied")
	progress.End()
	p.Note("end")

	if got := waitFor(t, screen, "end"); !strings.Contains(got, "\r\x1b[Kcopied\r\x1b[K") {
		t.Errorf("a terminal shows %q", got)
	}
}

func TestConfirm(t *testing.T) {
	p, _, _ := buffered(Text)
	if err := p.Confirm(t.Context(), false, "Discard 2 dead letters?"); ExitCode(err) != CodeUsage {
		t.Errorf("without a terminal: %v, want an error of usage", err)
	}

	if err := p.Confirm(t.Context(), true, "Discard 2 dead letters?"); err != nil {
		t.Errorf("with --yes: %v", err)
	}

	for answer, want := range map[string]bool{
		"y\n":   true,
		"Yes\n": true,
		"\n":    false,
		"n\n":   false,
	} {
		p, screen := onTerminal(t, false)

		confirmed := make(chan error, 1)
		go func() { confirmed <- p.Confirm(t.Context(), false, "Discard 2 dead letters?") }()

		waitFor(t, screen, "Discard 2 dead letters? This cannot be taken back. [y/N] ")
		fmt.Fprint(screen, answer)

		if err := <-confirmed; (err == nil) != want {
			t.Errorf("the answer %q: %v, want confirmed = %t", answer, err, want)
		}
	}

	p, screen := onTerminal(t, false)
	ctx, cancel := context.WithCancel(t.Context())

	confirmed := make(chan error, 1)
	go func() { confirmed <- p.Confirm(ctx, false, "Discard?") }()

	waitFor(t, screen, "[y/N]")
	cancel()

	if err := <-confirmed; !errors.Is(err, context.Canceled) {
		t.Errorf("after Ctrl-C: %v, want it to be canceled", err)
	}
}

func TestTimes(t *testing.T) {
	now := time.Date(2026, 11, 23, 6, 49, 0, 0, time.UTC)
	if got := Ago(now, now.Add(-75*time.Second)) + " " + Ago(now, now.Add(time.Hour)) + Ago(now, time.Time{}) + " " + Seconds(90000); got != "75s 0s 25h" {
		t.Errorf("ages %q", got)
	}

	if got := Time(now) + Time(time.Time{}); got != "2026-11-23T06:49:00Z" {
		t.Errorf("times %q", got)
	}
}
