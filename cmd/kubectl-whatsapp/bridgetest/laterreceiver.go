// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package bridgetest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/folder"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// later is a real receiver that asks the bridge and serves the messages API, between stand-ins for Meta.
type later struct {
	*rig.Rig

	bridge *httptest.Server // in front of the bridge
	asked  chan exchange
	posts  chan posted
	front  *http.Server // in front of the messages API

	transport *http.Transport // to the messages API
}

// exchange is a request to the bridge and the status of its answer.
type exchange struct {
	request *http.Request
	body    []byte
	status  int
}

// posted is a request of the bridge to the messages API.
type posted struct {
	call
	idempotencyKey string
}

// openLater starts a receiver whose messages API is at the port of LaterURL.
func (t *tester) openLater(ctx context.Context) (_ *later, err error) {
	listener, err := t.listenLater(ctx)
	if err != nil {
		return nil, err
	}

	l := &later{
		asked:     make(chan exchange, maxPosted),
		posts:     make(chan posted, maxPosted),
		transport: &http.Transport{},
	}

	defer func() {
		if err != nil {
			_ = listener.Close() // it served nothing
		}
	}()

	if err := l.start(ctx, t); err != nil {
		return nil, err
	}

	l.front = &http.Server{Handler: l.messages(), ReadHeaderTimeout: shutdownTimeout}

	go l.front.Serve(listener) //nolint:errcheck // it ends with close

	return l, nil
}

// listenLater listens on the port of LaterURL: on the loopback interface if the URL names it, else on all, such as for a
// bridge in a container.
func (t *tester) listenLater(ctx context.Context) (net.Listener, error) {
	address, err := url.Parse(t.LaterURL)
	if err != nil || address.Scheme != "http" || address.Port() == "" {
		return nil, errors.New("the address of the messages API is not an http URL with a port")
	}

	host := ""
	if ip := net.ParseIP(address.Hostname()); address.Hostname() == "localhost" || ip != nil && ip.IsLoopback() {
		host = "127.0.0.1"
	}

	var config net.ListenConfig

	return config.Listen(ctx, "tcp", net.JoinHostPort(host, address.Port()))
}

func (l *later) start(ctx context.Context, t *tester) (err error) {
	l.Rig, err = rig.New(rig.Options{
		Graph: standin.GraphOptions{
			AccessTokens: []string{folder.AccessToken},
			AppSecret:    folder.AppSecret,
		},
		Config: config.Config{
			CloudAPI:    config.CloudAPI{PhoneNumberIDs: []string{number}},
			MessagesAPI: &config.MessagesAPI{Roles: []config.MessagesRole{config.MessagesAssistant}},
			Processing:  config.Processing{Poll: 10 * time.Millisecond, TypingIndicator: new(false)},
		},
		Version: "bridge-test",
	})
	if err != nil {
		return err
	}

	defer func() {
		if err != nil {
			_ = l.Close() // the first error counts
		}
	}()

	l.bridge = httptest.NewServer(l.observe(t))
	l.Config.Bird = t.configuration().Bird
	l.Config.Bird.BaseURL = l.bridge.URL

	if err := l.Folder.Layout(l.Config, map[string]string{
		config.RoleBirdAccessKey:  t.secrets().BirdAccessKey,
		config.RoleFlowSigningKey: t.SigningKey,
		config.RoleAssistantKey:   t.LaterKey,
	}); err != nil {
		return err
	}

	if err := l.Start(ctx); err != nil {
		return err
	}

	return l.Local.WaitReady(ctx)
}

// observe returns a proxy to the bridge that keeps the requests.
func (l *later) observe(t *tester) http.Handler {
	target, _ := url.Parse(t.URL) // newTester has read it

	proxy := &httputil.ReverseProxy{
		Transport: t.wire.next,
		Rewrite: func(r *httputil.ProxyRequest) {
			if t.Flow {
				whole := *target
				r.Out.URL = &whole
			} else {
				r.SetURL(target)
			}

			r.Out.Host = target.Host
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}

	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, maxPostBytes))
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}

		r.Body = io.NopCloser(bytes.NewReader(body))
		kept := r.Clone(context.WithoutCancel(r.Context()))
		response := httptest.NewRecorder()

		proxy.ServeHTTP(response, r)

		select {
		case l.asked <- exchange{kept, body, response.Code}:
		default:
		}

		maps.Copy(w.Header(), response.Header())
		w.WriteHeader(response.Code)
		w.Write(response.Body.Bytes())
	})
}

// messages returns a proxy to the messages API that keeps the posts.
func (l *later) messages() http.Handler {
	proxy := &httputil.ReverseProxy{
		Transport: l.transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			if target, err := url.Parse(l.Local.MessagesURL()); err == nil {
				r.SetURL(target)
			}
		},
	}

	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, maxPostBytes))
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}

		r.Body = io.NopCloser(bytes.NewReader(body))
		response := httptest.NewRecorder()

		proxy.ServeHTTP(response, r)

		post := posted{
			call: call{
				path:   r.URL.Path,
				sent:   excerpt(body),
				status: response.Code,
				body:   response.Body.Bytes(),
			},
			idempotencyKey: r.Header.Get("Idempotency-Key"),
		}

		maps.Copy(w.Header(), response.Header())
		w.WriteHeader(response.Code)
		w.Write(response.Body.Bytes())

		select {
		case l.posts <- post:
		default:
		}
	})
}

func (l *later) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()

	_ = l.front.Shutdown(ctx) // it ends with the process otherwise
	_ = l.Close()

	l.transport.CloseIdleConnections()
	l.bridge.CloseClientConnections()
	l.bridge.Close()
}
