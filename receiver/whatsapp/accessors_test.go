// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// FuzzAccessors feeds what Meta, or one who has our app secret, could send to everything that reads a delivery. What is
// read must be such that it can be written again.
func FuzzAccessors(f *testing.F) {
	files, err := filepath.Glob("testdata/deliveries/*.json")
	if err != nil {
		f.Fatal(err)
	}

	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}

		f.Add(body)
	}

	f.Fuzz(func(t *testing.T, body []byte) {
		items, err := Split(body)
		if err != nil {
			return
		}

		for _, item := range items {
			// Each part is also taken for each other.
			for _, part := range []Part{PartMessage, PartStatus, PartError, PartField} {
				item.Part = part
				if _, err := json.Marshal(look(item)); err != nil {
					t.Fatalf("what was read of a %s cannot be written: %v", part, err)
				}
			}
		}
	})
}

func TestTypesAreNotMistakenForOneAnother(t *testing.T) {
	body := `{"id":"a","type":"%","text":{},"image":{},"location":{"latitude":1,"longitude":2},"contacts":[],"interactive":{},"button":{},"reaction":{},"order":{},"system":{},"edit":{"message":{}},"revoke":{}}`

	m, err := ParseMessage(raw(body))
	if err != nil {
		t.Fatal(err)
	}

	for _, typ := range []Text{"text", "image", "location", "contacts", "interactive", "button", "reaction", "order", "system", "edit", "revoke", "%"} {
		m.Type = typ
		read := map[Text]bool{}
		_, read["image"] = m.Media()
		_, read["location"] = m.Location()
		_, read["contacts"] = m.Contacts()
		_, read["interactive"] = m.Interactive()
		_, read["button"] = m.Button()
		_, read["reaction"] = m.Reaction()
		_, read["order"] = m.Order()
		_, read["system"] = m.System()
		_, read["edit"] = m.Edit()

		_, read["revoke"] = m.Revoke()
		for accessor, ok := range read {
			if ok != (accessor == typ) {
				t.Errorf("a message of type %s is read as %s: %t", typ, accessor, ok)
			}
		}
	}
}
