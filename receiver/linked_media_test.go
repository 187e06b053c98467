// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// bridge serves files beside Bird, at the host of bird.baseURL, which may be private.
type bridge struct {
	*harness
	url       string
	downloads atomic.Int64
	failures  atomic.Int64 // downloads to answer with 503 first
}

// newBridge returns a harness whose Bird answers every message with a link to path.
func newBridge(t *testing.T, path string, adjust func(*config.Config)) *bridge {
	b := &bridge{}
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)

	b.url = server.URL
	b.harness = newHarness(t, func(c *config.Config) {
		withoutTyping(c)

		c.Bird.BaseURL = server.URL
		if adjust != nil {
			adjust(c)
		}
	})
	mux.Handle("/", b.Bird)
	mux.HandleFunc("/files/", func(w http.ResponseWriter, r *http.Request) {
		b.downloads.Add(1)

		switch {
		case r.Header.Get("Authorization") != "":
			t.Error("the download has a credential")
		case b.failures.Add(-1) >= 0:
			w.WriteHeader(http.StatusServiceUnavailable)
		case strings.HasSuffix(r.URL.Path, "large.jpg"):
			w.Write(make([]byte, 5<<20+1))
		case strings.HasSuffix(r.URL.Path, ".jpg"):
			w.Write([]byte("photo"))
		default:
			http.NotFound(w, r)
		}
	})

	b.reply = func(string, map[string]any) any {
		return map[string]any{"response": map[string]any{
			"type":    "image",
			"url":     b.url + path,
			"caption": "A photo",
		}}
	}

	return b
}

// sentImage returns the image object of a sent message.
func sentImage(t *testing.T, message standin.SentMessage) map[string]any {
	t.Helper()

	var body struct{ Image map[string]any }
	if err := json.Unmarshal(message.Raw, &body); err != nil {
		t.Fatal(err)
	}

	return body.Image
}

// checkUploaded checks that a message names an uploaded file.
func (b *bridge) checkUploaded(message standin.SentMessage) {
	b.t.Helper()

	image := sentImage(b.t, message)

	id, _ := image["id"].(string)
	if diff := cmp.Diff(map[string]any{"id": id, "caption": "A photo"}, image); diff != "" || id == "" {
		b.t.Errorf("sent image (-want +got):\n%s", diff)
	}
}

const fetchRefused = `{"error":{"code":131053,"message":"(#131053) Media upload error","error_data":{"details":"Downloading media from weblink failed with http code 403"}}}`

// TestFileThatMetaCannotDownloadIsUploaded checks that the receiver uploads a linked file if Meta refuses the send for it.
func TestFileThatMetaCannotDownloadIsUploaded(t *testing.T) {
	b := newBridge(t, "/files/a.jpg", nil)
	b.refuse(fetchRefused, 3) // once for each attempt
	b.failures.Store(2)
	b.start()
	b.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
	b.waitIdle()
	b.checkUploaded(b.waitSent(1)[0])

	if asked := b.birdRequests(); len(asked) != 1 {
		t.Errorf("Bird was asked %d times, want once", len(asked))
	}
}

// TestFileOfAFailedSendIsUploaded checks the same if Meta accepts the send and reports the failed download afterwards.
func TestFileOfAFailedSendIsUploaded(t *testing.T) {
	for _, details := range []string{
		"Downloading media from weblink failed with http code 404, status message Not Found",
		"Fetching the link failed with HTTP 429",
		"Media upload error",
	} {
		t.Run(details, func(t *testing.T) {
			b := newBridge(t, "/files/a.jpg", nil)
			b.start()
			b.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
			first := b.waitSent(1)[0]
			b.waitIdle()

			if image := sentImage(t, first); image["link"] == nil {
				t.Fatalf("sent %v at first, want the link", image)
			}

			failed := standin.FailedDelivery(number, first.ID, ana, first.Callback, 131053, time.Now())
			b.deliver(http.StatusOK, bytes.Replace(failed, []byte(`"details":"Media upload error"`), []byte(`"details":"`+details+`"`), 1))

			second := b.waitSent(2)[1]
			b.waitIdle()
			b.checkUploaded(second)

			if second.Callback != first.Callback+":1" {
				t.Errorf("callback = %q, want %q and its number", second.Callback, first.Callback)
			}

			// The uploaded file has no link that could be uploaded.
			b.deliver(http.StatusOK, standin.FailedDelivery(number, second.ID, ana, second.Callback, 131053, time.Now()))
			b.waitFor("status processed", func() bool { return len(b.sink.notices("message.failed")) == 2 })
			b.waitIdle()
			b.waitSent(2)
		})
	}
}

