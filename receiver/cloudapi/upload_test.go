// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

func upload(content []byte, name, mimeType string) Upload {
	return Upload{
		Filename: name,
		MimeType: mimeType,
		Size:     int64(len(content)),
		Open:     func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil },
	}
}

func newUploadClient(t *testing.T, handler http.Handler) *Client {
	server := httptest.NewServer(handler)
	client := NewClient(config.Fixed(config.Config{
		CloudAPI: config.CloudAPI{BaseURL: server.URL, Timeout: time.Minute},
		Media:    config.Media{DownloadTimeout: time.Minute},
	}, config.Secrets{AccessToken: "token", AppSecrets: []string{"other", "secret"}}), 1, clockwork.NewRealClock())
	t.Cleanup(func() { client.Close(); server.Close() })

	return client
}

func TestUploadMedia(t *testing.T) {
	graph := standin.NewGraph(standin.GraphOptions{AccessTokens: []string{"token"}, AppSecret: "secret"})
	t.Cleanup(graph.Close)

	client := newUploadClient(t, graph)
	content := bytes.Repeat([]byte("photo"), 100_000)

	id, err := client.UploadMedia(t.Context(), "42", upload(content, "día \"1\".jpg", "image/jpeg"))
	if err != nil {
		t.Fatal(err)
	}

	info, err := client.MediaInfo(t.Context(), "42", id)
	if err != nil || info.FileSize != int64(len(content)) || info.MimeType != "image/jpeg" {
		t.Errorf("the uploaded file is %+v, %v; want %d bytes of image/jpeg", info, err, len(content))
	}
}

func TestUploadFailures(t *testing.T) {
	answer := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)

			w.WriteHeader(status)
			fmt.Fprint(w, body)
		}
	}
	for name, tc := range map[string]struct {
		handle http.HandlerFunc
		class  failure.Class
		code   string
	}{
		"refused type":        {answer(400, `{"error":{"code":100,"message":"Param file must be a file with one of the following types"}}`), failure.Permanent, "100"},
		"refused file":        {answer(400, `{"error":{"code":131053}}`), failure.Permanent, "131053"},
		"too large":           {answer(413, `<html>`), failure.Permanent, "http_413"},
		"limited":             {answer(400, `{"error":{"code":130429}}`), failure.RateLimited, "130429"},
		"expired token":       {answer(401, `{"error":{"code":190}}`), failure.Configuration, "190"},
		"no access":           {answer(400, `{"error":{"code":100,"error_subcode":33}}`), failure.Configuration, "100"},
		"server failed":       {answer(500, `{"error":{"code":131000}}`), failure.Transient, "131000"},
		"gateway failed":      {answer(502, ``), failure.Transient, "http_502"},
		"200 without an id":   {answer(200, `{}`), failure.Transient, "bad_response"},
		"an id that is a URL": {answer(200, `{"id":"../x"}`), failure.Transient, "bad_response"},
		"cut off": {
			func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, failure.Transient, "no_connection",
		},
	} {
		t.Run(name, func(t *testing.T) {
			id, err := newUploadClient(t, tc.handle).UploadMedia(t.Context(), "42", upload([]byte("x"), "a.jpg", "image/jpeg"))
			if f := failure.Of(err); err == nil || f.Class != tc.class || f.Code != tc.code || f.Op != "upload media" {
				t.Errorf("UploadMedia() = %q, %+v; want class %s, code %s", id, f, tc.class, tc.code)
			}
		})
	}

	client := newUploadClient(t, http.NotFoundHandler())
	if _, err := client.UploadMedia(t.Context(), "../42", upload(nil, "a", "image/png")); failure.Of(err).Code != CodeBadPhoneNumberID {
		t.Errorf("UploadMedia() error = %v, want a refused phone number id", err)
	}
}
