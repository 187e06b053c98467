// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// content is the content of a file. It counts how often it is opened.
type content struct {
	bytes  []byte
	opened int
	fail   error
}

func (c *content) Open() (io.ReadCloser, error) {
	c.opened++
	return io.NopCloser(bytes.NewReader(c.bytes)), c.fail
}

func mediaOf(size int) (*assistant.Media, *content) {
	c := &content{bytes: bytes.Repeat([]byte{0xfb, 0xef, 0xbe, 1}, size/4+1)[:size]}
	sum := sha256.Sum256(c.bytes)

	return &assistant.Media{
		ID:       "900",
		MimeType: "image/jpeg",
		SHA256:   hex.EncodeToString(sum[:]),
		Size:     int64(size),
		Filename: `a/b\cat "1".jpg`,
		Content:  c,
	}, c
}

// birdAt returns Bird at a server with this handler.
func birdAt(t *testing.T, handler http.Handler, settings config.Bird) assistant.AI {
	t.Helper()

	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	settings.BaseURL = server.URL

	return newAI(t, settings, config.Secrets{BirdAccessKey: "key"}, clockwork.NewFakeClock())
}

var common = assistant.Common{
	SchemaVersion: 1,
	PhoneNumberID: "42",
	MessageID:     "wamid.1",
	Channel:       "whatsapp",
	From:          new("573001234567"),
}

func TestMediaTransport(t *testing.T) {
	for name, tc := range map[string]struct {
		setting config.MediaTransport
		size    int
		want    assistant.Transport
	}{
		"empty":                {config.TransportAuto, 0, assistant.InBase64},
		"one byte":             {config.TransportAuto, 1, assistant.InBase64},
		"two bytes":            {config.TransportAuto, 2, assistant.InBase64},
		"more than one chunk":  {config.TransportAuto, 3<<12 + 1, assistant.InBase64},
		"largest for base64":   {config.TransportAuto, maxInline, assistant.InBase64},
		"too large for base64": {config.TransportAuto, maxInline + 1, assistant.InMultipart},
		"configured multipart": {config.TransportMultipart, 3, assistant.InMultipart},
		"configured base64":    {config.TransportBase64, maxInline + 1, assistant.InBase64},
	} {
		t.Run(name, func(t *testing.T) {
			standIn := standin.NewBird(standin.BirdOptions{})
			bird := birdAt(t, standIn, config.Bird{Media: config.BirdMedia{Transport: tc.setting}})

			media, file := mediaOf(tc.size)
			if _, err := bird.Ask(t.Context(), assistant.Request{
				Method: assistant.ProcessImage,
				Media:  media,
				Body:   assistant.ImageMessage{Common: common},
			}); err != nil {
				t.Fatal(err)
			}

			call := standIn.Asked()[0]
			if call.MediaBytes != int64(tc.size) || call.MediaSHA256 != media.SHA256 {
				t.Errorf("Bird got %d bytes of %s, want %d of %s", call.MediaBytes, call.MediaSHA256, tc.size, media.SHA256)
			}

			want := map[string]any{
				"id":        "900",
				"mime_type": "image/jpeg",
				"sha256":    media.SHA256,
				"size":      float64(tc.size),
				"filename":  media.Filename,
				"transport": string(tc.want),
			}
			if diff := cmp.Diff(want, call.Payload["media"]); diff != "" {
				t.Errorf("media (-want +got):\n%s", diff)
			}

			record := standIn.Recorder.Calls()[0]

			isMultipart := strings.HasPrefix(record.Header.Get("Content-Type"), "multipart/form-data")
			if isMultipart != (tc.want == assistant.InMultipart) || record.Header.Get("Content-Length") == "" {
				t.Errorf("sent as %s with length %q", record.Header.Get("Content-Type"), record.Header.Get("Content-Length"))
			}

			if file.opened != 1 {
				t.Errorf("the file was opened %d times", file.opened)
			}
		})
	}
}

func TestMultipartParts(t *testing.T) {
	media, _ := mediaOf(10)
	media.MimeType = "audio/ogg; codecs=opus\r\nX-Evil: 1"

	bird := birdAt(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		form, err := r.MultipartReader()
		if err != nil {
			t.Error(err)
			return
		}

		var got []string
		for {
			var part *multipart.Part
			if part, err = form.NextPart(); err != nil {
				break
			}

			got = append(got, part.FormName(), part.FileName(), part.Header.Get("Content-Type"), part.Header.Get("X-Evil"))
		}

		if diff := cmp.Diff([]string{"payload", "", "application/json", "", "media", `cat "1".jpg`, "application/octet-stream", ""}, got); diff != "" {
			t.Errorf("parts (-want +got):\n%s", diff)
		}

		w.WriteHeader(http.StatusNoContent)
	}), config.Bird{Media: config.BirdMedia{Transport: config.TransportMultipart}})
	if _, err := bird.Ask(t.Context(), assistant.Request{
		Method: assistant.ProcessImage,
		Media:  media,
		Body:   assistant.ImageMessage{Common: common},
	}); err != nil {
		t.Fatal(err)
	}
}

