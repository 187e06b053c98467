// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package console

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/consoleapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/gate"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// TestEveryTextIsTranslated reads the texts of the templates and of the code.
func TestEveryTextIsTranslated(t *testing.T) {
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}

	templates, err := filepath.Glob("templates/*.html")
	if err != nil {
		t.Fatal(err)
	}

	text := regexp.MustCompile(`(?:\.T "|(?:v\.T|perMinute|seconds|number|confirmed)\(\s*")([^"]+)"(?:,\s*"([^"]+)")?`)
	found := 0

	for _, file := range slices.Concat(sources, templates) {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}

		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}

		for _, match := range text.FindAllStringSubmatch(string(content), -1) {
			for _, english := range match[1:] {
				if english == "" {
					continue
				}

				found++

				spanish, ok := translations[english]
				if !ok {
					t.Errorf("%s: %q has no translation", file, english)
				}

				if verbs(spanish) != verbs(english) {
					t.Errorf("%q has the verbs %s, its translation %s", english, verbs(english), verbs(spanish))
				}
			}
		}
	}

	for act, english := range doneTexts {
		if _, ok := translations[english]; !ok {
			t.Errorf("the notice of %s has no translation", act)
		}
	}

	if found < 100 {
		t.Errorf("only %d texts were found", found)
	}
}

// verbs returns the verbs of a format, in their order.
func verbs(format string) string {
	return strings.Join(regexp.MustCompile(`%[.0-9]*[a-z]`).FindAllString(format, -1), " ")
}

func TestLanguage(t *testing.T) {
	for _, c := range []struct{ cookie, accepted, want string }{
		{"", "", english},
		{"", "es-MX,es;q=0.9,en;q=0.8", spanish},
		{"", "fr, es;q=0.5", spanish},
		{"", "de", english},
		{"en", "es", english},
		{"es", "en", spanish},
		{"xx", "es", spanish},
	} {
		r := httptest.NewRequest("GET", "/console/", nil)
		r.Header.Set("Accept-Language", c.accepted)

		if c.cookie != "" {
			r.Header.Set("Cookie", languageCookie+"="+c.cookie)
		}

		if got := languageOf(r); got != c.want {
			t.Errorf("cookie %q, accepted %q: %s, want %s", c.cookie, c.accepted, got, c.want)
		}
	}
}

func TestAge(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second:     "0 s",
		45 * time.Second: "45 s",
		90 * time.Minute: "1 h 30 min",
		50 * time.Hour:   "2 d 2 h",
	} {
		if got := age(d); got != want {
			t.Errorf("%s is %q, want %q", d, got, want)
		}
	}
}

// TestWordsOfTheAPI checks that each word by which a page names a state is translated.
func TestWordsOfTheAPI(t *testing.T) {
	for _, word := range slices.Concat(
		words(store.Pending, store.Done, store.Skipped, store.Human, store.Expired, store.Quarantined, store.Dead, store.Discarded),
		words(store.KindMessage, store.KindStatus, store.KindError, store.KindField, store.KindOutbound, store.KindNotice,
			store.KindStatusReport, store.KindDeskMessage, store.KindUnknown),
		words(store.Colleague, store.OtherResponder, store.HandedOff, store.Desk),
		words(consoleapi.JobReplay, consoleapi.JobDiscard),
		words(consoleapi.JobRunning, consoleapi.JobDone, consoleapi.JobFailed, consoleapi.JobCancelled),
		words(gate.RateLimited, gate.Refused, gate.Unavailable),
		words(health.SubscriptionActive, health.SubscriptionPending, health.SubscriptionFailed, health.SubscriptionNotRequested),
		words(health.TokenAccepted, health.TokenRefused, health.TokenUnknown),
	) {
		if translations[word] == "" {
			t.Errorf("%q has no translation", word)
		}
	}
}

func words[T ~string](named ...T) []string {
	all := make([]string, 0, len(named))
	for _, word := range named {
		all = append(all, string(word))
	}

	return all
}
