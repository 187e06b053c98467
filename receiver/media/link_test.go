// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
)

// newLinkSpool returns a spool whose configured bridge is a server with this handler.
func newLinkSpool(t *testing.T, handle http.HandlerFunc, media config.Media) (spool *Spool, url string) {
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)

	return openLinkSpool(t, server.URL+"/bridge", media), server.URL
}

// openLinkSpool returns a spool with this bird.baseURL.
func openLinkSpool(t *testing.T, baseURL string, media config.Media) *Spool {
	media.SpoolDir = t.TempDir()
	if media.DownloadTimeout == 0 {
		media.DownloadTimeout = time.Minute
	}

	live := config.Fixed(config.Config{Media: media, Bird: config.Bird{BaseURL: baseURL}}, config.Secrets{AccessToken: "token"})

	spool, err := Open(live, nil, clockwork.NewRealClock())
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(spool.Close)

	return spool
}

func TestFetchLink(t *testing.T) {
	const png = "\x89PNG\x0d\x0a\x1a\x0a"

	answer := func(status int, contentType, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "" || r.UserAgent() == "" {
				t.Errorf("headers = %v, want a User-Agent and no credential", r.Header)
			}

			w.Header().Set("Content-Type", contentType)
			w.WriteHeader(status)
			w.Write([]byte(body))
		}
	}
	ofSize := func(size int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(size))
			w.Write(make([]byte, size))
		}
	}
	streamed := func(w http.ResponseWriter, _ *http.Request) {
		for range 9 {
			w.Write(make([]byte, 64<<10))
		}
	}
	redirect := func(to string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/second.png" {
				w.Write([]byte(png))
				return
			}

			http.Redirect(w, r, to, http.StatusFound)
		}
	}

	for name, tc := range map[string]struct {
		handle   http.HandlerFunc
		kind     string
		link     string // defaults to /folder/a.jpg on the bridge; a path is on the bridge
		media    config.Media
		mimeType string // of the file; empty: it fails
		filename string // defaults to a.jpg
		class    failure.Class
		code     string
	}{
		"declared type":            {handle: answer(200, "image/png; q=1", "x"), mimeType: "image/png"},
		"type by the name":         {handle: answer(200, "application/octet-stream", "x"), mimeType: "image/jpeg"},
		"type by the content":      {handle: answer(200, "binary/octet-stream", png), link: "/photo", filename: "photo", mimeType: "image/png"},
		"name in upper case":       {handle: answer(200, "", "x"), link: "/A.JPG?size=1", filename: "A.JPG", mimeType: "image/jpeg"},
		"type that is unsupported": {handle: answer(200, "image/tiff", "x"), link: "/a", filename: "a", mimeType: "image/tiff"},
		"invalid type":             {handle: answer(200, "a b c", "x"), link: "/a", filename: "a", mimeType: "application/octet-stream"},
		"no name":                  {handle: answer(200, "image/png", "x"), link: "/", filename: "file", mimeType: "image/png"},
		"document":                 {handle: answer(200, "application/pdf", "x"), kind: "document", mimeType: "application/pdf"},
		"largest image":            {handle: ofSize(5 << 20), mimeType: "image/jpeg"},
		"large document":           {handle: ofSize(17 << 20), kind: "document", link: "/a.pdf", filename: "a.pdf", mimeType: "application/pdf"},
		"redirect":                 {handle: redirect("/second.png"), mimeType: "image/png"},
		"image too large":          {handle: ofSize(5<<20 + 1), class: failure.Permanent, code: "media_too_large"},
		"video too large":          {handle: ofSize(16<<20 + 1), kind: "video", class: failure.Permanent, code: "media_too_large"},
		"sticker too large":        {handle: streamed, kind: "sticker", class: failure.Permanent, code: "media_too_large"},
		"larger than the spool": {
			handle: ofSize(9),
			media:  config.Media{MaxSpoolBytes: 8},
			class:  failure.Permanent,
			code:   "media_too_large",
		},
		"empty":       {handle: answer(200, "image/png", ""), class: failure.Permanent, code: "media_link"},
		"missing":     {handle: answer(404, "", ""), class: failure.Permanent, code: "http_404"},
		"forbidden":   {handle: answer(403, "", ""), class: failure.Permanent, code: "http_403"},
		"partial":     {handle: answer(206, "", ""), class: failure.Permanent, code: "http_206"},
		"busy":        {handle: answer(429, "", ""), class: failure.Transient, code: "http_429"},
		"unavailable": {handle: answer(503, "", ""), class: failure.Transient, code: "http_503"},
		"slow": {
			handle: func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
			media:  config.Media{DownloadTimeout: 20 * time.Millisecond},
			class:  failure.Transient,
			code:   "timeout",
		},
		"endless redirect":        {handle: redirect("/again"), class: failure.Permanent, code: "media_link"},
		"redirect to the cluster": {handle: redirect("http://10.0.0.1/"), class: failure.Permanent, code: "media_host"},
		"redirect to a file":      {handle: redirect("file:///etc/passwd"), class: failure.Permanent, code: "media_link"},
		"not a URL":               {link: "https://%zz", class: failure.Permanent, code: "media_link"},
		"a file":                  {link: "file:///etc/passwd", class: failure.Permanent, code: "media_link"},
		"no host":                 {link: "https:///a", class: failure.Permanent, code: "media_link"},
		"metadata of a cloud":     {link: "http://169.254.169.254/latest", class: failure.Permanent, code: "media_host"},
		"metadata of Azure":       {link: "http://168.63.129.16:32526/vmSettings", class: failure.Permanent, code: "media_host"},
		"address as a number":     {link: "http://2852039166/latest", class: failure.Permanent, code: "media_link"},
		"address in hexadecimal":  {link: "http://0xA9.0xFEA9FE/latest", class: failure.Permanent, code: "media_link"},
		"address with a dot":      {link: "http://169.254.169.254./latest", class: failure.Permanent, code: "media_link"},
		"another port":            {link: "http://127.0.0.1:1/a", class: failure.Permanent, code: "media_host"},
		"IPv4 within IPv6":        {link: "http://[::ffff:127.0.0.1]:1/a", class: failure.Permanent, code: "media_host"},
		"a private name":          {link: "http://localhost:1/a", class: failure.Permanent, code: "media_host"},
	} {
		t.Run(name, func(t *testing.T) {
			spool, url := newLinkSpool(t, tc.handle, tc.media)

			link := tc.link
			switch {
			case link == "":
				link = url + "/folder/a.jpg"
			case link[0] == '/':
				link = url + link
			}

			kind := tc.kind
			if kind == "" {
				kind = "image"
			}

			file, err := spool.FetchLink(t.Context(), kind, link)
			if tc.mimeType == "" {
				if f := failure.Of(err); err == nil || f.Class != tc.class || f.Code != tc.code || f.Op != "fetch linked media" {
					t.Errorf("FetchLink() = %+v, want class %s, code %s", f, tc.class, tc.code)
				}
			} else {
				if err != nil {
					t.Fatal(err)
				}

				filename := tc.filename
				if filename == "" {
					filename = "a.jpg"
				}

				if file.MimeType != tc.mimeType || file.Filename != filename || file.Size != spool.Bytes() {
					t.Errorf("file = %s, %q, %d bytes of %d; want %s, %q", file.MimeType, file.Filename, file.Size, spool.Bytes(), tc.mimeType, filename)
				}

				if err := file.Remove(); err != nil {
					t.Error(err)
				}
			}

			if spool.Bytes() != 0 {
				t.Errorf("the spool has %d bytes, want none", spool.Bytes())
			}
		})
	}
}

