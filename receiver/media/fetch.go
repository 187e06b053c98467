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
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"syscall"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/httpclient"
)

const (
	op        = "fetch media"
	userAgent = "whatsapp-webhook-receiver" // Meta's media hosts answer none without a User-Agent
	maxTries  = 3
)

// Wanted is what the message says about its media. Only ID is always there.
type Wanted struct {
	ID       string
	SHA256   string // hexadecimal or base64
	MimeType string
	Filename string
}

// Fetch looks the media up and downloads it. It waits for room in the spool as long as ctx lives. A URL that has run
// out and content that is damaged are looked up and downloaded again, once each, before they are failures. Errors are
// of type *failure.Error. The caller removes the file.
func (s *Spool) Fetch(ctx context.Context, phoneNumberID string, kind Kind, want Wanted) (*File, error) {
	most, ok := largest[kind]
	if !ok {
		return nil, &failure.Error{
			Class: failure.Permanent,
			Op:    op,
			Code:  CodeKind,
			Text:  "messages of this type carry no media",
		}
	}

	var last string
	for try := 1; ; try++ {
		file, again, err := s.attempt(ctx, phoneNumberID, most, want)
		if err == nil {
			return file, nil
		}

		code := failure.Of(err).Code
		if !again || code == last || try == maxTries {
			return nil, err
		}

		last = code
	}
}

// attempt fetches once. again says that a new URL may help.
func (s *Spool) attempt(ctx context.Context, phoneNumberID string, most int64, want Wanted) (_ *File, again bool, err error) {
	info, err := s.lookup.MediaInfo(ctx, phoneNumberID, want.ID)
	if err != nil {
		return nil, false, notFound(err)
	}

	room := most
	if info.FileSize > 0 {
		room = info.FileSize
	}

	switch {
	case room > most:
		return nil, false, tooLarge()
	case room > s.most && info.FileSize > 0:
		return nil, false, &failure.Error{
			Class: failure.Permanent,
			Op:    op,
			Code:  CodeTooLarge,
			Text:  "the media is larger than media.maxSpoolBytes",
		}
	}

	room = min(room, s.most)

	waited, err := s.reserve(ctx, room)
	if err != nil {
		return nil, false, &failure.Error{
			Class: failure.Transient,
			Op:    op,
			Code:  CodeNoRoom,
			Text:  "stopped while waiting for room in the spool",
		}
	}

	file := &File{
		Filename: want.Filename,
		spool:    s,
		reserved: room,
	}
	defer func() {
		if err == nil {
			return
		}

		if left := file.Remove(); left != nil {
			err = errors.Join(err, left)
		}
	}()

	if waited { // the URL may have run out meanwhile
		if info, err = s.lookup.MediaInfo(ctx, phoneNumberID, want.ID); err != nil {
			return nil, false, notFound(err)
		}
	}

	if again, err = s.download(ctx, file, most, info, want); err != nil {
		return nil, again, err
	}

	return file, false, nil
}

// download fills file with at most the bytes that are reserved for it.
func (s *Spool) download(ctx context.Context, file *File, most int64, info cloudapi.MediaInfo, want Wanted) (again bool, err error) {
	settings := s.live.Current()

	address, err := url.Parse(info.URL)
	if err != nil {
		return false, &failure.Error{
			Class: failure.Permanent,
			Op:    op,
			Code:  CodeHost,
			Text:  "Meta's address of the media is no URL",
		}
	}

	if !allowed(settings, address) {
		return false, foreign(address)
	}

	ctx, cancel := context.WithTimeout(ctx, settings.Media.DownloadTimeout)
	defer cancel()

	response, again, err := s.get(ctx, settings, address)
	if err != nil {
		return again, err
	}
	defer response.Body.Close()

	if response.ContentLength > most {
		return false, tooLarge()
	}

	f, err := os.CreateTemp(s.dir, filePrefix+"*")
	if err != nil {
		return false, notWritten(err)
	}

	file.Path = f.Name()
	defer f.Close()

	room := file.reserved
	hash := sha256.New()

	file.Size, err = io.Copy(io.MultiWriter(f, hash), io.LimitReader(response.Body, room+1))
	if err == nil {
		err = f.Close()
	}

	if err != nil {
		if _, ok := errors.AsType[*fs.PathError](err); ok {
			return false, notWritten(err)
		}

		return false, unanswered(err)
	}

	if file.Size > room && info.FileSize <= 0 {
		return false, tooLarge()
	}

	sum := [sha256.Size]byte(hash.Sum(nil))
	if (info.FileSize > 0 && file.Size != info.FileSize) || !sameSum(want.SHA256, sum) || !sameSum(info.SHA256, sum) {
		return true, &failure.Error{
			Class: failure.Permanent,
			Op:    op,
			Code:  CodeHash,
			Text:  "the media is not what Meta announced: size or SHA-256 differ",
		}
	}

	file.SHA256 = hex.EncodeToString(sum[:])
	file.MimeType = cmp.Or(want.MimeType, info.MimeType, response.Header.Get("Content-Type"))
	file.shrink()

	return false, nil
}

