// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/listen"
	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/folder"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// deliverText delivers a text of a person to a receiver.
func deliverText(t *testing.T, r *rig.Rig, text string) {
	t.Helper()

	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()

	body := standin.TextDelivery(simulatedNumber, "15550104521", "Ana", standin.Wamid(text), text, time.Now())

	status, _, err := standin.Deliver(t.Context(), client, r.Local.WebhookURL(), folder.AppSecret, body)
	if err != nil || status != http.StatusOK {
		t.Fatalf("delivery answered %d, %v", status, err)
	}
}

// TestListen copies a question of a real receiver to a bridge: the receiver's answer goes to the person, the bridge's is only
// shown.
func TestListen(t *testing.T) {
	r := startReceiver(t, nil)
	bridge := newBridge(t, `{"response":"an answer of the copy"}`)

	for name, tc := range map[string]struct {
		flags []string
		text  string
		shown []string
	}{
		"masked":   {nil, "hola masked", []string{"…4521", "[11 characters]", "AI      text", "bridge  text", "an answer of the copy"}},
		"revealed": {[]string{"--reveal"}, "hola revealed", []string{"hola revealed"}},
	} {
		t.Run(name, func(t *testing.T) {
			sent := len(r.Graph.Sent())
			tool := startTool(t, append([]string{
				"listen", "--address", "http://" + r.Local.ConsoleAddr(), "--forward-to", bridge, "--key", "secret", "--count", "1",
			}, tc.flags...)...)

			tool.err.waitFor(t, "Copying the questions")
			deliverText(t, r, tc.text)

			for _, want := range tc.shown {
				tool.out.waitFor(t, strings.NewReplacer("[", `\[`, "]", `\]`).Replace(want))
			}

			if text := tool.out.waitFor(t, `(?s).*`)[0]; name == "masked" && strings.Contains(text, "hola") {
				t.Errorf("the text of the person is shown: %s", text)
			}

			for _, message := range r.Graph.Sent()[sent:] {
				if strings.Contains(message.Text, "copy") {
					t.Errorf("the answer of the bridge was sent: %+v", message)
				}
			}
		})
	}
}

func TestListenForPrograms(t *testing.T) {
	r := startReceiver(t, nil)
	bridge := newBridge(t, `{"response":{"type":"poll"}}`)

	tool := startTool(t, "listen", "--address", "http://"+r.Local.ConsoleAddr(), "--forward-to", bridge, "--key", "secret", "-o", "json")

	tool.err.waitFor(t, "Copying the questions")
	deliverText(t, r, "hola")

	line := tool.out.waitFor(t, `(?m)^\{.*\}$`)[0]

	var result listen.Result
	if err := json.Unmarshal([]byte(line), &result); err != nil || result.Question == nil || result.Bridge.Failure == "" {
		t.Errorf("%v: %s", err, line)
	}

	if code := tool.stop(); code != output.CodeDone {
		t.Errorf("exit code %d after Ctrl-C, want 0", code)
	}
}

func TestListenEndsWithAVerdict(t *testing.T) {
	r := startReceiver(t, nil)
	bridge := newBridge(t, `{"response":{"type":"poll"}}`)

	ended := make(chan ranTool, 1)
	tool := startTool(t, "listen", "--address", "http://"+r.Local.ConsoleAddr(), "--forward-to", bridge, "--key", "secret")

	tool.err.waitFor(t, "Copying the questions")

	go func() {
		ended <- runTool(t, "listen", "--address", "http://"+r.Local.ConsoleAddr(), "--forward-to", bridge, "--key", "secret", "--count", "1")
	}()

	// The second listener is connected when a question reaches it; each delivery is another question.
	for i := 0; ; i++ {
		deliverText(t, r, "hola "+strings.Repeat("x", i))
		tool.out.waitFor(t, strings.Repeat(`(?s).*process_text_message`, i+1))

		select {
		case got := <-ended:
			if got.code != output.CodeFailed {
				t.Errorf("exit code %d, output %s%s", got.code, got.out, got.err)
			}

			return
		default:
		}
	}
}

func TestListenRefusesWrongUsage(t *testing.T) {
	for args, want := range map[string]string{
		"--address http://localhost:1":                                                    "forward-to",
		"--address http://localhost:1 --forward-to localhost":                             "not a URL",
		"--address http://localhost:1 --forward-to http://localhost:2 --auth-scheme None": "--flow",
		"--forward-to http://localhost:2":                                                 "NAME",
	} {
		got := runTool(t, append([]string{"listen"}, strings.Fields(args)...)...)
		if got.code != output.CodeUsage || !strings.Contains(got.err, want) {
			t.Errorf("listen %s: exit code %d, errors %q, want 2 and %q", args, got.code, got.err, want)
		}
	}

	if got := runTool(t, "listen", "--address", "http://127.0.0.1:1", "--forward-to", "http://localhost:2"); got.code != output.CodeUnreachable {
		t.Errorf("no receiver: exit code %d, errors %q", got.code, got.err)
	}
}
