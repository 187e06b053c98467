// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// downloadPath is the path of Meta's media host, lookaside.fbsbx.com.
	downloadPath = "/whatsapp_business/attachments/"
	// maxStoredUpload is the size up to which an upload is stored. A larger upload is counted and hashed only, and cannot
	// be downloaded.
	maxStoredUpload = 16 << 20
	// maxMediaBytes bounds all media together; the oldest are evicted first.
	maxMediaBytes = 256 << 20
)

type medium struct {
	mime    string
	sha256  string
	size    int64
	content []byte
	// owner is the phone number id of the upload; empty means any.
	owner string
}

type mediaStore struct {
	key []byte

	mu    sync.Mutex
	byID  map[string]medium
	order []string
	bytes int
}

func (s *mediaStore) put(id string, m medium) {
	s.mu.Lock()
	defer s.mu.Unlock()

	s.removeLocked(id)

	if s.byID == nil {
		s.byID = map[string]medium{}
	}

	s.byID[id] = m
	s.order = append(s.order, id)

	s.bytes += len(m.content)
	for len(s.order) > 1 && (len(s.order) > maxNodes || s.bytes > maxMediaBytes) {
		s.removeLocked(s.order[0])
	}
}

func (s *mediaStore) get(id string) (medium, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()

	m, found := s.byID[id]

	return m, found
}

func (s *mediaStore) remove(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()

	return s.removeLocked(id)
}

func (s *mediaStore) removeLocked(id string) bool {
	m, found := s.byID[id]
	if !found {
		return false
	}

	delete(s.byID, id)
	s.bytes -= len(m.content)
	s.order = slices.DeleteFunc(s.order, func(o string) bool { return o == id })

	return true
}

// sign returns the token of a download URL. It cannot be guessed and need not be stored.
func (s *mediaStore) sign(id, expires string) string {
	mac := hmac.New(sha256.New, s.key)
	_, _ = fmt.Fprintf(mac, "%s|%s", id, expires)

	return hex.EncodeToString(mac.Sum(nil))
}

// PutMedia stores a medium as if a person had sent it. The content is not copied.
func (g *Graph) PutMedia(id, mime string, content []byte) {
	sum := sha256.Sum256(content)
	g.PutMediaWithSHA256(id, mime, content, hex.EncodeToString(sum[:]))
}

// PutMediaWithSHA256 is PutMedia with an explicit SHA-256, which may be wrong or in base64.
func (g *Graph) PutMediaWithSHA256(id, mime string, content []byte, sha256 string) {
	g.media.put(id, medium{
		mime:    mime,
		sha256:  sha256,
		size:    int64(len(content)),
		content: content,
	})
}

// getMedia serves GET /{media-id}. Graph returns file_size as a number, although its reference says string.
func (g *Graph) getMedia(r *http.Request) (any, *problem) {
	id := r.PathValue("id")

	m, found := g.media.get(id)
	if !found {
		return nil, unknownObject(r, id)
	}

	if number := r.URL.Query().Get("phone_number_id"); number != "" {
		if !g.hasNumber(number) || (m.owner != "" && m.owner != number) {
			return nil, invalid("Invalid parameter: phone_number_id does not own media %s", id)
		}
	}

	deadline := g.options.Clock.Now().Add(g.options.MediaURLLifetime)
	expires := strconv.FormatInt(deadline.UnixMilli(), 10)
	query := url.Values{
		"mid":  {id},
		"ext":  {expires},
		"hash": {g.media.sign(id, expires)},
	}

	return map[string]any{
		"messaging_product": "whatsapp",
		"url":               g.publicURL(r) + downloadPath + "?" + query.Encode(),
		"mime_type":         m.mime,
		"sha256":            m.sha256,
		"file_size":         m.size,
		"id":                id,
	}, nil
}

func (g *Graph) publicURL(r *http.Request) string {
	if g.options.PublicURL != "" {
		return strings.TrimSuffix(g.options.PublicURL, "/")
	}

	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}

	return scheme + "://" + r.Host
}

// download serves the URL of a medium. It requires the token of the account, a User-Agent and an unexpired URL.
func (g *Graph) download(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	id := query.Get("mid")
	expires := query.Get("ext")
	deadline, err := strconv.ParseInt(expires, 10, 64)

	m, found := g.media.get(id)
	switch {
	case r.UserAgent() == "":
		http.Error(w, "a User-Agent is required", http.StatusForbidden)
	case !accepted(g.options.AccessTokens, bearer(r)):
		http.Error(w, "not authorized", http.StatusUnauthorized)
	case err != nil, !found, m.content == nil,
		!g.options.Clock.Now().Before(time.UnixMilli(deadline)),
		!hmac.Equal([]byte(g.media.sign(id, expires)), []byte(query.Get("hash"))):
		http.Error(w, "not found", http.StatusNotFound)
	default:
		w.Header().Set("Content-Type", m.mime)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(m.content))
	}
}

// deleteMedia serves DELETE /{media-id}.
func (g *Graph) deleteMedia(r *http.Request) (any, *problem) {
	id := r.PathValue("id")
	if !g.media.remove(id) {
		return nil, unknownObject(r, id)
	}

	return map[string]bool{"success": true}, nil
}

// Medium returns a stored medium, for pages that show it. It reports false if the medium is unknown or was too large to
// store.
func (g *Graph) Medium(id string) (mime string, content []byte, ok bool) {
	m, found := g.media.get(id)

	return m.mime, m.content, found && m.content != nil
}
