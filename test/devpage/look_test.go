// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package devpage

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/wawebhook/whatsapp-webhook-operator/test/browser"
)

func post(t *testing.T, url, body string) {
	t.Helper()

	response, err := http.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}

	_ = response.Body.Close()

	if response.StatusCode >= http.StatusBadRequest {
		t.Fatalf("%s: %s", url, response.Status)
	}
}

// TestKeyboard chats without the mouse.
func TestKeyboard(t *testing.T) {
	p := open(t, map[string]any{
		"List": map[string]any{
			"type":        "list",
			"text":        "When?",
			"button_text": "Choose a time",
			"sections":    []map[string]any{{"title": "Today", "rows": []map[string]any{{"id": "10", "title": "At ten"}, {"id": "12", "title": "At twelve"}}}},
		},
	}, browser.Options{})

	focused := func(what, condition string) {
		t.Helper()
		p.Until("the focus is on "+what, `((e) => `+condition+`)(document.activeElement)`)
	}

	focused("the composer", `e.tagName === "TEXTAREA"`)
	p.Write("List")
	p.Press(kb.Enter)
	p.newest(theirs, "When?")
	focused("the composer still", `e.tagName === "TEXTAREA"`)

	p.Press(kb.Tab, chromedp.ModifierShift) // the button to attach
	p.Press(kb.Enter)
	focused("the first item of the menu", `e.textContent === "Photo"`)
	p.Press(kb.End)
	p.Press(kb.Escape)
	focused("the button to attach", `e.getAttribute("aria-label") === "Attach"`)

	p.Press(kb.Tab, chromedp.ModifierShift) // the list of the newest message
	focused("the list", `e.textContent === "Choose a time"`)
	p.Press(kb.Enter)
	p.UntilShown("dialog")
	p.Press(kb.Escape)
	p.Until("Escape closes the sheet", `!document.querySelector("dialog")`)
	focused("the list", `e.textContent === "Choose a time"`)
	p.Press(kb.Enter)
	p.Press(kb.Tab + kb.Tab)
	focused("the second row", `e.dataset.option === "12"`)
	p.Press(kb.Enter)
	p.newest(theirs, "process_list_interaction At twelve")

	// To the messages: each arrow key moves, Enter opens the actions.
	p.Until("the answer is settled", newest(theirs)+`.dataset.status === "read"`)
	p.Until("a message has the focus", `(document.querySelector('.message[tabindex="0"]').focus(), true)`)
	p.Press(kb.End)
	p.Press(kb.ArrowUp)
	focused("the reply", `e.classList.contains("mine") && e.dataset.type === "tap"`)
	p.Press(kb.ArrowDown + kb.Enter)
	focused("the first action", `e.getAttribute("aria-label") === "React with 👍"`)
	p.Press(kb.Enter)
	p.Until("the reaction is there", newest(theirs)+`.querySelector(".reactions")`)
	focused("the message", `e.classList.contains("theirs")`)

	p.Until("the focus can be seen", `getComputedStyle(document.activeElement).outlineStyle === "solid"`)
	p.Until("everything has a name", `[...document.querySelectorAll("button, input, select, textarea, a")].every((e) =>
		e.textContent.trim() || e.getAttribute("aria-label") || e.labels?.length)`)
}

// TestNarrow shows the page on a phone of 360 pixels: one of two tabs, and nothing is cut off.
func TestNarrow(t *testing.T) {
	p := open(t, nil, browser.Options{Width: 360, Height: 740})

	fits := func() {
		t.Helper()
		p.Until("nothing is wider than the window", `document.documentElement.scrollWidth <= 360 &&
			[...document.querySelectorAll("body *")].every((e) => e.getBoundingClientRect().right <= 361 || e.closest(".unseen, pre, .carousel"))`)
	}

	p.ask("Hello", "Hello")
	p.say(strings.Repeat("Donaudampfschiff", 20))
	fits()
	p.Until("the trace is hidden", `!document.querySelector("#events").checkVisibility()`)

	p.Click("#tab-trace")
	p.UntilShown("#events .step")
	p.Until("the phone is hidden", `!document.querySelector("#messages").checkVisibility()`)
	fits()

	p.Press(kb.ArrowLeft)
	p.UntilShown("#messages")
}

