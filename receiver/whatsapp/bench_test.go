// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"
)

// BenchmarkText splits the delivery of a text, encodes its item, and reads it as the engine does.
func BenchmarkText(b *testing.B) {
	body := sample(b, "message.text.json")

	b.ReportAllocs()

	for b.Loop() {
		items, err := Split(body)
		if err != nil || len(items) != 1 {
			b.Fatal(items, err)
		}

		if _, err := items[0].Message(); err != nil {
			b.Fatal(err)
		}

		stored, err := Decode(items[0].Encode())
		if err != nil {
			b.Fatal(err)
		}

		message, err := stored.Message()
		if err != nil || message.TextBody() == "" || message.Conversation("42") == "" {
			b.Fatal(message, err)
		}
	}
}

// BenchmarkSplit splits the delivery of a text.
func BenchmarkSplit(b *testing.B) {
	body := sample(b, "message.text.json")

	b.ReportAllocs()

	for b.Loop() {
		if items, err := Split(body); err != nil || len(items) != 1 {
			b.Fatal(items, err)
		}
	}
}

// BenchmarkSplitStatus splits the delivery of a status and parses it.
func BenchmarkSplitStatus(b *testing.B) {
	body := sample(b, "status.delivered.json")

	b.ReportAllocs()

	for b.Loop() {
		items, err := Split(body)
		if err != nil || len(items) != 1 {
			b.Fatal(items, err)
		}

		if status, err := ParseStatus(items[0].Raw); err != nil || status.MessageID == "" {
			b.Fatal(status, err)
		}
	}
}

func sample(b *testing.B, name string) []byte {
	b.Helper()

	body, err := os.ReadFile("testdata/deliveries/" + name)
	if err != nil {
		b.Fatal(err)
	}

	var compact bytes.Buffer
	if err := json.Compact(&compact, body); err != nil { // as Meta sends it
		b.Fatal(err)
	}

	return compact.Bytes()
}
