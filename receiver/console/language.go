// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package console

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The languages of the pages. Texts are English in the templates and in the code; spanish translates them.
const (
	english = "en"
	spanish = "es"
)

// languageCookie remembers the language that a person chose.
const languageCookie = "language"

// languageOf returns the language that the person chose, or the first that the browser accepts and the console knows.
func languageOf(r *http.Request) string {
	if cookie, err := r.Cookie(languageCookie); err == nil && isLanguage(cookie.Value) {
		return cookie.Value
	}

	for accepted := range strings.SplitSeq(r.Header.Get("Accept-Language"), ",") {
		tag, _, _ := strings.Cut(accepted, ";")

		language, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(tag)), "-")
		if isLanguage(language) {
			return language
		}
	}

	return english
}

func isLanguage(name string) bool { return name == english || name == spanish }

// translate returns a text in a language, with its arguments as in fmt.Sprintf. A word of the API, such as rate_limited, is
// shown with spaces.
func translate(language, text string, args ...any) string {
	translated, ok := translations[text]

	switch {
	case ok && language == spanish:
		text = translated
	case !strings.Contains(text, " "):
		text = strings.ReplaceAll(text, "_", " ")
	}

	if len(args) == 0 {
		return text
	}

	return fmt.Sprintf(text, args...)
}

// age returns a duration in its two greatest units, such as 3 h 20 min.
func age(d time.Duration) string {
	d = max(d, 0)
	days := int(d.Hours()) / 24

	switch {
	case d < time.Minute:
		return strconv.Itoa(int(d.Seconds())) + " s"
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case days < 1:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	default:
		return fmt.Sprintf("%d d %d h", days, int(d.Hours())%24)
	}
}