func TestRefusedBase64IsSentOnceAsMultipart(t *testing.T) {
	for name, tc := range map[string]struct {
		times   int // that Bird answers 413; 0: always
		setting config.MediaTransport
		calls   int
		fails   bool
	}{
		"accepted as multipart": {times: 1, setting: config.TransportAuto, calls: 2},
		"refused as multipart":  {setting: config.TransportAuto, calls: 2, fails: true},
		"multipart at first":    {setting: config.TransportMultipart, calls: 1, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			standIn := standin.NewBird(standin.BirdOptions{})
			standIn.Faults.Add(standin.Fault{Status: http.StatusRequestEntityTooLarge, Times: tc.times})
			bird := birdAt(t, standIn, config.Bird{Media: config.BirdMedia{Transport: tc.setting}})
			media, _ := mediaOf(1000)

			_, err := bird.Ask(t.Context(), assistant.Request{
				Method: assistant.ProcessImage,
				Media:  media,
				Body:   assistant.ImageMessage{Common: common},
			})
			if (err != nil) != tc.fails || err != nil && failure.Of(err).Class != failure.Permanent {
				t.Errorf("Ask() error = %v, want one: %t", err, tc.fails)
			}

			calls := standIn.Recorder.Calls()
			if len(calls) != tc.calls || !strings.HasPrefix(calls[len(calls)-1].Header.Get("Content-Type"), "multipart/") {
				t.Errorf("%d calls, the last as %s; want %d, the last by multipart", len(calls), calls[len(calls)-1].Header.Get("Content-Type"), tc.calls)
			}

			if first, last := calls[0].Header, calls[len(calls)-1].Header; first.Get("Idempotency-Key") != last.Get("Idempotency-Key") ||
				tc.calls == 2 && first.Get("X-Request-Id") == last.Get("X-Request-Id") {
				t.Error("want one Idempotency-Key and a new X-Request-Id")
			}
		})
	}
}

func TestUnreadableMedia(t *testing.T) {
	standIn := standin.NewBird(standin.BirdOptions{})
	bird := birdAt(t, standIn, config.Bird{CircuitBreaker: config.CircuitBreaker{FailureThreshold: 1}})
	media, file := mediaOf(10)
	file.fail = errors.New("gone")

	for range 2 { // a local failure does not open Bird's circuit
		_, err := bird.Ask(t.Context(), assistant.Request{
			Method: assistant.ProcessImage,
			Media:  media,
			Body:   assistant.ImageMessage{Common: common},
		})
		if f := failure.Of(err); err == nil || f.Class != failure.Transient || f.Code != "no_media" {
			t.Errorf("Ask() error = %v, want a transient no_media", err)
		}
	}

	if n := standIn.Recorder.Total(); n != 0 {
		t.Errorf("%d calls were made", n)
	}
}

func TestPayloadCanBeReopened(t *testing.T) {
	for _, how := range []assistant.Transport{assistant.InBase64, assistant.InMultipart} {
		for _, size := range []int{0, 1, 2, 3, 3<<12 - 1, 3 << 12, 3<<12 + 1, 100_000} {
			media, _ := mediaOf(size)

			p, err := encode(assistant.Request{
				Method: assistant.ProcessVideo,
				Media:  media,
				Body:   assistant.VideoMessage{Common: common},
			}, how)
			if err != nil {
				t.Fatal(err)
			}

			var read [2][]byte
			for i := range read {
				body, err := p.Open()
				if err != nil {
					t.Fatal(err)
				}

				if read[i], err = io.ReadAll(iotest.HalfReader(body)); err != nil {
					t.Fatal(err)
				}

				body.Close()
			}

			if int64(len(read[0])) != p.Size() || !bytes.Equal(read[0], read[1]) {
				t.Errorf("%s of %d bytes: read %d and %d bytes, announced %d", how, size, len(read[0]), len(read[1]), p.Size())
			}

			if how == assistant.InBase64 {
				var body struct {
					Data []byte `json:"video_data"`
				}
				if err := json.Unmarshal(read[0], &body); err != nil || !bytes.Equal(body.Data, media.Content.(*content).bytes) {
					t.Errorf("base64 of %d bytes does not decode to them: %v", size, err)
				}
			}
		}
	}
}
