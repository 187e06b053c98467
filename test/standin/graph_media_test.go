// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jonboulle/clockwork"
)

func TestMediaLookupAndDownload(t *testing.T) {
	clock := clockwork.NewFakeClockAt(time.Unix(1_750_000_000, 0))
	graph := NewGraph(GraphOptions{
		AccessTokens:   []string{"token"},
		PhoneNumberIDs: []string{testNumber},
		Clock:          clock,
	})
	url, client := start(t, graph)
	graph.PutMedia("m1", "image/jpeg", []byte("picture"))
	graph.PutMediaWithSHA256("lie", "image/jpeg", []byte("picture"), "00")

	get := func(target string, header ...string) (int, string) {
		return do(t, client, request(t, http.MethodGet, target, "", header...))
	}
	auth := []string{"Authorization", "Bearer token"}

	status, body := get(url+"/v27.0/m1?phone_number_id="+testNumber, auth...)
	if status != http.StatusOK {
		t.Fatalf("lookup: %d %s", status, body)
	}

	found := object(t, body)
	link := found["url"].(string)
	delete(found, "url")

	want := map[string]any{
		"messaging_product": "whatsapp",
		"mime_type":         "image/jpeg",
		"id":                "m1",
		"file_size":         7.0,
		"sha256":            "2cea274d0bedc39ec4ab6ba9e59ec889e3ed6fb56a1cf088a64d9b383378dc97",
	}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Errorf("lookup (-want +got):\n%s", diff)
	}

	if _, body := get(url+"/v27.0/lie", auth...); object(t, body)["sha256"] != "00" {
		t.Errorf("lookup with an explicit SHA-256: %s", body)
	}

	for _, tc := range []struct {
		name   string
		target string
		header []string
		after  time.Duration
		status int
	}{
		{name: "download", target: link, header: auth, status: 200},
		{name: "just in time", target: link, header: auth, after: 5*time.Minute - time.Second, status: 200},
		{name: "expired", target: link, header: auth, after: 5 * time.Minute, status: 404},
		{name: "no token", target: link, status: 401},
		{name: "wrong token", target: link, header: []string{"Authorization", "Bearer other"}, status: 401},
		{name: "no User-Agent", target: link, header: append([]string{"User-Agent", ""}, auth...), status: 403},
		{name: "forged expiry", target: strings.Replace(link, "ext=1", "ext=2", 1), header: auth, status: 404},
		{name: "another medium", target: strings.Replace(link, "mid=m1", "mid=lie", 1), header: auth, status: 404},
		{name: "no query", target: url + downloadPath, header: auth, status: 404},
		{
			name:   "lookup for an unknown number",
			target: url + "/v27.0/m1?phone_number_id=1",
			header: auth,
			status: 400,
		},
		{name: "lookup of an unknown id", target: url + "/v27.0/m2", header: auth, status: 400},
		{name: "lookup without token", target: url + "/v27.0/m1", status: 401},
	} {
		t.Run(tc.name, func(t *testing.T) {
			clock.Advance(tc.after)
			defer clock.Advance(-tc.after)

			status, body := get(tc.target, tc.header...)
			if status != tc.status || (status == 200 && body != "picture") {
				t.Errorf("%d %q, want %d", status, body, tc.status)
			}
		})
	}
}