// TestFileThatCannotBeUploaded checks that the dead letter says why, and that nothing reaches a private server.
func TestFileThatCannotBeUploaded(t *testing.T) {
	private := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("the private server was called")
	}))
	defer private.Close()

	for name, tc := range map[string]struct {
		path string
		url  string
		code string
		text string
	}{
		"missing":           {path: "/files/none", code: "http_404", text: "HTTP 404"},
		"too large":         {path: "/files/large.jpg", code: "media_too_large", text: "larger"},
		"at a private host": {url: private.URL + "/a.jpg", code: "media_host", text: "not public"},
		"of the metadata":   {url: "http://169.254.169.254/latest", code: "media_host", text: "not public"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBridge(t, tc.path, nil)
			if tc.url != "" {
				b.url = tc.url
			}

			b.refuse(fetchRefused, 1)
			b.start()
			b.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
			b.waitIdle()
			b.waitSent(0)

			record := b.record("wamid.1")
			last := record.Failures[len(record.Failures)-1]

			if record.Event.State != store.Dead || last.Code != tc.code || !strings.Contains(last.Text, tc.text) || strings.Contains(last.Text, "latest") {
				t.Errorf("state = %s after %+v, want a dead letter with %s and %q", record.Event.State, last, tc.code, tc.text)
			}
		})
	}
}

// TestUnconfirmedSendOfAnUpload checks that the ids of uploads are not needed again: the send is repeated from the link.
func TestUnconfirmedSendOfAnUpload(t *testing.T) {
	b := newBridge(t, "/files/a.jpg", nil)
	b.refuse(fetchRefused, 1)
	b.Graph.Faults.Add(standin.Fault{
		PathPrefix: "/" + number + "/messages",
		Cut:        standin.CutBefore,
		Times:      1,
	})
	b.refuse(fetchRefused, 1)
	b.start()
	b.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
	b.waitIdle()
	b.checkUploaded(b.waitSent(1)[0])

	if n := b.downloads.Load(); n != 2 {
		t.Errorf("%d downloads, want 2", n)
	}
}

// TestUploadThatFails checks that an upload is retried like a send: after an outage, a limit or a refused token.
func TestUploadThatFails(t *testing.T) {
	for name, fault := range map[string]standin.Fault{
		"outage":        {Status: http.StatusServiceUnavailable},
		"limit":         standin.GraphError(80007, "", 0),
		"refused token": standin.GraphError(190, "", 0),
		"no access":     {Status: 400, Body: `{"error":{"code":100,"error_subcode":33}}`},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBridge(t, "/files/a.jpg", byDefault)
			b.Graph.SetRules(func(r *standin.Rules) { r.FailedFetches = map[string]int{b.url: http.StatusForbidden} })
			b.start()
			b.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
			first := b.waitSent(1)[0]

			fault.PathPrefix = "/" + number + "/media"
			id := b.Graph.Faults.Add(fault)

			b.deliver(http.StatusOK, standin.FailedDelivery(number, first.ID, ana, first.Callback, 131053, time.Now()))
			b.waitFor("the upload to fail", func() bool { return len(b.record("wamid.1").Failures) > 0 })
			b.pass(30*time.Minute, time.Minute)

			if got := b.record("wamid.1"); got.Event.State != store.Pending {
				t.Errorf("state %s after %+v, want pending", got.Event.State, got.Failures)
			}

			b.Graph.Faults.Remove(id)

			for i := 0; len(b.Graph.Sent()) < 2 && i < 300; i++ {
				b.pass(5*time.Minute, 5*time.Minute)
			}

			b.checkUploaded(b.waitSent(2)[1])
		})
	}
}

// TestFailedUploadsAreNoOutage checks that uploads that Meta's server repeatedly fails do not stop the sends, and that
// successful sends do not make dead letters of the uploads.
func TestFailedUploadsAreNoOutage(t *testing.T) {
	b := newBridge(t, "/files/a.jpg", byDefault)
	b.Graph.SetRules(func(r *standin.Rules) { r.FailedFetches = map[string]int{b.url: http.StatusForbidden} })
	b.start()
	b.deliverTexts(4)

	sent := b.waitSent(4)
	outage := b.Graph.Faults.Add(standin.Fault{
		PathPrefix: "/" + number + "/media",
		Status:     http.StatusServiceUnavailable,
	})

	for _, message := range sent {
		b.deliver(http.StatusOK, standin.FailedDelivery(number, message.ID, message.To, message.Callback, 131053, time.Now()))
	}

	for i := range 30 {
		b.deliver(http.StatusOK, textDelivery(person(100+i), fmt.Sprint("wamid.other", i), "hello"))
		b.waitSent(5 + i)
		b.pass(10*time.Second, time.Second)
	}

	for _, closed := range b.status().ClosedScopes {
		if closed.Scope != "files:upload" {
			t.Errorf("scope %s is closed, want that of uploads alone", closed.Scope)
		}
	}

	b.Graph.Faults.Remove(outage)
	b.waitFor("the uploads", func() bool {
		b.pass(time.Minute, 10*time.Second)

		return len(b.Graph.Sent()) == 38
	})

	if stats := b.stats(); stats.DeadLetters != 0 {
		t.Errorf("%d dead letters, want none", stats.DeadLetters)
	}
}
