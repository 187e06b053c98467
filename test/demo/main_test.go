// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/creack/pty"
	"go.uber.org/goleak"

	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/checkout"
)

// runsMain is the variable with which the test's program runs the demo instead of the tests.
const runsMain = "DEMO_RUNS_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(runsMain) != "" {
		main()
		return
	}

	goleak.VerifyTestMain(m)
}

// command returns the demo as a separate process.
func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	checkout.DependOn(t)

	cmd := exec.CommandContext(t.Context(), os.Args[0], append([]string{"-resources", samples}, args...)...)
	cmd.Env = append(os.Environ(), runsMain+"=1", "TERM=xterm", "NO_COLOR=1")

	return cmd
}

var chatURL = regexp.MustCompile(`Chat\s+(http://localhost:\d+)`)

// TestDemoStaysUpInATerminal plays the whole demo in a terminal, chats with it, and ends it by Ctrl-C.
func TestDemoStaysUpInATerminal(t *testing.T) {
	cmd := command(t)

	terminal, err := pty.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() { _ = terminal.Close() })

	var seen strings.Builder

	lines := bufio.NewScanner(terminal)
	until := func(found func(line string) bool) string {
		for lines.Scan() {
			seen.WriteString(lines.Text() + "\n")

			if found(lines.Text()) {
				return lines.Text()
			}
		}

		t.Fatalf("the demo ended:\n%s", seen.String())

		return ""
	}

	until(func(line string) bool { return strings.Contains(line, "All checks passed.") })

	address := chatURL.FindStringSubmatch(until(chatURL.MatchString))[1]

	client := &http.Client{}
	defer client.CloseIdleConnections()

	response, err := client.Post(address+"/api/messages", "application/json", strings.NewReader(`{"type":"text","text":"hello"}`))
	if err != nil {
		t.Fatal(err)
	}

	_ = response.Body.Close()

	if response.StatusCode != http.StatusCreated {
		t.Errorf("the message was answered %d", response.StatusCode)
	}

	until(func(line string) bool { return strings.Contains(line, "Message sent through Meta: text → 200") })

	if _, err := terminal.WriteString("\x03"); err != nil { // Ctrl-C
		t.Fatal(err)
	}

	_, _ = io.Copy(io.Discard, terminal) // until the process closes it

	if err := cmd.Wait(); err != nil {
		t.Errorf("after Ctrl-C: %v", err)
	}
}

// TestDemoEndsWithItsVerdict runs the demo where nothing may wait for a person: in CI, and in a terminal with files.
func TestDemoEndsWithItsVerdict(t *testing.T) {
	t.Run("without a terminal", func(t *testing.T) {
		out, err := command(t).CombinedOutput()
		if err != nil || !bytes.Contains(out, []byte("All checks passed.")) || chatURL.Match(out) {
			t.Errorf("%v:\n%s", err, out)
		}
	})

	t.Run("with files", func(t *testing.T) {
		dir := t.TempDir()
		sample := "../../receiver/whatsapp/testdata/deliveries/message.text.json"

		content, err := os.ReadFile(sample)
		if err == nil {
			err = os.WriteFile(dir+"/text.json", content, 0o600)
		}

		if err != nil {
			t.Fatal(err)
		}

		cmd := command(t, "-deliveries", dir)

		terminal, err := pty.Start(cmd)
		if err != nil {
			t.Fatal(err)
		}

		defer func() { _ = terminal.Close() }()

		out, _ := io.ReadAll(terminal) // a terminal whose process has ended is an error

		if err := cmd.Wait(); err != nil || !bytes.Contains(out, []byte("All checks passed.")) || chatURL.Match(out) {
			t.Errorf("%v:\n%s", err, out)
		}
	})
}
