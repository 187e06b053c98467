// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/dev"
	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
)

func TestWrongUsageOfDev(t *testing.T) {
	for args, want := range map[string]string{
		"--echo --bridge http://localhost:8000":            "[bridge echo]",
		"--bridge localhost:8000":                          "give one such as http://localhost:8000",
		"--openai http://localhost:11434/v1":               "--openai needs --model",
		"--model small":                                    "Add --openai with a URL.",
		"--bridge-key secret":                              "Add --bridge with a URL.",
		"--flow-key secret --bridge http://localhost:8000": "Add --flow with a URL.",
		"--port 70000":                                     "--port 70000 is not a port",
		"--openai http://localhost:11434/v1 --model small --instructions no-such-file": "Give the path of a text file.",
		"now": "Usage: kubectl whatsapp dev",
	} {
		got := runTool(t, append([]string{"dev"}, strings.Fields(args)...)...)
		if got.code != output.CodeUsage || !strings.Contains(got.err, want) {
			t.Errorf("dev %s: exit code %d, errors %q, want 2 and %q", args, got.code, got.err, want)
		}
	}
}

// TestDevPrintsTraces follows dev as a program does, and ends it as Ctrl-C does.
func TestDevPrintsTraces(t *testing.T) {
	outReader, out := io.Pipe()
	errReader, errWriter := io.Pipe()

	ctx, stop := context.WithCancel(t.Context())
	defer stop()

	code := make(chan int, 1)

	go func() {
		code <- run(ctx, &global{
			name: "whatsapp-webhook",
			in:   strings.NewReader(""),
			out:  out,
			err:  errWriter,
		}, []string{"dev", "--port", "0", "-o", "json"})

		_ = out.Close()
		_ = errWriter.Close()
	}()

	var address string

	notes := bufio.NewScanner(errReader)
	for address == "" && notes.Scan() {
		address = regexp.MustCompile(`http://localhost:\d+`).FindString(notes.Text())
	}

	go func() { _, _ = io.Copy(io.Discard, errReader) }()

	client := &http.Client{}
	defer client.CloseIdleConnections()

	response, err := client.Post(address+"/api/messages", "application/json", strings.NewReader(`{"type":"text","text":"hello"}`))
	if err != nil {
		t.Fatal(err)
	}

	_ = response.Body.Close()

	traces := json.NewDecoder(outReader)
	kinds := map[string]bool{}

	for !kinds[dev.TraceStatus] {
		var trace dev.Trace
		if err := traces.Decode(&trace); err != nil {
			t.Fatal(err)
		}

		kinds[trace.Kind] = true
	}

	for _, kind := range []string{dev.TraceDelivery, dev.TraceEvent, dev.TraceQuestion, dev.TraceSend} {
		if !kinds[kind] {
			t.Errorf("no trace of kind %s", kind)
		}
	}

	stop()

	_, _ = io.Copy(io.Discard, outReader)

	if got := <-code; got != output.CodeDone {
		t.Errorf("ended with %d", got)
	}
}
