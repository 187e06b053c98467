// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package dev

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net"
	"net/http"
	"slices"
	"strconv"
	"time"
)

const (
	// maxRequest bounds a JSON body; a text of WhatsApp has at most 4096 characters.
	maxRequest = 256 << 10
	// maxUpload bounds a file.
	maxUpload = 16 << 20

	heartbeat    = 15 * time.Second
	writeTimeout = 10 * time.Second
)

// contentSecurityPolicy lets the page load its own files only, and pictures and recordings to which the AI links.
const contentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
	"img-src 'self' data: blob: https: http:; media-src 'self' blob: https: http:; manifest-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

//go:embed page
var pageFiles embed.FS

func (s *Server) newHTTPServer() *http.Server {
	return &http.Server{
		Handler:           s.secure(s.routes()),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       2 * time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          quiet,
	}
}

func (s *Server) routes() http.Handler {
	page, err := fs.Sub(pageFiles, "page")
	if err != nil {
		panic(err) // the folder is embedded
	}

	mux := http.NewServeMux()
	mux.Handle("/", http.FileServerFS(page))
	mux.HandleFunc("GET /api/state", s.getState)
	mux.HandleFunc("GET /api/stream", s.serveStream)
	mux.HandleFunc("GET /api/media/{id}", s.getMedia)
	mux.HandleFunc("POST /api/messages", s.postMessage)
	mux.HandleFunc("POST /api/tap", serve(http.StatusCreated, s.tap))
	mux.HandleFunc("POST /api/edit", serve(http.StatusOK, s.edit))
	mux.HandleFunc("POST /api/delete", serve(http.StatusOK, s.deleteMessage))
	mux.HandleFunc("POST /api/react", serve(http.StatusOK, s.react))
	mux.HandleFunc("POST /api/people", serve(http.StatusCreated, s.chat.addPerson))
	mux.HandleFunc("PUT /api/faults/{name}", s.putFault)
	mux.HandleFunc("POST /api/clock", serve(http.StatusOK, s.advance))
	mux.HandleFunc("POST /api/reset", s.postReset)

	messagesAPI := s.messagesProxy()
	mux.Handle("/v1/messages", messagesAPI)
	mux.Handle("/v1/messages/{id}", messagesAPI)
	mux.Handle("/v1/conversations/{conversation}/handler", messagesAPI)

	return mux
}

// secure refuses requests under another name than this machine's, since a site could let its name lead here (DNS
// rebinding), and requests of another site's page.
func (s *Server) secure(next http.Handler) http.Handler {
	hosts := []string{
		net.JoinHostPort("localhost", s.port()),
		net.JoinHostPort("127.0.0.1", s.port()),
		net.JoinHostPort("::1", s.port()),
	}
	next = http.NewCrossOriginProtection().Handler(next)

	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", contentSecurityPolicy)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		header.Set("Cache-Control", "no-store")

		if !slices.Contains(hosts, r.Host) {
			writeError(w, http.StatusMisdirectedRequest, errors.New("open "+s.URL()+": this server has no other name"))
			return
		}

		next.ServeHTTP(w, r)
	})
}

// serve returns the handler of a request with a JSON body.
func serve[In, Out any](status int, call func(In) (Out, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		in, ok := readJSON[In](w, r)
		if !ok {
			return
		}

		out, err := call(in)
		if err != nil {
			writeError(w, statusOf(err), err)
			return
		}

		writeJSON(w, status, out)
	}
}

// readJSON reads the body of a request. If it cannot be read, it answers the request and reports false.
func readJSON[In any](w http.ResponseWriter, r *http.Request) (in In, ok bool) {
	if mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); mediaType != "application/json" {
		writeError(w, http.StatusUnsupportedMediaType, errors.New("send Content-Type: application/json"))
		return in, false
	}

	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest))
	decoder.DisallowUnknownFields()

	if err := decoder.Decode(&in); err != nil {
		writeError(w, statusOf(err), fmt.Errorf("read the request: %w", err))
		return in, false
	}

	return in, true
}

// conflict says why a request is refused that would be possible at another time.
type conflict string

// Error implements error.
func (c conflict) Error() string { return string(c) }

// statusOf returns the HTTP status of a refusal.
func statusOf(err error) int {
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return http.StatusRequestEntityTooLarge
	}

	if _, refused := errors.AsType[conflict](err); refused {
		return http.StatusConflict
	}

	switch {
	case errors.Is(err, errNoPerson), errors.Is(err, errNoMessage), errors.Is(err, errNoFault):
		return http.StatusNotFound
	case errors.Is(err, errTooMany), errors.Is(err, errNumberTaken):
		return http.StatusConflict
	case errors.Is(err, errBusy):
		return http.StatusServiceUnavailable
	default:
		return http.StatusUnprocessableEntity
	}
}

func writeError(w http.ResponseWriter, status int, err error) {
	writeJSON(w, status, Error{Error: err.Error()})
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		http.Error(w, "encode the answer: "+err.Error(), http.StatusInternalServerError)
		return
	}

	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

func (s *Server) getState(w http.ResponseWriter, _ *http.Request) {
	last := s.stream.lastID() // first: what changes meanwhile comes with the stream, once more
	writeJSON(w, http.StatusOK, State{
		Version: s.options.Version,
		AI:      s.ai.state(),
		Business: Business{
			Name:          businessName,
			Number:        displayNumber,
			PhoneNumberID: phoneNumberID,
		},
		People:         s.chat.listPeople(),
		Messages:       s.chat.all(),
		Traces:         s.journal.all(),
		Faults:         s.faults.all(),
		Clock:          s.clockState(),
		MessagesURL:    s.URL(),
		LastEventID:    last,
		MaxPeople:      maxPeople,
		MaxUploadBytes: maxUpload,
	})
}

// serveStream writes server-sent events until the page leaves or the server ends.
func (s *Server) serveStream(w http.ResponseWriter, r *http.Request) {
	after := s.stream.lastID()

	for _, text := range []string{r.URL.Query().Get("after"), r.Header.Get("Last-Event-ID")} {
		if id, err := strconv.ParseInt(text, 10, 64); err == nil {
			after = id
		}
	}

	if !s.stream.join() {
		writeError(w, http.StatusServiceUnavailable, fmt.Errorf("%d pages follow already: close one", maxReaders))
		return
	}
	defer s.stream.leave()

	w.Header().Set("Content-Type", "text/event-stream")

	control := http.NewResponseController(w)
	beat := time.NewTicker(heartbeat)

	defer beat.Stop()

	for {
		events, more, closed := s.stream.after(after)

		_ = control.SetWriteDeadline(time.Now().Add(writeTimeout))

		for _, e := range events {
			if _, err := fmt.Fprintf(w, "id: %d\nevent: %s\ndata: %s\n\n", e.id, e.name, e.data); err != nil {
				return
			}

			after = e.id
		}

		if control.Flush() != nil || closed {
			return
		}

		select {
		case <-r.Context().Done():
			return
		case <-more:
		case <-beat.C:
			if _, err := fmt.Fprint(w, ": still here\n\n"); err != nil {
				return
			}
		}
	}
}

func (s *Server) getMedia(w http.ResponseWriter, r *http.Request) {
	mimeType, content, ok := s.rig.Graph.Medium(r.PathValue("id"))
	if !ok {
		writeError(w, http.StatusNotFound, errors.New("there is no such file"))
		return
	}

	serveFile(w, r, mimeType, content)
}