// get returns an answer of 200; again says that a new URL may get one.
func (s *Spool) get(ctx context.Context, settings *config.Snapshot, address *url.URL) (_ *http.Response, again bool, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), http.NoBody)
	if err != nil {
		return nil, false, foreign(address)
	}

	request.Header.Set("Authorization", "Bearer "+settings.Secrets.AccessToken)
	request.Header.Set("User-Agent", userAgent)

	response, err := s.http.Do(request)
	if err != nil {
		return nil, false, unanswered(err)
	}

	if response.StatusCode == http.StatusOK {
		return response, false, nil
	}

	response.Body.Close()
	again, err = s.refused(response)

	return nil, again, err
}

func (s *Spool) refused(response *http.Response) (again bool, err error) {
	e := &failure.Error{
		Class:      failure.Permanent,
		Op:         op,
		Code:       httpclient.StatusCode(response.StatusCode),
		Text:       "Meta's media host refuses the download",
		RetryAfter: failure.ParseRetryAfter(response.Header.Get("Retry-After"), s.clock.Now()),
	}
	switch status := response.StatusCode; status {
	case http.StatusNotFound, http.StatusGone:
		e.Code = CodeGone
		e.Text = "the media is no longer there"

		return true, e
	case http.StatusUnauthorized:
		e.Class = failure.Configuration
		e.Text = "Meta's media host refuses the access token: set a new one"

		return true, e
	case http.StatusForbidden: // some of Meta's hosts say so of a URL that has run out
		e.Class = failure.Transient
		return true, e
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		e.Class = failure.Transient
		e.Text = "Meta's media host is busy"
	default:
		if status >= http.StatusInternalServerError {
			e.Class = failure.Transient
			e.Text = "Meta's media host is unavailable"
		}
	}

	return false, e
}

// notFound is why a lookup failed, as it concerns media: what Meta refuses for good is gone.
func notFound(err error) error {
	e := *failure.Of(err)
	if e.Class == failure.Permanent {
		e.Code = CodeGone
	}

	return &e
}

// unanswered classifies a download that broke off. The cause is not repeated: its text names signed addresses.
func unanswered(cause error) error {
	if e, ok := errors.AsType[*failure.Error](cause); ok { // what CheckRedirect said
		return e
	}

	if errors.Is(cause, errPrivate) {
		return &failure.Error{
			Class: failure.Permanent,
			Op:    op,
			Code:  CodeHost,
			Text:  "the media's host is at an address that is not public",
		}
	}

	if errors.Is(cause, context.DeadlineExceeded) {
		return &failure.Error{
			Class: failure.Transient,
			Op:    op,
			Code:  httpclient.CodeTimeout,
			Text:  "the media did not arrive in time",
		}
	}

	return &failure.Error{
		Class: failure.Transient,
		Op:    op,
		Code:  httpclient.CodeNoConnection,
		Text:  "the connection to Meta's media host failed",
	}
}

func notWritten(cause error) error {
	e := &failure.Error{
		Class: failure.Transient,
		Op:    op,
		Code:  CodeSpool,
		Text:  "media.spoolDir cannot be written to",
	}
	if errors.Is(cause, syscall.ENOSPC) || errors.Is(cause, syscall.EDQUOT) {
		e.Code = CodeDiskFull
		e.Text = "the disk of media.spoolDir is full"
	}

	return e
}

func tooLarge() error {
	return &failure.Error{
		Class: failure.Permanent,
		Op:    op,
		Code:  CodeTooLarge,
		Text:  "the media is larger than WhatsApp allows for its type",
	}
}
