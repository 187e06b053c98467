// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func TestShownConfigurationHasNoCredentials(t *testing.T) {
	shown, err := Config{
		Bird:          Bird{BaseURL: "https://bird.example/hooks"},
		Notifications: Notifications{SinkURL: "https://user:hunter2@sink.example/notices?token=hunter2#hunter2"},
		Tracing:       Tracing{EndpointURL: "http://hunter2@collector:4318"},
	}.WithDefaults().Shown()
	if err != nil {
		t.Fatal(err)
	}

	text := fmt.Sprint(shown)
	for _, want := range []string{
		"https://bird.example/hooks", "https://REDACTED@sink.example/notices?REDACTED", "http://REDACTED@collector:4318", "retentionDays:30",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the configuration %s lacks %s", text, want)
		}
	}

	if strings.Contains(text, "hunter2") {
		t.Errorf("the configuration shows a credential: %s", text)
	}
}

// TestEverySecretIsCounted checks that each field of Secrets, once set, is counted under its own role.
func TestEverySecretIsCounted(t *testing.T) {
	seen := map[string]bool{}

	for i := range reflect.TypeFor[Secrets]().NumField() {
		var secrets Secrets

		field := reflect.ValueOf(&secrets).Elem().Field(i)
		want := 1

		if field.Kind() == reflect.Slice {
			field.Set(reflect.ValueOf([]string{"hunter2", "hunter3"}))

			want = 2
		} else {
			field.SetString("hunter2")
		}

		counted := ""

		for role, n := range secrets.Counts() {
			if n == want && !seen[role] {
				counted = role
			} else if n != 0 {
				t.Errorf("%s has %d values, want none", role, n)
			}
		}

		if counted == "" {
			t.Errorf("the field %s is not counted", reflect.TypeFor[Secrets]().Field(i).Name)
		}

		seen[counted] = true
	}
}