// TestLooks compares the contrast of texts with their background, light and dark.
func TestLooks(t *testing.T) {
	p := open(t, nil, browser.Options{})

	p.ask("Hello", "Hello")
	p.Until("the answer is settled", newest(theirs)+`.dataset.status === "read"`)

	for _, dark := range []bool{false, true} {
		p.Dark(dark)
		p.Until(fmt.Sprintf("dark is %t", dark), fmt.Sprintf(`matchMedia("(prefers-color-scheme: dark)").matches === %t`, dark))

		if faint := browser.Eval[[]string](p.Page, faintTexts); len(faint) > 0 {
			t.Errorf("dark %t: these texts have a contrast below 4.5:\n%s", dark, strings.Join(faint, "\n"))
		}
	}
}

// faintTexts returns the texts whose contrast with their background is below 4.5 (WCAG 2.2, 1.4.3).
const faintTexts = `(() => {
	const canvas = Object.assign(document.createElement("canvas"), {width: 1, height: 1});
	const pen = canvas.getContext("2d", {willReadFrequently: true});
	const paint = (colors) => {
		pen.clearRect(0, 0, 1, 1);
		for (const color of colors) {
			pen.fillStyle = color;
			pen.fillRect(0, 0, 1, 1);
		}
		return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3);
	};
	const light = (rgb) => {
		const [r, g, b] = rgb.map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
		return 0.2126 * r + 0.7152 * g + 0.0722 * b;
	};
	const faint = [];
	for (const e of document.querySelectorAll("body *")) {
		const text = [...e.childNodes].filter((n) => n.nodeType === 3).map((n) => n.data.trim()).join("");
		if (!text || !e.checkVisibility({opacityProperty: true}) || e.closest(".unseen, .avatar")) continue;
		const behind = [];
		for (let a = e; a; a = a.parentElement) behind.unshift(getComputedStyle(a).backgroundColor);
		const [x, y] = [light(paint(behind)), light(paint([...behind, getComputedStyle(e).color]))].sort((a, b) => b - a);
		const contrast = (x + 0.05) / (y + 0.05);
		if (contrast < 4.5) faint.push(contrast.toFixed(2) + " " + e.className + ": " + text.slice(0, 40));
	}
	return faint;
})()`

// TestLanguages shows the page in Spanish, and changes to English. Both catalogues have the same names.
func TestLanguages(t *testing.T) {
	p := open(t, nil, browser.Options{Language: "es-CO"})

	p.Until("it is Spanish", `document.documentElement.lang === "es" && document.querySelector("#composer textarea").placeholder === "Mensaje"`)

	missing := browser.Eval[[]string](p.Page, `import("/catalogue.js").then(({catalogue: {en, es}, faults}) => [
		...Object.keys(en).filter((name) => !(name in es)),
		...Object.keys(es).filter((name) => !(name in en)),
		...[...document.querySelectorAll("[data-fault]")].map((e) => e.dataset.fault).filter((name) => !(name in faults.es)),
	])`)
	if len(missing) > 0 {
		t.Errorf("these texts are in one language only: %s", strings.Join(missing, ", "))
	}

	p.Click("#language")
	p.Until("it is English", `document.querySelector("#composer textarea")?.placeholder === "Message"`)
	p.Reload()
	p.Until("it stays so", `document.querySelector("#composer textarea")?.placeholder === "Message"`)
}

// TestHostile shows texts that try to break the page, in both directions.
func TestHostile(t *testing.T) {
	texts := []string{
		`<img src=x onerror="document.title='broken'"><script>document.title="broken"</script>`,
		`[click](javascript:alert(1)) javascript:alert(1) https://example.com/"onmouseover="alert(1)`,
		strings.Repeat("Donaudampfschifffahrtsgesellschaft", 30),
		"\u202emoc.elpmaxe\u202c مرحبا *بالعالم* 1234",
		"👩‍👩‍👧‍👦🇨🇴 Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢",
		strings.Repeat("*_~`", 900),
		"> " + strings.Repeat("> ", 500) + "deep",
	}
	p := open(t, nil, browser.Options{})

	for _, text := range texts {
		before := browser.Eval[int](p.Page, `document.querySelectorAll(".message.theirs").length`)

		p.say(text)
		p.Until("it is answered", fmt.Sprintf(`document.querySelectorAll(".message.theirs").length > %d`, before))
	}

	p.Until("it is a text", `document.body.innerText.includes("<img src=x onerror=")`)
	p.Until("nothing ran", `document.title === "whatsapp-webhook dev"`)
	p.Until("nothing was made of it", `!document.querySelector(".messages img, .messages script, .events img, .events script")`)
	p.Until("all links are safe", `[...document.querySelectorAll(".messages a")].every((a) => /^https?:$/.test(a.protocol) && a.rel.includes("noopener"))`)
	p.Until("nothing is wider than the phone", `(() => {
		const {scrollWidth, clientWidth} = document.getElementById("messages");
		return scrollWidth <= clientWidth;
	})()`)
}

