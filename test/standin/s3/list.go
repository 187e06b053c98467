// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package s3

import (
	"encoding/xml"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// pageSize is the number of objects and folders in a page of a listing.
// Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
const pageSize = 1000

// page is a page of a listing.
type page struct {
	XMLName               xml.Name `xml:"ListBucketResult"`
	Name, Prefix          string
	KeyCount              int
	MaxKeys               int
	IsTruncated           bool
	NextContinuationToken string `xml:",omitempty"`
	Contents              []entry
	CommonPrefixes        []commonPrefix
}

// entry is an object in a listing.
type entry struct {
	Key          string
	Size         int
	ETag         string
	LastModified string
}

// commonPrefix is a folder in a listing.
type commonPrefix struct{ Prefix string }

// list lists a page of the objects whose keys have a prefix, after a continuation token: the last object or folder of the page
// before. Objects with the delimiter behind the prefix are listed as their folder.
func (s *Server) list(w http.ResponseWriter, prefix, delimiter, after string) {
	p := page{
		Name:    s.Bucket,
		Prefix:  prefix,
		MaxKeys: pageSize,
	}
	last := after

	for _, key := range slices.Sorted(maps.Keys(s.objects)) {
		below, ok := strings.CutPrefix(key, prefix)
		if !ok || key <= after {
			continue
		}

		listed := key

		folder, _, isBelow := strings.Cut(below, delimiter)
		if isBelow = isBelow && delimiter != ""; isBelow {
			listed = prefix + folder + delimiter
		}

		if listed == last { // a folder that is listed already
			continue
		}

		if p.KeyCount == pageSize {
			p.IsTruncated = true
			p.NextContinuationToken = last

			break
		}

		p.KeyCount++
		last = listed

		if isBelow {
			p.CommonPrefixes = append(p.CommonPrefixes, commonPrefix{listed})
			continue
		}

		content := s.objects[key]
		p.Contents = append(p.Contents, entry{key, len(content), tag(content), s.now().UTC().Format(time.RFC3339)})
	}

	write(w, p)
}

// listUploads lists the multipart uploads that are not complete.
func (s *Server) listUploads(w http.ResponseWriter, prefix string) {
	type pending struct {
		Key       string
		UploadID  string `xml:"UploadId"`
		Initiated string
	}

	var found []pending

	for id, u := range s.uploads {
		if strings.HasPrefix(u.key, prefix) {
			found = append(found, pending{u.key, id, s.now().UTC().Format(time.RFC3339)})
		}
	}

	write(w, struct {
		XMLName     xml.Name `xml:"ListMultipartUploadsResult"`
		Bucket      string
		Prefix      string
		IsTruncated bool
		Upload      []pending
	}{Bucket: s.Bucket, Prefix: prefix, Upload: found})
}