// publicHost serves a public host in this process, and passes other calls on.
type publicHost struct {
	host   string
	handle http.HandlerFunc
}

func (p publicHost) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host != p.host {
		return http.DefaultTransport.RoundTrip(r)
	}

	w := httptest.NewRecorder()
	p.handle(w, r)

	return w.Result(), nil
}

// TestRedirectToTheBridge lets the server of a link that a person chose redirect to the bridge, which may be private.
func TestRedirectToTheBridge(t *testing.T) {
	spool, url := newLinkSpool(t, func(_ http.ResponseWriter, r *http.Request) { t.Errorf("the bridge is asked for %s", r.URL.Path) }, config.Media{})

	spool.links.Intercept(publicHost{"files.example.com", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, url+"/metrics", http.StatusFound)
	}})

	_, err := spool.FetchLink(t.Context(), "document", "https://files.example.com/a.pdf")
	if f := failure.Of(err); err == nil || f.Class != failure.Permanent || f.Code != CodeHost {
		t.Errorf("FetchLink() = %v, want a permanent failure with the code %s", err, CodeHost)
	}
}

// TestRedirectOfTheBridgeToHTTPS lets the bridge redirect a link of its own from http to https, as an Ingress does.
func TestRedirectOfTheBridgeToHTTPS(t *testing.T) {
	spool := openLinkSpool(t, "https://Bridge.example.com/ask", config.Media{})

	spool.links.Intercept(publicHost{"bridge.example.com", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Scheme == "http" {
			http.Redirect(w, r, "https://bridge.example.com"+r.URL.Path, http.StatusPermanentRedirect)
			return
		}

		w.Write([]byte("a"))
	}})

	file, err := spool.FetchLink(t.Context(), "document", "http://bridge.example.com/a.pdf")
	if err != nil {
		t.Fatal(err)
	}

	if err := file.Remove(); err != nil {
		t.Error(err)
	}
}
