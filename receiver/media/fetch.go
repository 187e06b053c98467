// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/httpclient"
)

const (
	op       = "fetch media"
	maxTries = 3
)

// Expected is the description of media in its message. Only ID is always set.
type Expected struct {
	ID       string
	SHA256   string // hexadecimal or base64
	MimeType string
	Filename string
}

// Fetch looks up the media and downloads it. It waits for space in the spool until ctx ends. After an expired URL or
// damaged content it looks the media up and downloads it again, once for each failure code. Errors are of type
// *failure.Error. The caller removes the file.
func (s *Spool) Fetch(ctx context.Context, phoneNumberID string, expected Expected) (*File, error) {
	var last string
	for try := 1; ; try++ {
		file, retry, err := s.attempt(ctx, phoneNumberID, expected)
		if err == nil {
			return file, nil
		}

		code := failure.Of(err).Code
		if !retry || code == last || try == maxTries {
			return nil, err
		}

		last = code
	}
}

// attempt looks up and downloads once. retry reports whether a new URL may help.
func (s *Spool) attempt(ctx context.Context, phoneNumberID string, expected Expected) (_ *File, retry bool, err error) {
	info, err := s.lookup.MediaInfo(ctx, phoneNumberID, expected.ID)
	if err != nil {
		return nil, false, lookupFailed(err)
	}

	size, fault := s.spaceFor(info.FileSize)
	if fault != nil {
		return nil, false, fault
	}

	file, waited, err := s.newFile(ctx, size)
	if err != nil {
		return nil, false, err
	}

	file.Filename = expected.Filename

	defer func() { err = file.removeAfter(err) }()

	if waited { // the URL may have expired
		if info, err = s.lookup.MediaInfo(ctx, phoneNumberID, expected.ID); err != nil {
			return nil, false, lookupFailed(err)
		}
	}

	if retry, fault = s.download(ctx, file, info, expected); fault != nil {
		return nil, retry, fault
	}

	return file, false, nil
}

// spaceFor returns the bytes to reserve for a file: its size, or the limit if Meta does not say (0).
func (s *Spool) spaceFor(size int64) (int64, *failure.Error) {
	switch {
	case size <= 0:
		return min(maxBytes, s.capacity), nil
	case size > maxBytes:
		return 0, tooLarge()
	case size > s.capacity:
		return 0, permanent(CodeTooLarge, "the media is larger than media.maxSpoolBytes")
	default:
		return size, nil
	}
}

// download fills file with at most the bytes that are reserved for it.
func (s *Spool) download(ctx context.Context, file *File, info cloudapi.MediaInfo, expected Expected) (retry bool, _ *failure.Error) {
	settings := s.live.Current()

	address, err := url.Parse(info.URL)
	if err != nil {
		return false, hostFailure("Meta's address of the media is not a URL")
	}

	if !allowed(settings, address) {
		return false, foreign(address)
	}

	response, fault := s.get(ctx, settings, address)
	if fault != nil {
		return false, fault
	}
	defer response.Body.Close()

	if response.StatusCode != http.StatusOK {
		return s.refused(response)
	}

	if response.ContentLength > maxBytes {
		return false, tooLarge()
	}

	sum, fault := s.write(file, response.Body)
	if fault != nil {
		return false, fault
	}

	if file.Size > file.reserved && info.FileSize <= 0 {
		return false, tooLarge()
	}

	if (info.FileSize > 0 && file.Size != info.FileSize) || !sameSum(expected.SHA256, sum) || !sameSum(info.SHA256, sum) {
		return true, permanent(CodeHash, "the media is not what Meta announced: size or SHA-256 differ")
	}

	file.SHA256 = hex.EncodeToString(sum[:])
	file.MimeType = cmp.Or(expected.MimeType, info.MimeType, response.Header.Get("Content-Type"))
	file.shrink()

	return false, nil
}

func (s *Spool) get(ctx context.Context, settings *config.Snapshot, address *url.URL) (*http.Response, *failure.Error) {
	response, fault := s.http.Open(ctx, httpclient.Call{
		Op:         op,
		Method:     http.MethodGet,
		BaseURL:    address.String(),
		Header:     http.Header{"Authorization": {"Bearer " + settings.Secrets.AccessToken}},
		Timeout:    settings.Media.DownloadTimeout,
		Idempotent: true,
	})
	if fault != nil && fault.Class == failure.Configuration { // such as an unknown certificate: of the host, not of the Graph API
		fault.Scope = failure.ScopeFiles
	}

	return response, fault
}

// write copies body into a new file of the spool, at most one byte more than is reserved for it, and returns its
// SHA-256.
func (s *Spool) write(file *File, body io.Reader) (sum [sha256.Size]byte, _ *failure.Error) {
	f, err := os.CreateTemp(s.dir, filePrefix+"*")
	if err != nil {
		return sum, writeFailed(err)
	}
	defer f.Close()

	file.Path = f.Name()
	hash := sha256.New()

	file.Size, err = io.Copy(io.MultiWriter(f, hash), io.LimitReader(body, file.reserved+1))
	if err == nil {
		err = f.Close()
	}

	if fault, ok := errors.AsType[*failure.Error](err); ok {
		return sum, fault // of the response
	}

	if err != nil {
		return sum, writeFailed(err)
	}

	return [sha256.Size]byte(hash.Sum(nil)), nil
}
