// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant/contract"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// TestMemoryDoesNotGrowWithSize transfers documents from Meta to Bird and measures all allocations, including those of
// both test servers. If a document of 100 times the size allocates more than growth, content is held in memory.
func TestMemoryDoesNotGrowWithSize(t *testing.T) { checkGrowth(t, allocated) }

// checkGrowth checks that the transfer of a document of 100 times the size allocates no more than growth on top.
func checkGrowth(t *testing.T, allocated func(t *testing.T, size int64) uint64) {
	t.Helper()

	const (
		small, large = 1 << 20, 100 << 20
		growth       = 8 << 20
	)

	one := allocated(t, small)
	many := allocated(t, large)
	t.Logf("allocated %d KiB for 1 MiB, %d KiB for 100 MiB", one>>10, many>>10)

	if many > one+growth {
		t.Errorf("allocated %d bytes for 100 MiB and %d for 1 MiB", many, one)
	}
}

// allocated returns the bytes allocated by the transfer of a document of size bytes, whether freed meanwhile or not.
func allocated(t *testing.T, size int64) uint64 {
	piece := make([]byte, 64<<10)

	hash := sha256.New()
	for range size / int64(len(piece)) {
		hash.Write(piece)
	}

	sum := hex.EncodeToString(hash.Sum(nil))

	var f *fixture

	f = newFixture(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", strconv.FormatInt(size, 10))

		for range size / int64(len(piece)) {
			w.Write(piece)
		}
	}), config.Media{}, lookupFunc(func(string) (cloudapi.MediaInfo, error) {
		return cloudapi.MediaInfo{
			URL:      f.server.URL + "/x",
			FileSize: size,
			SHA256:   sum,
			MimeType: "application/pdf",
		}, nil
	}))
	standIn := standin.NewBird(standin.BirdOptions{})

	server := httptest.NewServer(standIn)
	defer server.Close()

	live := config.Fixed(config.Config{Bird: config.Bird{
		BaseURL: server.URL, Media: config.BirdMedia{Transport: config.TransportMultipart},
	}}, config.Secrets{BirdAccessKey: "key"})
	drivers := map[config.Protocol]assistant.Driver{config.ProtocolContract: contract.Driver{}}

	client := assistant.NewClient(drivers, nil, 1, clockwork.NewRealClock())
	defer client.Close()

	var before, fetched, after runtime.MemStats
	runtime.ReadMemStats(&before)

	began := time.Now()

	file, err := f.spool.Fetch(t.Context(), number, Expected{ID: "1", Filename: "report.pdf"})
	if err != nil {
		t.Fatal(err)
	}

	runtime.ReadMemStats(&fetched)

	took := time.Since(began)

	_, err = client.Of(live.Current()).Ask(t.Context(), assistant.Request{
		Method: assistant.ProcessDocument, Body: assistant.DocumentMessage{Filename: file.Filename, MimeType: file.MimeType},
		Media: &assistant.Media{
			ID:       "1",
			MimeType: file.MimeType,
			SHA256:   file.SHA256,
			Size:     file.Size,
			Filename: file.Filename,
			Content:  file,
		},
	})
	if err != nil {
		t.Fatal(err)
	}

	runtime.ReadMemStats(&after)
	t.Logf("%d MiB: fetched in %v allocating %d KiB, sent in %v allocating %d KiB", size>>20, took.Round(time.Millisecond),
		(fetched.TotalAlloc-before.TotalAlloc)>>10, (time.Since(began) - took).Round(time.Millisecond), (after.TotalAlloc-fetched.TotalAlloc)>>10)

	if got := standIn.Asked()[0]; got.MediaBytes != size || got.MediaSHA256 != sum {
		t.Errorf("Bird got %d bytes of %s, want %d of %s", got.MediaBytes, got.MediaSHA256, size, sum)
	}

	f.remove(t, file)
	f.checkEmpty(t)

	return after.TotalAlloc - before.TotalAlloc
}
