// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package s3

import (
	"encoding/xml"
	"net/http"
	"strconv"
	"strings"
)

// upload is a multipart upload that is not complete.
type upload struct {
	key   string
	parts map[int][]byte
}

// begin begins a multipart upload.
func (s *Server) begin(w http.ResponseWriter, key string) {
	s.last++
	id := strconv.Itoa(s.last)
	s.uploads[id] = &upload{key, map[int][]byte{}}

	write(w, struct {
		XMLName  xml.Name `xml:"InitiateMultipartUploadResult"`
		Bucket   string
		Key      string
		UploadID string `xml:"UploadId"`
	}{Bucket: s.Bucket, Key: key, UploadID: id})
}

// part serves the requests of a multipart upload.
func (s *Server) part(w http.ResponseWriter, r *http.Request, key string, body []byte) {
	id := r.URL.Query().Get("uploadId")

	u, ok := s.uploads[id]
	if !ok || u.key != key {
		refuse(w, r, refusal{http.StatusNotFound, "NoSuchUpload"})
		return
	}

	switch r.Method {
	case http.MethodPut:
		n, err := strconv.Atoi(r.URL.Query().Get("partNumber"))
		if err != nil || n < 1 || n > 10_000 {
			refuse(w, r, refusal{http.StatusBadRequest, "InvalidArgument"})
			return
		}

		u.parts[n] = body
		w.Header().Set("ETag", tag(body))
	case http.MethodDelete:
		delete(s.uploads, id)
		w.WriteHeader(http.StatusNoContent)
	case http.MethodPost:
		s.complete(w, r, id, body)
	default:
		refuse(w, r, refusal{http.StatusNotImplemented, "NotImplemented"})
	}
}

// complete joins the parts of an upload.
func (s *Server) complete(w http.ResponseWriter, r *http.Request, id string, body []byte) {
	var wanted struct {
		Part []struct {
			PartNumber int
			ETag       string
		}
	}

	if err := xml.Unmarshal(body, &wanted); err != nil || len(wanted.Part) == 0 { //nolint:gosec // into two fields, from a bounded body
		refuse(w, r, refusal{http.StatusBadRequest, "MalformedXML"})
		return
	}

	u := s.uploads[id]

	var content []byte

	for i, p := range wanted.Part {
		part, ok := u.parts[p.PartNumber]

		switch {
		case !ok || strings.Trim(p.ETag, `"`) != strings.Trim(tag(part), `"`):
			refuse(w, r, refusal{http.StatusBadRequest, "InvalidPart"})
			return
		case i > 0 && p.PartNumber <= wanted.Part[i-1].PartNumber:
			refuse(w, r, refusal{http.StatusBadRequest, "InvalidPartOrder"})
			return
		case i < len(wanted.Part)-1 && len(part) < minPart:
			refuse(w, r, refusal{http.StatusBadRequest, "EntityTooSmall"})
			return
		}

		content = append(content, part...)
	}

	s.objects[u.key] = content
	delete(s.uploads, id)

	write(w, struct {
		XMLName           xml.Name `xml:"CompleteMultipartUploadResult"`
		Bucket, Key, ETag string
	}{Bucket: s.Bucket, Key: u.key, ETag: tag(content)})
}
