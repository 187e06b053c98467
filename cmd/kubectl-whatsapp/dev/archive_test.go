// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package dev

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestStoreKeepsTheChat(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	content := []byte("a picture")

	var (
		before State
		photo  Message
	)

	t.Run("first run", func(t *testing.T) {
		f := start(t, Options{Dir: dir})
		f.later(time.Hour)
		photo, _ = f.upload(TypeImage, "cat.png", "image/png", "my cat", content)
		answer := f.answer()
		wait(f, StreamStatus, func(s StatusChange) bool { return s.Message == answer.ID && s.Status == StatusRead })

		before = f.state()
	})
	t.Run("second run", func(t *testing.T) {
		f := start(t, Options{Dir: dir})
		after := f.state()

		if diff := cmp.Diff(before.Messages, after.Messages); diff != "" {
			t.Error(diff)
		}

		if diff := cmp.Diff(before.People, after.People); diff != "" {
			t.Error(diff)
		}

		if ahead := after.Clock.AheadSeconds; ahead < 3599 || ahead > 3601 {
			t.Errorf("the clock is %d s ahead", ahead)
		}

		if got := f.get(photo.Media.URL); !bytes.Equal(got, content) {
			t.Errorf("the picture is %q", got)
		}

		f.write(NewMessage{
			Type:    TypeText,
			Text:    "and now?",
			ReplyTo: photo.ID,
		})

		if answer := f.answer(); answer.Text != "You said: and now?" {
			t.Errorf("answered %q", answer.Text)
		}
	})
	t.Run("a damaged chat", func(t *testing.T) {
		if err := os.WriteFile(filepath.Join(dir, "chat.json"), []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}

		if _, err := Open(t.Context(), Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "remove the file") {
			t.Errorf("opened with %v", err)
		}
	})
}

func TestMessagesKeyIsChosen(t *testing.T) {
	f := start(t, Options{MessagesKey: "chosen"})
	f.text("hello")
	f.answer()

	body := strings.NewReader(jsonOf(t, map[string]string{
		"conversation_key": lane(f.state().People[0]),
		"response":         "one more thing",
	}))

	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, f.server.URL()+"/v1/messages", body)
	if err != nil {
		t.Fatal(err)
	}

	request.Header.Set("Authorization", "Bearer chosen")
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Idempotency-Key", "one")

	if status := f.do(request, nil); status != http.StatusAccepted {
		t.Fatalf("answered %d", status)
	}

	if answer := f.answer(); answer.Text != "one more thing" {
		t.Errorf("answered %q", answer.Text)
	}
}
