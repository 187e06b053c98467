// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package s3 is a stand-in for Amazon S3 with one bucket. It checks the signature of each request, version 4, and the limits of
// multipart uploads.
package s3

import (
	"crypto/md5" //nolint:gosec // the entity tags of S3
	"encoding/hex"
	"encoding/pem"
	"encoding/xml"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	maxBody = 128 << 20
	// minPart is the minimum size of each part but the last.
	minPart = 5 << 20
)

// Server is the stand-in. Its exported fields may be changed before it is used.
type Server struct {
	URL    string
	Bucket string
	Region string
	KeyID  string
	Key    string

	now  func() time.Time
	http *httptest.Server

	mu      sync.Mutex
	fault   func(*http.Request) (status int, code string)
	objects map[string][]byte
	uploads map[string]*upload
	last    int // upload
}

// refusal is an answer with an error.
type refusal struct {
	status int
	code   string
}

// New returns a server that is started.
func New() *Server {
	s := newServer()
	s.http.Start()
	s.URL = s.http.URL

	return s
}

// NewTLS returns such a server for https, and the certificate, as PEM, that its clients have to trust.
func NewTLS() (s *Server, authority string) {
	s = newServer()
	s.http.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug) // of handshakes that clients end
	s.http.StartTLS()
	s.URL = s.http.URL

	return s, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.http.Certificate().Raw}))
}

func newServer() *Server {
	s := &Server{
		Bucket:  "copies",
		Region:  "eu-central-1",
		KeyID:   "AKIAEXAMPLE",
		Key:     "wJalrXUtnFEMI",
		now:     time.Now,
		objects: map[string][]byte{},
		uploads: map[string]*upload{},
	}
	s.http = httptest.NewUnstartedServer(s)

	return s
}

// Close ends the server.
func (s *Server) Close() { s.http.Close() }

// Fail lets requests fail with the status and code that fault returns, unless the status is 0.
func (s *Server) Fail(fault func(*http.Request) (status int, code string)) {
	s.mu.Lock()
	defer s.mu.Unlock()

	s.fault = fault
}

// Keys returns the keys of all objects, in order.
func (s *Server) Keys() []string {
	s.mu.Lock()
	defer s.mu.Unlock()

	return slices.Sorted(maps.Keys(s.objects))
}

// Set changes the content of an object.
func (s *Server) Set(key string, content []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()

	s.objects[key] = content
}

// Delete deletes an object.
func (s *Server) Delete(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()

	delete(s.objects, key)
}

// Uploads returns the number of multipart uploads that are not complete.
func (s *Server) Uploads() int {
	s.mu.Lock()
	defer s.mu.Unlock()

	return len(s.uploads)
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	fault := s.fault
	s.mu.Unlock()

	if fault != nil {
		if status, code := fault(r); status != 0 {
			refuse(w, r, refusal{status, code})
			return
		}
	}

	body, refused := s.verify(r)
	if refused != nil {
		refuse(w, r, *refused)
		return
	}

	bucket, key := s.bucketAndKey(r)
	if bucket != s.Bucket {
		refuse(w, r, refusal{http.StatusNotFound, "NoSuchBucket"})
		return
	}

	s.mu.Lock()
	defer s.mu.Unlock()

	switch query := r.URL.Query(); {
	case key == "" && r.Method == http.MethodGet && query.Has("uploads"):
		s.listUploads(w, query.Get("prefix"))
	case key == "" && r.Method == http.MethodGet && query.Get("list-type") == "2":
		s.list(w, query.Get("prefix"), query.Get("delimiter"), query.Get("continuation-token"))
	case key == "":
		refuse(w, r, refusal{http.StatusNotImplemented, "NotImplemented"})
	case r.Method == http.MethodPost && query.Has("uploads"):
		s.begin(w, key)
	case query.Has("uploadId"):
		s.part(w, r, key, body)
	default:
		s.object(w, r, key, body)
	}
}

func refuse(w http.ResponseWriter, r *http.Request, with refusal) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(with.status)

	if r.Method != http.MethodHead {
		write(w, struct {
			XMLName xml.Name `xml:"Error"`
			Code    string
			Message string
		}{Code: with.code, Message: "the stand-in refuses " + r.Header.Get("Authorization")}) // as a careless server might
	}
}

func write(w http.ResponseWriter, answer any) { _ = xml.NewEncoder(w).Encode(answer) }

func tag(content []byte) string {
	sum := md5.Sum(content) //nolint:gosec // the entity tags of S3

	return `"` + hex.EncodeToString(sum[:]) + `"`
}

// object serves PUT, GET, HEAD and DELETE of an object.
func (s *Server) object(w http.ResponseWriter, r *http.Request, key string, body []byte) {
	content, exists := s.objects[key]

	switch {
	case r.Method == http.MethodPut:
		s.objects[key] = body
		w.Header().Set("ETag", tag(body))
	case r.Method == http.MethodDelete:
		delete(s.objects, key)
		w.WriteHeader(http.StatusNoContent)
	case !exists:
		refuse(w, r, refusal{http.StatusNotFound, "NoSuchKey"})
	default:
		w.Header().Set("ETag", tag(content))
		w.Header().Set("Content-Type", "application/octet-stream")
		http.ServeContent(w, r, "", s.now(), strings.NewReader(string(content)))
	}
}
