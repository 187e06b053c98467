// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package markdown_test

import (
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/markdown"
)

func TestToWhatsApp(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"bold":                       {"**a** __b c__", "*a* *b c*"},
		"italic":                     {"*a* _b_", "_a_ _b_"},
		"bold and italic":            {"***a*** ___b___ **_c_** *__d__* __*e*__", "*_a_* *_b_* *_c_* _*d*_ *_e_*"},
		"italic within bold":         {"**a *b* c** **a *b*** ***a* b**", "*a _b_ c* *a _b_* *_a_ b*"},
		"bold within bold":           {"**a __b__ c**", "*a b c*"},
		"strike":                     {"~~a~~ **~~b~~**", "~a~ *~b~*"},
		"bold over lines":            {"**a  \nb**", "*a*\n*b*"},
		"bold over quoted lines":     {"> **a\n> b**", "> *a*\n> *b*"},
		"bold within a word":         {"**S**trengths, ver**y** good", "*S*trengths, ver*y* good"},
		"bold without spaces":        {"中文**粗体**中文*斜体*中文", "中文*粗体*中文_斜体_中文"},
		"bold before punctuation":    {"**“引号”**文 **¡Hola!**", "*“引号”*文 *¡Hola!*"},
		"bold right to left":         {"**שלום** *مرحبا*", "*שלום* _مرحبا_"},
		"bold emoji":                 {"**🔥 Oferta 👨‍👩‍👧‍👦**", "*🔥 Oferta 👨‍👩‍👧‍👦*"},
		"bold without an end":        {"**a and *b", "**a and *b"},
		"a URL alone in bold":        {"**https://example.com/a_b**", "https://example.com/a_b"},
		"code":                       {"`**a**` **`b`**", "`**a**` *`b`*"},
		"code with backticks":        {"``a`b`` `` c `` ```**d**```", "```a`b``` `c` ```**d**```"},
		"fenced code":                {"```python\na = __b__ * **c**\n```\n**d**", "```\na = __b__ * **c**\n```\n*d*"},
		"fence of tildes":            {"~~~\n*a*\n~~~", "```\n*a*\n```"},
		"fence within a list":        {"- a\n  ```js\n  *b*\n  ```", "- a\n  ```\n  *b*\n  ```"},
		"fence within a quote":       {"> ```\n> *a*\n> ```\n*b*", "> ```\n> *a*\n> ```\n_b_"},
		"fence without an end":       {"```\n*a*", "```\n*a*\n```"},
		"indented code":              {"a\n\n    **b**\n\n**c**", "a\n\n    **b**\n\n*c*"},
		"bullets":                    {"* a\n+ b\n- c\n*   **d**", "- a\n- b\n- c\n- *d*"},
		"nested bullets":             {"- a\n    * b\n\t+ c", "- a\n    - b\n\t- c"},
		"tasks":                      {"- [ ] a\n* [x] **b**\n1. [X] c", "- ☐ a\n- ☑ *b*\n1. ☑ c"},
		"numbers":                    {"1. a\n2. **b**", "1. a\n2. *b*"},
		"numbers that repeat":        {"1. a\n   1. b\n   1. c\n1. d\n\n1. e", "1. a\n   1. b\n   2. c\n2. d\n\n3. e"},
		"numbers of two lists":       {"1. a\n\nb\n\n1. c", "1. a\n\nb\n\n1. c"},
		"quotes":                     {"> a\n>b\n>> **c**", "> a\n> b\n> *c*"},
		"link":                       {"[the page](https://example.com/p)", "the page (https://example.com/p)"},
		"link with title":            {`[a](https://b.c "T") [d](<https://e.f/x y>)`, "a (https://b.c) d (https://e.f/x%20y)"},
		"link with parentheses":      {"[a](https://b.c/d_(e)_f).", "a (https://b.c/d_(e)_f)."},
		"link with formats":          {"**[a](https://b.c)** [*d*](https://e.f)", "*a (https://b.c)* _d_ (https://e.f)"},
		"link whose text is its URL": {"[https://a.b](https://a.b) [a.b](https://www.a.b/)", "https://a.b https://www.a.b/"},
		"link without text":          {"[](https://a.b)", "https://a.b"},
		"link within the page":       {"[a](#b)", "a"},
		"mail":                       {"[a](mailto:b@c.d?subject=e) [b@c.d](mailto:b@c.d)", "a (b@c.d) b@c.d"},
		"phone":                      {"[a](tel:+5712) [+57 12](tel:+5712)", "a (+5712) +5712"},
		"image":                      {"![a](https://b.c/d.png) ![](https://b.c/d.png)", "a (https://b.c/d.png) https://b.c/d.png"},
		"image as link":              {"[![a](https://b.c/d.png)](https://e.f) [![b.c](https://b.c)](https://e.f)", "a (https://e.f) https://b.c (https://e.f)"},
		"autolinks":                  {"<https://a.b/c_d_e> <mailto:a@b.c> <a@b.c>", "https://a.b/c_d_e a@b.c a@b.c"},
		"reference links":            {"[a][1], [b][], [c]\n\n[1]: https://a.b\n[B]: <https://c.d> \"T\"", "a (https://a.b), b (https://c.d), [c]"},
		"a reference that is unused": {"a\n\n[1]: https://a.b\n", "a\n\n[1]: https://a.b\n"},
		"headings":                   {"# a\n### **b** *c* ##\n#tag", "*a*\n*b _c_*\n#tag"},
		"underlined headings":        {"a\n===\n\nb\n---\nc.\n---", "*a*\n\n*b*\nc.\n———"},
		"rules":                      {"a\n\n---\n\n***\n\n- - -\n", "a\n\n———\n\n———\n\n———\n"},
		"table": {
			"| Plan | Price |\n|:--|--:|\n| **Basic** | 5<br>6 |\n| Pro | `a\\|b` |\n\nc",
			"Plan: *Basic*\nPrice: 5, 6\n\nPlan: Pro\nPrice: `a|b`\n\nc",
		},
		"table without outer marks": {"a | b\n--|--\n1 | 2", "a: 1\nb: 2"},
		"table with titles of rows": {"| | A |\n|-|-|\n| x | 1 |\n| y | |", "x\nA: 1\n\ny"},
		"table of one column":       {"| A |\n|---|\n| x |\n| y |", "A: x\nA: y"},
		"table without rows":        {"| A | B |\n|---|---|\n", "A, B\n"},
		"table within a quote":      {"> |A|B|\n> |-|-|\n> |1|2|\n> |3|4|", "> A: 1\n> B: 2\n>\n> A: 3\n> B: 4"},
		"entities":                  {"a &amp; b &lt;c&gt; &#39;d&#39; &copy;", "a & b <c> 'd' ©"},
		"escapes":                   {`\*a\* 1\. \# \_b\_`, "*a* 1. # _b_"},
		"hard line breaks":          {"a\\\nb<br> c<br/>\nd", "a\nb\nc\nd"},
		"Windows' line ends":        {"# a\r\n**b\r\nc**\r\n- d\r\n", "*a*\r\n*b*\r\n*c*\r\n- d\r\n"},
		"names beside bold":         {"**a** __init__.py x.__b__() __main__ **c**", "*a* __init__.py x.__b__() __main__ *c*"},
		"stars beside bold":         {"**a** 2*3*4 2**3 x**2 + y**2 f(*args, **kwargs) (*) *.md *.go", "*a* 2*3*4 2**3 x**2 + y**2 f(*args, **kwargs) (*) *.md *.go"},
		"URLs beside bold":          {"**a**: https://b.c/_d_/*e*/f__g__?h=*i* **j**", "*a*: https://b.c/_d_/*e*/f__g__?h=*i* *j*"},
	} {
		if diff := cmp.Diff(tc.want, markdown.ToWhatsApp(tc.text)); diff != "" {
			t.Errorf("%s: ToWhatsApp(%q) (-want +got):\n%s", name, tc.text, diff)
		}
	}
}

