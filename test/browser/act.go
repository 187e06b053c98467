// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package browser

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/chromedp/cdproto"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// pollInterval is the time between two looks at a condition.
const pollInterval = 20 * time.Millisecond

// call returns the action of a command of the DevTools protocol whose result does not matter.
func call[P, R any](command cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, command, params)
		return err
	})
}

func (p *Page) do(action chromedp.Action[chromedp.Void]) {
	p.t.Helper()

	if err := chromedp.Do(p.ctx, action); err != nil {
		p.t.Fatal(err)
	}
}

// Eval returns the value of an expression in the page. A promise is awaited.
func Eval[T any](p *Page, expression string) T {
	p.t.Helper()

	value, err := eval[T](p, expression)
	if err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}

	return value
}

func eval[T any](p *Page, expression string) (T, error) {
	return chromedp.Run(p.ctx, chromedp.Evaluate[T](expression, func(e *runtime.EvaluateParams) {
		wait := true
		e.AwaitPromise = &wait
	}))
}

// isNavigation reports whether an expression had no value since the tab went to another page.
func isNavigation(err error) bool {
	refused, ok := errors.AsType[*cdproto.Error](err)

	return ok && (strings.Contains(refused.Message, "navigated") || strings.Contains(refused.Message, "context"))
}

// Until waits until an expression is true in the page. what says what that means.
func (p *Page) Until(what, expression string) {
	p.t.Helper()

	deadline := time.Now().Add(timeout)

	for time.Now().Before(deadline) {
		isTrue, err := eval[bool](p, "Boolean("+expression+")")
		if err != nil && !isNavigation(err) {
			p.t.Fatalf("%s: %s: %v", what, expression, err)
		}

		if isTrue {
			return
		}

		time.Sleep(pollInterval)
	}

	p.t.Fatalf("%s: %s was not true within %s. The page shows:\n%s", what, expression, timeout,
		Eval[string](p, "document.body.innerText"))
}

// UntilShown waits until there is a visible element of a selector.
func (p *Page) UntilShown(selector string) {
	p.t.Helper()
	p.untilVisible(first(selector))
}

// untilVisible waits until the element of an expression is visible.
func (p *Page) untilVisible(element string) {
	p.t.Helper()
	p.Until("shown", fmt.Sprintf("(%s)?.checkVisibility()", element))
}

// first returns an expression for the first element of a selector.
func first(selector string) string { return fmt.Sprintf("document.querySelector(%q)", selector) }

// Click clicks with the mouse on the middle of the first element of a selector, once it is shown.
func (p *Page) Click(selector string) {
	p.t.Helper()
	p.click(first(selector))
}

func (p *Page) click(element string) {
	p.t.Helper()

	middle := p.middle(element)
	p.do(chromedp.MouseClickXY(middle[0], middle[1]))
}

// Hover moves the mouse to the middle of the first element of a selector, once it is shown.
func (p *Page) Hover(selector string) {
	p.t.Helper()

	middle := p.middle(first(selector))
	p.do(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, middle[0], middle[1]))
}

// middle scrolls to the element of an expression and returns the place of its middle. A page may replace the element at any
// time.
func (p *Page) middle(element string) []float64 {
	p.t.Helper()

	for {
		p.untilVisible(element)

		middle := Eval[[]float64](p, fmt.Sprintf(`(() => {
			const element = %s;
			if (!element) return [];
			element.scrollIntoView({block: "nearest", behavior: "instant"});
			const {left, top, width, height} = element.getBoundingClientRect();
			return [left + width / 2, top + height / 2];
		})()`, element))
		if len(middle) == 2 {
			return middle
		}
	}
}

// Follow clicks on a link or a button by its text, and waits for a text of the next page.
func (p *Page) Follow(text, next string) {
	p.t.Helper()

	const elements = `document.querySelectorAll("main a, main button, nav a, header button")`

	found := fmt.Sprintf("[...%s].find(e => e.textContent.trim() === %q)", elements, text)
	p.Until("there is "+text, found)
	p.click(found)
	p.Shows(next)
}

// Shows waits until the page is loaded and shows a text.
func (p *Page) Shows(text string) {
	p.t.Helper()
	p.Until("shows "+text, fmt.Sprintf("document.readyState === 'complete' && document.body.innerText.includes(%q)", text))
}

// Write enters a text where the focus is, as an input method does.
func (p *Page) Write(text string) {
	p.t.Helper()
	p.do(call(input.InsertText, input.InsertTextParams{Text: text}))
}

// Press presses keys, which package kb names.
func (p *Page) Press(keys string, modifiers ...chromedp.Modifier) {
	p.t.Helper()

	for _, key := range keys {
		for _, event := range strokes(key) {
			for _, modifier := range modifiers {
				event.Modifiers |= int64(modifier)
			}

			p.do(call(input.DispatchKeyEvent, event))
		}
	}
}

// strokes returns the events of a key as a keyboard sends them: the character comes with the key that goes down, so that a
// page that handles the key gets no character.
func strokes(key rune) []input.DispatchKeyEventParams {
	var events []input.DispatchKeyEventParams

	for _, event := range kb.Encode(key) {
		if event.Type == kb.KeyChar && len(events) > 0 {
			down := &events[len(events)-1]
			down.Type = input.DispatchKeyEventTypeKeyDown
			down.Text = event.Text
			down.UnmodifiedText = event.UnmodifiedText

			continue
		}

		events = append(events, *event)
	}

	return events
}

// Choose gives files to the chooser that an action opens.
func (p *Page) Choose(open func(), files ...string) {
	p.t.Helper()

	open()

	select {
	case chooser := <-p.chooser:
		p.do(call(dom.SetFileInputFiles, dom.SetFileInputFilesParams{Files: files, BackendNodeID: chooser.BackendNodeID}))
	case <-time.After(timeout):
		p.t.Fatal("no file chooser opened")
	}
}

// Visit goes to a path of the same host, and waits until it is loaded.
func (p *Page) Visit(path string) {
	p.t.Helper()
	p.do(chromedp.Navigate("http://" + p.host + path))
}

// Reload loads the page anew.
func (p *Page) Reload() {
	p.t.Helper()
	p.do(chromedp.Reload())
}

// Resize changes the size of the window.
func (p *Page) Resize(width, height int) {
	p.t.Helper()
	p.do(chromedp.EmulateViewport(int64(width), int64(height)))
}

// Dark selects the dark or the light color scheme, and ends animations.
func (p *Page) Dark(dark bool) {
	p.t.Helper()

	scheme := "light"
	if dark {
		scheme = "dark"
	}

	p.do(call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme},
		{Name: "prefers-reduced-motion", Value: "reduce"},
	}}))
}