func TestMediaUploadAndDelete(t *testing.T) {
	graph := NewGraph(GraphOptions{})
	url, client := start(t, graph)
	upload := func(size int, fields map[string]string) (int, string) {
		var body bytes.Buffer

		form := multipart.NewWriter(&body)
		for name, value := range fields {
			if err := form.WriteField(name, value); err != nil {
				t.Fatal(err)
			}
		}

		if size >= 0 {
			part, err := form.CreateFormFile("file", "a.pdf")
			if err == nil {
				_, err = part.Write(make([]byte, size))
			}

			if err != nil {
				t.Fatal(err)
			}
		}

		if err := form.Close(); err != nil {
			t.Fatal(err)
		}

		r := request(t, http.MethodPost, url+"/v27.0/"+testNumber+"/media", body.String(),
			"Authorization", "Bearer t", "Content-Type", form.FormDataContentType())

		return do(t, client, r)
	}

	complete := map[string]string{"messaging_product": "whatsapp", "type": "application/pdf"}
	for _, tc := range []struct {
		name   string
		size   int
		fields map[string]string
		status int
	}{
		{name: "small", size: 10, fields: complete, status: 200},
		{name: "too large to store", size: maxStoredUpload + 1, fields: complete, status: 200},
		{name: "no file", size: -1, fields: complete, status: 400},
		{name: "no product", size: 10, fields: map[string]string{"type": "application/pdf"}, status: 400},
	} {
		t.Run(tc.name, func(t *testing.T) {
			status, body := upload(tc.size, tc.fields)
			if status != tc.status {
				t.Fatalf("%d %s, want %d", status, body, tc.status)
			}

			if status != http.StatusOK {
				return
			}

			id := object(t, body)["id"].(string)
			target := url + "/v27.0/" + id

			_, body = do(t, client, request(t, http.MethodGet, target, "", "Authorization", "Bearer t"))
			if found := object(t, body); found["file_size"] != float64(tc.size) || found["mime_type"] != "application/pdf" {
				t.Errorf("lookup: %s", body)
			}

			for _, want := range []int{200, 400} {
				if status, body := do(t, client, request(t, http.MethodDelete, target, "", "Authorization", "Bearer t")); status != want {
					t.Errorf("delete: %d %s, want %d", status, body, want)
				}
			}
		})
	}

	for name, tc := range map[string]struct {
		contentType string
		body        string
		code        int
	}{
		"JSON": {contentType: "application/json", body: `{}`, code: 100},
		"cut short": {
			contentType: "multipart/form-data; boundary=b",
			body:        "--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nhalf",
			code:        131053,
		},
	} {
		r := request(t, http.MethodPost, url+"/v27.0/1/media", tc.body,
			"Authorization", "Bearer t", "Content-Type", tc.contentType)
		if status, body := do(t, client, r); status != http.StatusBadRequest || errorCode(t, body) != tc.code {
			t.Errorf("upload of %s: %d %s, want 400 and code %d", name, status, body, tc.code)
		}
	}
}

// TestUploadLimits checks sizes and types without sending the bytes.
func TestUploadLimits(t *testing.T) {
	for name, tc := range map[string]struct {
		upload medium
		code   int
	}{
		"largest image":      {medium{mime: "image/png", size: 5 << 20}, 0},
		"image too large":    {medium{mime: "image/png", size: 5<<20 + 1}, 131053},
		"largest video":      {medium{mime: "video/mp4", size: 16 << 20}, 0},
		"voice too large":    {medium{mime: "audio/ogg; codecs=opus", size: 16<<20 + 1}, 131053},
		"sticker too large":  {medium{mime: "image/webp", size: 500<<10 + 1}, 131053},
		"largest document":   {medium{mime: "application/pdf", size: 100 << 20}, 0},
		"document too large": {medium{mime: "application/pdf", size: 100<<20 + 1}, 131053},
		"unknown type":       {medium{mime: "application/octet-stream", size: 1}, 100},
		"no type":            {medium{mime: "pdf;;", size: 1}, 100},
	} {
		p := checkUpload(tc.upload)
		if (p == nil) != (tc.code == 0) || (p != nil && p.code != tc.code) {
			t.Errorf("%s: %+v, want code %d", name, p, tc.code)
		}
	}
}

func TestMediaStoreIsBounded(t *testing.T) {
	var store mediaStore
	for i := range maxNodes + 5 {
		store.put(string(rune('一'+i)), medium{content: []byte("x")})
	}

	if len(store.byID) != maxNodes || len(store.order) != maxNodes || store.bytes != maxNodes {
		t.Errorf("%d media, %d bytes", len(store.byID), store.bytes)
	}

	store.put("large", medium{content: make([]byte, maxMediaBytes)})

	if _, found := store.get("large"); !found || len(store.byID) != 1 {
		t.Errorf("%d media in addition to the large one", len(store.byID)-1)
	}
}