// TestAddresses lets only addresses of this server and of the web become links.
func TestAddresses(t *testing.T) {
	p := open(t, nil, browser.Options{})

	for address, isLink := range map[string]bool{
		"https://example.com/a":       true,
		"HTTP://example.com":          true,
		"/api/media/1":                true,
		"javascript:alert(1)":         false,
		"java\nscript:alert(1)":       false,
		"data:text/html,<script>":     false,
		"vbscript:x":                  false,
		"blob:https://example.com/id": false,
		"https://":                    false,
	} {
		got := browser.Eval[bool](p.Page, fmt.Sprintf(`import("/dom.js").then(({link}) => link(%q, {}, "text").hasAttribute("href"))`, address))
		if got != isLink {
			t.Errorf("%q: a link is %t, want %t", address, got, isLink)
		}
	}
}

// TestFormat renders WhatsApp's text format.
func TestFormat(t *testing.T) {
	p := open(t, nil, browser.Options{})

	for text, want := range map[string]string{
		"*bold* _italic_ ~gone~ `code`":       "<p><strong>bold</strong> <em>italic</em> <s>gone</s> <code>code</code></p>",
		"*bold _and italic_*":                 "<p><strong>bold <em>and italic</em></strong></p>",
		"2*3*4 and snake_case_name":           "<p>2*3*4 and snake_case_name</p>",
		"* not bold * and *neither\nthis*":    "<ul><li>not bold * and *neither</li></ul><p>this*</p>",
		"- one\n- two\n\ntext":                "<ul><li>one</li><li>two</li></ul><p><br>text</p>",
		"3. three\n4. four":                   "<ol><li>three</li><li>four</li></ol>",
		"> said\n> twice\nanswer":             "<blockquote>said<br>twice</blockquote><p>answer</p>",
		"```\n*as it is*\n```":                "<pre><code>*as it is*</code></pre>",
		"`*as it is*`":                        "<p><code>*as it is*</code></p>",
		"see https://example.com/a_b_c.":      "<p>see <a>https://example.com/a_b_c</a>.</p>",
		"*https://example.com*":               "<p><strong><a>https://example.com</a></strong></p>",
		"<b>no</b> & javascript:alert(1)":     "<p>&lt;b&gt;no&lt;/b&gt; &amp; javascript:alert(1)</p>",
		"unfinished *bold and ```code":        "<p>unfinished *bold and ```code</p>",
		"(*in brackets*), *with* punctuation": "<p>(<strong>in brackets</strong>), <strong>with</strong> punctuation</p>",
	} {
		got := browser.Eval[string](p.Page, fmt.Sprintf(`import("/format.js").then(({formatted}) => {
			const place = document.createElement("div");
			place.append(...formatted(%q));
			for (const e of place.querySelectorAll("*")) for (const a of [...e.attributes]) e.removeAttribute(a.name);
			return place.innerHTML;
		})`, text))
		if got != want {
			t.Errorf("%q:\n got %s\nwant %s", text, got, want)
		}
	}
}

// TestAccessible checks the page with axe-core: light and dark, wide and narrow, with a menu and with a sheet.
func TestAccessible(t *testing.T) {
	p := open(t, map[string]any{
		"List": map[string]any{
			"type":        "list",
			"text":        "When?",
			"button_text": "Choose a time",
			"sections":    []map[string]any{{"title": "Today", "rows": []map[string]any{{"id": "10", "title": "At ten"}}}},
		},
	}, browser.Options{})

	p.ask("Hello", "Hello")
	p.ask("List", "When?")
	p.Until("the answer is settled", newest(theirs)+`.dataset.status === "read"`)

	check := func() {
		t.Helper()

		for _, dark := range []bool{false, true} {
			p.Dark(dark)
			p.CheckAccessible()
		}
	}

	for _, width := range []int{1280, 360} {
		p.Resize(width, 800)
		p.Until("it has the width", fmt.Sprintf("innerWidth === %d", width))
		check()

		p.Click(`#composer button[aria-haspopup="menu"]`)
		p.UntilShown(`[role="menu"]`)
		check()
		p.Press(kb.Escape)
	}

	p.Click("#tab-trace")
	p.UntilShown("#events .step")
	check()
}