// TestAnswerOfAnAI compares a whole answer with testdata/answer.txt.
func TestAnswerOfAnAI(t *testing.T) {
	text, err := os.ReadFile("testdata/answer.md")
	if err != nil {
		t.Fatal(err)
	}

	want, err := os.ReadFile("testdata/answer.txt")
	if err != nil {
		t.Fatal(err)
	}

	if diff := cmp.Diff(string(want), markdown.ToWhatsApp(string(text))); diff != "" {
		t.Errorf("ToWhatsApp() (-want +got):\n%s", diff)
	}
}

// withoutMarkdown are texts with characters that could be marks of Markdown.
var withoutMarkdown = []string{
	"", " ", "\n\n", "  a  b \t\n\n\n   c\r\n", "a  \nb",
	"__init__", "__init__.py and foo.__bar__", "__my_name__", "snake_case_name", "_private and other_", "$_GET['a_b']",
	"2*3*4 = 24", "2 * 3 * 4", "5* and 4* hotels", "2**10 and 3**2", "*Terms apply", "Price* 5 and weight* 3", "* only one\n\nend",
	"card **** **** **** 1234", "****1234 and ****5678", "p***d and q***r", "(*) with (*)", "use \"**\" or \"**\"", "f(*args) and g(*args)",
	"*.txt and *.md", "**/*.go", "10 < 20 > 5", ">18", ">= 5", ">_<", "^_^ hi\n^_^", "-_- or o_o", shrug,
	"$1,000.00 - $2,000.00", "~5 min ~ 10 min", "-5 °C", "+57 300 123 4567", "+ 57 300 123 4567", "#1 #promo", "#", "50% off!", "C:\\_temp\\-x", `\\server\_share`,
	"https://a.b/c_d_e*f*g(h)~~?i=[j]&k=__l__", "see (https://a.b/c_(d)).", "www.a_b_c.com", "a_b_@c_d.e", "AT&T &c a&b;", "&amp",
	"a[0](1)", "[x] [ ] [y]", "[Note]: see below", "arr[i][j]", "[1] and [2]", "a | b | c", "|", "a || b", "1) one\n2) two", "007. a",
	"1986. A year.\n1986. The same.", "- one\n- two\n  - three", "1. one\n2. two", "> quoted", "________________", "--", "==", "a\n==", ":-) :-| ;-*",
	"`code` and ```more```", "it`s", "\\o/ \\n", "line\\", "🔥*🔥 👨‍👩‍👧‍👦", "שלום *עולם", "e\u0301*", "a\rb", "a\x00b", "\xff*",
}

