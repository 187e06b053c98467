// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/rivo/uniseg"
	"pgregory.net/rapid"
)

const (
	family = "👨\u200d👩\u200d👧\u200d👦"         // 11 code units
	accent = "e\u0301"                        // an accent as a separate code point
	woman  = "👩🏽\u200d❤\ufe0f\u200d💋\u200d👩🏿" // with skin tones and a variation selector
)

func TestSplitText(t *testing.T) {
	repeat := strings.Repeat
	for name, tc := range map[string]struct {
		text string
		want []string
	}{
		"empty":               {"", []string{""}},
		"blank":               {" \r\n\u00a0", []string{""}},
		"short":               {" hello\r\n", []string{"hello"}},
		"at the limit":        {repeat("a", 4096), []string{repeat("a", 4096)}},
		"carriage return":     {repeat("a", 4096) + "\r\n", []string{repeat("a", 4096)}},
		"no-break space":      {repeat("a", 4096) + "\u00a0", []string{repeat("a", 4096)}},
		"blank at the limit":  {repeat("a", 4096) + " b", []string{repeat("a", 4096), "b"}},
		"at the last blank":   {"x " + repeat("a", 4000) + "\r\n\r\n" + repeat("b", 4000), []string{"x " + repeat("a", 4000), repeat("b", 4000)}},
		"no-break spaces":     {"x " + repeat("9\u00a0km", 2000), []string{"x", repeat("9\u00a0km", 1024), repeat("9\u00a0km", 976)}},
		"one long word":       {repeat("a", 9000), []string{repeat("a", 4096), repeat("a", 4096), repeat("a", 808)}},
		"families":            {repeat(family, 700), []string{repeat(family, 372), repeat(family, 328)}},
		"accents":             {"x" + repeat(accent, 3000), []string{"x" + repeat(accent, 2047), repeat(accent, 953)}},
		"flags":               {repeat("🇩🇪", 1500), []string{repeat("🇩🇪", 1024), repeat("🇩🇪", 476)}},
		"a blank with accent": {repeat("a", 4095) + " \u0301b", []string{repeat("a", 4095), " \u0301b"}},
		"a character above the limit": {
			"e" + repeat("\u0301", 5000),
			[]string{"e" + repeat("\u0301", 4095), repeat("\u0301", 905)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, SplitText(tc.text)); diff != "" {
				t.Errorf("SplitText() (-want +got):\n%s", diff)
			}
		})
	}
}

// TestSplitTextOfOneCharacter splits a text that is one character as people see it. Each piece must not read all of the rest.
func TestSplitTextOfOneCharacter(t *testing.T) {
	const count = 1 << 22

	for _, character := range []string{"e" + strings.Repeat("\u0301", count), "a e" + strings.Repeat("\u20dd", count)} {
		ended := make(chan struct{})

		go func() {
			defer close(ended)

			if got := strings.Join(SplitText(character), ""); len(got) < len(character)-1 {
				t.Errorf("%d bytes of %d are left", len(got), len(character))
			}
		}()

		select {
		case <-ended:
		case <-time.After(time.Minute): // quadratic time is several minutes
			t.Fatal("the text is not split after a minute")
		}
	}
}

func TestTitlesAreCutBetweenCharacters(t *testing.T) {
	for name, tc := range map[string]struct {
		title string
		want  string
		cut   int
	}{
		"within the limit": {"Yes, please", "Yes, please", 0},
		"a word":           {"Tell me more about it", "Tell me more about i", 1},
		"ends with a blank": {
			"Tell me more about\u00a0 it",
			"Tell me more about",
			1,
		},
		"families": {strings.Repeat(family, 4), family, 1},
		"accents":  {strings.Repeat(accent, 11), strings.Repeat(accent, 10), 1},
		"skin":     {"ab" + woman + woman, "ab" + woman, 1},
	} {
		t.Run(name, func(t *testing.T) {
			var c truncator
			if got := c.fit(tc.title, 20); got != tc.want || c.count != tc.cut {
				t.Errorf("fit(%q) = %q with %d cut, want %q with %d", tc.title, got, c.count, tc.want, tc.cut)
			}
		})
	}
}

