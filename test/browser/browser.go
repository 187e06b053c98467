// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package browser drives a real Chromium in tests of pages. A page must be silent: an error in its console, a violation of
// its content security policy, or a request to another host fails the test.
package browser

import (
	"context"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// programs are the names of Chromium on the systems that have one.
var programs = []string{
	"chromium",
	"chromium-browser",
	"google-chrome",
	"google-chrome-stable",
}

// timeout bounds each wait for the page, so that a loaded machine meets it.
const timeout = 2 * time.Minute

// mouse are the settings of a machine with a mouse, which the ones of a CI do not have.
const mouse = "primaryHoverType=2,availableHoverTypes=2,primaryPointerType=4,availablePointerTypes=4"

// Options configure a Page.
type Options struct {
	// Language is the browser's. Defaults to en-US.
	Language string
	Dark     bool
	// Width and Height are of the window. Default to 1280 by 800.
	Width, Height int
	// NoMicrophone takes the microphone away, which otherwise plays a tone.
	NoMicrophone bool
	// Proxy is the host and port of an HTTP proxy for all requests. Defaults to none.
	Proxy string
	// Hosts are other hosts, with their ports, that the page may ask for pictures.
	Hosts []string
}

// Page is a tab of its own Chromium.
type Page struct {
	t    testing.TB
	ctx  context.Context //nolint:containedctx // it is the tab
	host string

	mu       sync.Mutex
	allowed  []string // substrings of console lines that the test provokes
	requests []string
	console  []string
	chooser  chan *page.EventFileChooserOpened
}

// Open starts Chromium and opens a URL. The browser ends with the test.
func Open(t testing.TB, address string, o Options) *Page {
	t.Helper()

	target, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}

	if o.Language == "" {
		o.Language = "en-US"
	}

	if o.Width == 0 {
		o.Width = 1280
		o.Height = 800
	}

	ctx, cancelBrowser := chromedp.NewExecAllocator(context.Background(), allocatorOptions(t, o)...)
	t.Cleanup(cancelBrowser)

	ctx, cancel := chromedp.NewContext(ctx, chromedp.WithErrorf(t.Logf))
	t.Cleanup(cancel)
	t.Cleanup(func() { closeBrowser(ctx, t) })

	p := &Page{
		t:       t,
		ctx:     ctx,
		host:    target.Host,
		chooser: make(chan *page.EventFileChooserOpened, 1),
	}

	if err := chromedp.Listen(ctx, p.observe); err != nil {
		t.Fatalf("start Chromium: %v", err)
	}

	p.followConsole()
	t.Cleanup(func() { p.checkSilent(o.Hosts) }) // before the tab ends

	p.Resize(o.Width, o.Height)
	p.Dark(o.Dark)
	p.do(call(network.Enable, network.EnableParams{}))
	p.do(call(page.SetInterceptFileChooserDialog, page.SetInterceptFileChooserDialogParams{Enabled: true}))
	p.do(chromedp.Navigate(address))

	return p
}

// closeBrowser asks Chromium to end. A killed Chromium leaves a folder for temporary files.
func closeBrowser(ctx context.Context, t testing.TB) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()

	if err := chromedp.Cancel(ctx); err != nil {
		t.Logf("Chromium did not end by itself: %v", err)
	}
}

func allocatorOptions(t testing.TB, o Options) []chromedp.ExecAllocatorOption {
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(program(t)),
		chromedp.UserDataDir(t.TempDir()),
		chromedp.WSURLReadTimeout(timeout), // until Chromium has started
		chromedp.Flag("no-proxy-server", o.Proxy == ""),
		chromedp.Flag("lang", o.Language),
		chromedp.Flag("accept-lang", o.Language),
		chromedp.Flag("hide-scrollbars", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("blink-settings", mouse),
		chromedp.Env("TZ=UTC"),
	)

	if o.Proxy != "" {
		options = append(options,
			chromedp.ProxyServer(o.Proxy),
			chromedp.Flag("proxy-bypass-list", "<-loopback>"), // which is never asked through a proxy otherwise
		)
	}

	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox) // which needs a user other than root
	}

	if !o.NoMicrophone {
		options = append(options,
			chromedp.Flag("use-fake-device-for-media-stream", true),
			chromedp.Flag("use-fake-ui-for-media-stream", true),
		)
	}

	return options
}

// program returns the path of Chromium.
func program(t testing.TB) string {
	for _, name := range programs {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}

	t.Fatal("there is no Chromium. On Debian: apt-get install --no-install-recommends chromium")

	return ""
}

// observe runs within the loop that reads the tab's messages: it must not wait.
func (p *Page) observe(event any) {
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		p.mu.Lock()
		p.requests = append(p.requests, e.Request.URL)
		p.mu.Unlock()
	case *page.EventFileChooserOpened:
		select {
		case p.chooser <- e:
		default: // no test waits for two
		}
	}
}

func (p *Page) followConsole() {
	messages := chromedp.Console(p.ctx)

	go func() {
		for message, err := range messages {
			if err != nil {
				return // the tab has ended
			}

			if message.Type == chromedp.ConsoleError || message.IsException() || message.Type == chromedp.ConsoleWarning {
				p.mu.Lock()
				p.console = append(p.console, message.String()+" "+message.URL)
				p.mu.Unlock()
			}
		}
	}()
}

// Allow lets lines with a text appear in the console, since the test provokes them.
func (p *Page) Allow(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()

	p.allowed = append(p.allowed, text)
}

func (p *Page) checkSilent(hosts []string) {
	p.mu.Lock()
	defer p.mu.Unlock()

	for _, line := range p.console {
		if !slices.ContainsFunc(p.allowed, func(text string) bool { return strings.Contains(line, text) }) {
			p.t.Errorf("the console has: %s", line)
		}
	}

	for _, request := range p.requests {
		target, err := url.Parse(request)
		if err != nil || target.Host != p.host && target.Scheme != "blob" && target.Scheme != "data" && !slices.Contains(hosts, target.Host) {
			p.t.Errorf("the page asked for %s", request)
		}
	}
}