const shrug = `¯\_(ツ)_/¯`

func TestTextWithoutMarkdownIsUnchanged(t *testing.T) {
	for _, text := range withoutMarkdown {
		if got := markdown.ToWhatsApp(text); got != text {
			t.Errorf("ToWhatsApp(%q) = %q, want it unchanged", text, got)
		}
	}
}

// TestWordsAreUnchanged puts together texts of words, numbers and punctuation that Markdown gives no meaning.
func TestWordsAreUnchanged(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOf(rapid.SampledFrom([]string{
			"hola", "Ana", "42", "$5.00", "10%", "¿qué?", "snake_case", "a*b", "(x)", "\"y\"", "¡sí!", "it's", "50-60", "+57", "🙂", "שלום", "中文", "e\u0301",
			"@ana", "#promo", "https://a.b/c_d_?e=*f", "a/b", "x=1", "~5", "&", "a&b", "1)", "…", " ", "  ", "\n", "\n\n", "\r\n", "\u00a0",
		})).Draw(t, "words")
		text := strings.Join(words, rapid.SampledFrom([]string{" ", ", ", ""}).Draw(t, "separator"))

		if got := markdown.ToWhatsApp(text); got != text {
			t.Fatalf("ToWhatsApp(%q) = %q, want it unchanged", text, got)
		}
	})
}

func FuzzToWhatsApp(f *testing.F) {
	for _, text := range withoutMarkdown {
		f.Add(text)
	}

	for _, pattern := range hostile {
		f.Add(strings.Repeat(pattern, 3))
	}

	f.Fuzz(func(t *testing.T, text string) {
		got := markdown.ToWhatsApp(text)

		if utf8.ValidString(text) && !utf8.ValidString(got) {
			t.Errorf("ToWhatsApp(%q) = %q, which is not UTF-8", text, got)
		}

		if got := markdown.FromWhatsApp(text); utf8.ValidString(text) && !utf8.ValidString(got) {
			t.Errorf("FromWhatsApp(%q) = %q, which is not UTF-8", text, got)
		}
	})
}