// characters returns the grapheme clusters of texts that are not blank.
func characters(texts ...string) []string {
	var all []string

	for _, text := range texts {
		for clusters := uniseg.NewGraphemes(text); clusters.Next(); {
			if !isBlank(clusters.Str()) {
				all = append(all, clusters.Str())
			}
		}
	}

	return all
}

func TestSplitTextLosesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		character := rapid.SampledFrom([]string{"a", "é", "漢", "😀", "\u0301", "\u200d", "🇩", " ", "\u00a0", "\r", "\n", family, accent, woman})
		words := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string {
			return strings.Repeat(character.Draw(t, "character"), rapid.IntRange(1, 3000).Draw(t, "times"))
		}), 0, 8).Draw(t, "words")

		checkSplit(t, strings.Join(words, rapid.SampledFrom([]string{"", " ", "\n\n"}).Draw(t, "separator")))
	})
}

func TestMonospacedTextGoesOnInTheNextPiece(t *testing.T) {
	words := func(n int) string { return strings.TrimSpace(strings.Repeat("word ", n)) }

	for name, tc := range map[string]struct {
		text string
		want []string
	}{
		"that fits":          {"```\n" + words(10) + "\n```", []string{"```\n" + words(10) + "\n```"}},
		"in three pieces":    {"```\n" + words(1700) + "\n``` end", []string{"```\n" + words(817) + "\n```", "```\n" + words(817) + "\n```", "```\n" + words(66) + "\n``` end"}},
		"before the cut":     {"```a``` " + words(900), []string{"```a``` " + words(816), words(84)}},
		"that never ends":    {words(900) + " ```a", []string{words(817), words(83) + " ```a"}},
		"behind the one cut": {words(900) + " ```a```", []string{words(817), words(83) + " ```a```"}},
	} {
		if diff := cmp.Diff(tc.want, SplitText(tc.text)); diff != "" {
			t.Errorf("%s: SplitText() (-want +got):\n%s", name, diff)
		}
	}
}

func FuzzSplitText(f *testing.F) {
	f.Add(strings.Repeat(family, 700))
	f.Add("x" + strings.Repeat(accent, 3000))
	f.Add(strings.Repeat("a", 4096) + "\r\n")
	f.Add(strings.Repeat(" ", 5000) + "b\u00a0")
	f.Add("e" + strings.Repeat("\u0301", 5000))
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, monospace) {
			t.Skip("a cut within monospaced text adds its marks")
		}

		checkSplit(t, strings.ToValidUTF8(text, "?"))
	})
}

// failer is a test of package testing or rapid.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// checkSplit checks that the pieces can be sent, and that together they are the text without the white space at the cuts.
func checkSplit(t failer, text string) {
	t.Helper()

	pieces := SplitText(text)
	for _, piece := range pieces {
		if blank := strings.TrimSpace(piece) == ""; blank != (strings.TrimSpace(text) == "") {
			t.Fatalf("a piece of %d is blank: %t", len(pieces), blank)
		}

		_, err := Encode(Reply{To: Recipient{WaID: "1"}}, TextContent{Text: piece})
		if err != nil && piece != "" {
			t.Fatalf("a piece cannot be sent: %v", err)
		}

		if n := codeUnits(piece); n > MaxTextRunes || !utf8.ValidString(piece) {
			t.Fatalf("a piece has %d code units, or cuts a code point", n)
		}
	}

	want := characters(text)
	if slices.ContainsFunc(want, func(c string) bool { return codeUnits(c) > MaxTextRunes }) {
		return // it has to be cut
	}

	if got := characters(pieces...); !slices.Equal(want, got) {
		t.Fatalf("the pieces have %d characters, the text has %d", len(got), len(want))
	}
}
