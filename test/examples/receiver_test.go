// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package examples

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/test/openapi"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/folder"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/probe"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

const (
	number = "106540352242922"
	ana    = "573001234567"
)

// receiver is a receiver between the stand-in of Meta and an example.
type receiver struct {
	*rig.Rig
	t      *testing.T
	client *http.Client
	// reply answers the requests to Bird and to the Flow. It may be replaced while nothing is asked.
	reply func(method string, request map[string]any) any
}

// newReceiver prepares a receiver. Start runs it.
func newReceiver(t *testing.T) *receiver {
	t.Helper()

	r := &receiver{
		t:      t,
		client: newClient(t),
		reply:  standin.EchoReply,
	}

	var err error

	r.Rig, err = rig.New(rig.Options{
		Dir: t.TempDir(),
		Graph: standin.GraphOptions{
			AccessTokens: []string{folder.AccessToken},
			AppSecret:    folder.AppSecret,
		},
		Bird: standin.BirdOptions{
			Reply: func(method string, request map[string]any) any { return r.reply(method, request) },
		},
		Flow: standin.FlowOptions{
			Keys:  []string{folder.BirdAccessKey},
			Reply: func(method string, request map[string]any) any { return r.reply(method, request) },
		},
		Config: config.Config{
			CloudAPI:   config.CloudAPI{PhoneNumberIDs: []string{number}},
			Processing: config.Processing{Poll: 10 * time.Millisecond, TypingIndicator: new(false)},
		},
	})
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Errorf("receiver ended with %v, want no error", err)
		}
	})

	return r
}

func (r *receiver) start() {
	r.t.Helper()

	if err := r.Folder.Layout(r.Config, nil); err != nil {
		r.t.Fatal(err)
	}

	if err := r.Start(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}

	if err := r.Local.WaitReady(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
}

// deliver delivers a message of ana, and waits until n messages in all were sent.
func (r *receiver) deliver(id, kind string, object any, n int) []standin.SentMessage {
	r.t.Helper()

	body := standin.MessageDelivery(number, ana, "Ana", id, kind, object, time.Now())

	status, _, err := standin.Deliver(r.t.Context(), r.client, r.Local.WebhookURL(), folder.AppSecret, body)
	if err != nil || status != http.StatusOK {
		r.t.Fatalf("delivery answered %d, %v", status, err)
	}

	return r.waitSent(n)
}

func (r *receiver) waitSent(n int) (sent []standin.SentMessage) {
	r.t.Helper()

	if err := probe.WaitFor(r.t.Context(), waitLimit, "messages sent", func() bool {
		sent = r.Graph.Sent()
		return len(sent) >= n
	}); err != nil {
		r.t.Fatal(err)
	}

	return sent
}

// checkedProxy returns the address of a proxy that fails the test when a request or a response violates a document. It
// looks for its target at each request.
func checkedProxy(t *testing.T, document string, target func() string) string {
	t.Helper()

	loaded, err := openapi.Load(document)
	if err != nil {
		t.Fatal(err)
	}

	return proxyTo(t, loaded, target)
}

// checkedWebhook is checkedProxy for what a receiver posts to a desk.
func checkedWebhook(t *testing.T, target func() string) string {
	t.Helper()

	loaded, err := openapi.Load(openapi.ReceiverAPI)
	if err != nil {
		t.Fatal(err)
	}

	return proxyTo(t, loaded.Webhook("desk"), target)
}

func proxyTo(t *testing.T, document *openapi.Document, target func() string) string {
	t.Helper()

	transport := &http.Transport{}
	proxy := &httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			address, err := url.Parse(target())
			if err != nil {
				t.Error(err)
				return
			}

			r.SetURL(address)
		},
	}
	server := httptest.NewServer(document.Observe(proxy, openapi.Report{
		Request:  func(err error) { t.Error(err) },
		Response: func(err error) { t.Error(err) },
	}))

	t.Cleanup(transport.CloseIdleConnections)
	t.Cleanup(server.Close)

	return server.URL
}

func TestBridgesAnswerPeople(t *testing.T) {
	for name, bridge := range bridges(t) {
		t.Run(name, func(t *testing.T) {
			r := newReceiver(t)
			r.Config.MessagesAPI = &config.MessagesAPI{Roles: []config.MessagesRole{config.MessagesAssistant}}

			address := bridge.start(t,
				"BRIDGE_KEY="+folder.BirdAccessKey,
				"MESSAGES_URL="+checkedProxy(t, openapi.ReceiverAPI, func() string { return r.MessagesAPI("").URL }),
				"MESSAGES_KEY="+folder.AssistantKey,
			)
			r.Config.Bird.BaseURL = checkedProxy(t, openapi.BirdBridge, func() string { return address })
			r.Graph.PutMedia("500", "image/jpeg", []byte("photo"))
			r.Graph.PutMedia("501", "audio/ogg", []byte("sound of a voice"))
			r.start()

			text := func(body string) any { return map[string]string{"body": body} }
			tap := map[string]any{"type": "button_reply", "button_reply": map[string]string{"id": "Tea", "title": "Tea"}}

			r.deliver("wamid.1", "text", text("hola"), 1)
			r.deliver("wamid.2", "image", map[string]string{"id": "500", "mime_type": "image/jpeg"}, 2)
			r.deliver("wamid.3", "audio", map[string]any{"id": "501", "mime_type": "audio/ogg", "voice": true}, 3)
			r.deliver("wamid.4", "text", text("menu"), 4)
			r.deliver("wamid.5", "interactive", tap, 5)
			r.deliver("wamid.6", "text", text("later"), 6)

			var got []string
			for _, m := range r.deliver("wamid.7", "text", text("agent"), 7) {
				got = append(got, m.Type+": "+m.Text)
			}

			want := []string{
				"text: You wrote: hola",
				"text: A picture of 5 bytes.",
				"text: A voice message of 16 bytes.",
				"interactive: ",
				"text: You chose Tea.",
				"text: That took a while.",
				"text: A colleague will answer you.",
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("sent (-want +got):\n%s", diff)
			}

			if err := probe.WaitFor(t.Context(), waitLimit, "people have the conversation", func() bool {
				conversation, err := r.Local.Store().Conversation(t.Context(), number+":"+ana)
				return err == nil && conversation.Takeover.Active(time.Now())
			}); err != nil {
				t.Error(err)
			}
		})
	}
}
