// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

import (
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
)

// TestMemoryOfUploadsDoesNotGrowWithSize transfers linked documents to Meta and measures all allocations, like
// TestMemoryDoesNotGrowWithSize.
func TestMemoryOfUploadsDoesNotGrowWithSize(t *testing.T) { checkGrowth(t, allocatedByUpload) }

// allocatedByUpload returns the bytes allocated by the transfer of a linked document of size bytes.
func allocatedByUpload(t *testing.T, size int64) uint64 {
	piece := make([]byte, 64<<10)
	spool, url := newLinkSpool(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", strconv.FormatInt(size, 10))

		for range size / int64(len(piece)) {
			w.Write(piece)
		}
	}, config.Media{})

	uploaded := int64(0)

	graph := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		uploaded, _ = io.Copy(io.Discard, r.Body)

		w.Write([]byte(`{"id":"7"}`))
	}))
	defer graph.Close()

	client := cloudapi.NewClient(config.Fixed(config.Config{
		CloudAPI: config.CloudAPI{BaseURL: graph.URL},
		Media:    config.Media{DownloadTimeout: time.Minute},
	}, config.Secrets{AccessToken: "token"}), 1, clockwork.NewRealClock())
	defer client.Close()

	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)

	file, err := spool.FetchLink(t.Context(), "document", url+"/report.pdf")
	if err != nil {
		t.Fatal(err)
	}

	_, err = client.UploadMedia(t.Context(), number, cloudapi.Upload{
		Filename: file.Filename,
		MimeType: file.MimeType,
		Size:     file.Size,
		Open:     file.Open,
	})
	if err != nil {
		t.Fatal(err)
	}

	runtime.ReadMemStats(&after)

	if uploaded <= size {
		t.Errorf("uploaded %d bytes, want the %d of the file and its form", uploaded, size)
	}

	if err := file.Remove(); err != nil {
		t.Error(err)
	}

	return after.TotalAlloc - before.TotalAlloc
}
