// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package conversationid

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

const name = "106540352242922:573001234567"

func TestRoundTrip(t *testing.T) {
	codec := New([]string{"secret"})

	rapid.Check(t, func(t *rapid.T) {
		name := string(rapid.SliceOfN(rapid.Byte(), 1, MaxName).Draw(t, "name"))

		id := codec.Encode(name)
		if !regexp.MustCompile(`^[A-Za-z0-9_-]+$`).MatchString(id) || len(id) > MaxID {
			t.Fatalf("the id of %q is %q", name, id)
		}

		if got, ok := codec.Decode(id); !ok || got != name {
			t.Fatalf("%q decodes to %q, %v", name, got, ok)
		}

		if again := New([]string{"secret"}).Encode(name); again != id {
			t.Fatalf("%q has the ids %q and %q", name, id, again)
		}
	})
}

func TestIDRevealsNothing(t *testing.T) {
	codec := New([]string{"secret"})
	other := "106540352242922:14155550100"

	id := codec.Encode(name)
	if len(id) != len(codec.Encode(other)) {
		t.Error("the length of an id depends on the phone number")
	}

	if id[:20] == codec.Encode(other)[:20] {
		t.Error("two names with the same beginning have ids with the same beginning")
	}

	if strings.Contains(codec.Fingerprint(name), "4567") || codec.Fingerprint(name) == New([]string{"other"}).Fingerprint(name) {
		t.Error("a fingerprint does not depend on the secret")
	}
}

func TestRotation(t *testing.T) {
	before := New([]string{"old"}).Encode(name)
	during := New([]string{"new", "old"})

	if got, ok := during.Decode(before); !ok || got != name {
		t.Errorf("an id of the earlier secret decodes to %q, %v", got, ok)
	}

	if during.Encode(name) != New([]string{"new"}).Encode(name) {
		t.Error("an id is not encoded with the first secret")
	}

	if _, ok := New([]string{"new"}).Decode(before); ok {
		t.Error("an id of a removed secret is accepted")
	}
}

func TestForgedIDsAreRefused(t *testing.T) {
	codec := New([]string{"secret"})
	id := codec.Encode(name)

	for i := range id {
		changed := []byte(id)
		changed[i] ^= 1

		if got, ok := codec.Decode(string(changed)); ok {
			t.Errorf("with another byte %d the id decodes to %q", i, got)
		}
	}

	for _, forged := range []string{"", "x", name, id + "=", id[1:], id + id, strings.Repeat("A", MaxID+1), strings.Repeat("A", len(id))} {
		if got, ok := codec.Decode(forged); ok {
			t.Errorf("%.40q decodes to %q", forged, got)
		}
	}
}

func TestNoID(t *testing.T) {
	codec := New([]string{"secret"})
	if codec.Encode("") != "" || codec.Encode(strings.Repeat("1", MaxName+1)) != "" || New([]string{""}).Encode(name) != "" {
		t.Error("a name without an id has one")
	}

	if id := codec.Encode(strings.Repeat("1", MaxName)); len(id) != MaxID {
		t.Errorf("the longest id has %d bytes, want MaxID", len(id))
	}
}

func TestNoIDIsTakenForAFlag(t *testing.T) {
	codec := New([]string{"secret"})

	for i := range 1000 {
		if id := codec.Encode(fmt.Sprintf("42:%d", i)); strings.HasPrefix(id, "-") {
			t.Fatalf("%s begins with a dash", id)
		}
	}
}
