// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package medialink

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/jonboulle/clockwork"
	"golang.org/x/sync/semaphore"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/logevent"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/logsample"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/media"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/metrics"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const (
	// maxServed bounds the files that are served at the same time: each takes a connection and space in the spool.
	maxServed = 16
	// maxDuration bounds one download, and chunkDuration the time that a client has to take a chunk of it. The timeouts of
	// the webhook port are for small bodies.
	maxDuration   = 10 * time.Minute
	chunkDuration = 30 * time.Second
	chunkSize     = 256 << 10

	retryAfter = "5" // seconds
)

// ErrNoFile means that an event has no file that can be served.
var ErrNoFile = errors.New("the event has no file")

// Files returns files of messages.
type Files interface {
	// OpenFile returns the file of the message of an event. The caller calls done. Errors are ErrNoFile or of type
	// *failure.Error.
	OpenFile(ctx context.Context, event store.ID) (file *media.File, done func(), err error)
}

// Dependencies are the dependencies of a Handler. All are required.
type Dependencies struct {
	Files   Files
	Live    *config.Live
	Metrics *metrics.Metrics
	Clock   clockwork.Clock
	Log     *slog.Logger
}

// Handler serves the files behind links. A link is the only credential for its file, so a wrong link and an expired link get
// the same answer.
type Handler struct {
	Dependencies
	places *semaphore.Weighted
}

// NewHandler returns the handler of the paths below config.MediaPath.
func NewHandler(dependencies Dependencies) *Handler {
	dependencies.Log = slog.New(logsample.New(dependencies.Log.Handler(), dependencies.Clock))

	return &Handler{Dependencies: dependencies, places: semaphore.NewWeighted(maxServed)}
}

// ServeHTTP answers GET and HEAD.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")

	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "use GET", http.StatusMethodNotAllowed)

		return
	}

	h.Metrics.MediaLinkAnswered(h.serve(w, r))
}

// serve answers a request, and returns the result for the metrics.
func (h *Handler) serve(w http.ResponseWriter, r *http.Request) metrics.LinkResult {
	token := strings.TrimPrefix(r.URL.Path, config.MediaPath)

	event, ok := eventOf(token, h.Live.Current().Secrets.AppSecrets, h.Clock.Now())
	if !ok {
		http.NotFound(w, r)
		return metrics.LinkUnknown
	}

	if !h.places.TryAcquire(1) {
		return unavailable(w, metrics.LinkBusy)
	}
	defer h.places.Release(1)

	ctx, cancel := context.WithTimeout(r.Context(), maxDuration)
	defer cancel()

	client := http.NewResponseController(w)
	_ = client.SetReadDeadline(deadline(ctx, maxDuration)) // that of the request would end ctx
	_ = client.SetWriteDeadline(deadline(ctx, maxDuration))

	file, done, err := h.Files.OpenFile(ctx, event)
	if err != nil {
		return h.refuse(w, r, event, err)
	}
	defer done()

	return h.send(ctx, w, r, file)
}

// refuse answers a request for a file that cannot be served: never, or not now.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, event store.ID, err error) metrics.LinkResult {
	f := failure.Of(err)
	if errors.Is(err, ErrNoFile) || f.Class == failure.Permanent {
		http.NotFound(w, r)
		return metrics.LinkUnknown
	}

	if !errors.Is(r.Context().Err(), context.Canceled) { // else the AI has disconnected, which failed the download
		h.Log.Warn("linked media cannot be served now", logevent.EventID, event, "class", f.Class, "code", f.Code)
	}

	return unavailable(w, metrics.LinkFailed)
}

func unavailable(w http.ResponseWriter, result metrics.LinkResult) metrics.LinkResult {
	w.Header().Set("Retry-After", retryAfter)
	http.Error(w, "the file cannot be served now", http.StatusServiceUnavailable)

	return result
}

func (h *Handler) send(ctx context.Context, w http.ResponseWriter, r *http.Request, file *media.File) metrics.LinkResult {
	content, err := file.Open()
	if err != nil {
		return unavailable(w, metrics.LinkFailed)
	}
	defer content.Close()

	header := w.Header()
	header.Set("Content-Type", contentType(file.MimeType))
	header.Set("Content-Length", strconv.FormatInt(file.Size, 10))
	header.Set("Content-Disposition", disposition(file.Filename))
	header.Set("Content-Security-Policy", "default-src 'none'; sandbox") // a person's HTML must not run on this host
	header.Set("Accept-Ranges", "none")
	w.WriteHeader(http.StatusOK)

	if r.Method == http.MethodHead {
		return metrics.LinkServed
	}

	if err := h.copy(ctx, w, io.LimitReader(content, file.Size)); err != nil {
		return metrics.LinkFailed
	}

	return metrics.LinkServed
}

// copy sends a file in chunks. A client that takes a chunk too slowly loses the connection.
func (h *Handler) copy(ctx context.Context, w http.ResponseWriter, content io.Reader) error {
	client := http.NewResponseController(w)

	for ctx.Err() == nil {
		_ = client.SetWriteDeadline(deadline(ctx, chunkDuration))

		n, err := io.CopyN(w, content, chunkSize)
		if errors.Is(err, io.EOF) {
			return nil
		}

		if err != nil || n < chunkSize {
			return err
		}
	}

	return ctx.Err()
}

// deadline returns the time of the network's own clock in d, or that of ctx if it is earlier.
func deadline(ctx context.Context, d time.Duration) time.Time {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()

	at, _ := ctx.Deadline()

	return at
}

// contentType returns a MIME type of Meta's, which a header can carry, or else the generic one.
func contentType(mimeType string) string {
	kind, parameters, err := mime.ParseMediaType(mimeType)
	if formatted := mime.FormatMediaType(kind, parameters); err == nil && formatted != "" {
		return formatted
	}

	return "application/octet-stream"
}

// disposition lets a browser save a file instead of showing it.
func disposition(filename string) string {
	name := filename[strings.LastIndexAny(filename, `/\`)+1:]
	if name == "" {
		return "attachment"
	}

	if formatted := mime.FormatMediaType("attachment", map[string]string{"filename": name}); formatted != "" {
		return formatted
	}

	return "attachment"
}
