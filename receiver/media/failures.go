// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

import (
	"errors"
	"net/http"
	"syscall"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/httpclient"
)

// Failure codes of downloads, besides those of package httpclient and of the lookup.
const (
	CodeGone     = "media_gone"      // Meta no longer has the file
	CodeHash     = "media_hash"      // size or SHA-256 differ from what Meta announced
	CodeHost     = "media_host"      // the address of the file is not allowed
	CodeLink     = "media_link"      // the link of an answer cannot be used
	CodeTooLarge = "media_too_large" // larger than WhatsApp or the spool allows
	CodeNoRoom   = "no_room"         // stopped while waiting for space in the spool
	CodeSpool    = "spool"           // the spool cannot be written to
	CodeDiskFull = "disk_full"
)

func permanent(code, text string) *failure.Error {
	return &failure.Error{
		Class: failure.Permanent,
		Op:    op,
		Code:  code,
		Text:  text,
	}
}

func tooLarge() *failure.Error {
	return permanent(CodeTooLarge, "the media is larger than the 100 MiB that WhatsApp allows")
}

func hostFailure(text string) *failure.Error { return permanent(CodeHost, text) }

// refused classifies a response other than 200. retry reports whether a new URL may help.
func (s *Spool) refused(response *http.Response) (retry bool, _ *failure.Error) {
	f := permanent(httpclient.StatusCode(response.StatusCode), "Meta's media host refuses the download")
	f.RetryAfter = s.http.RetryAfter(response.Header)

	switch status := response.StatusCode; status {
	case http.StatusNotFound, http.StatusGone:
		f.Code = CodeGone
		f.Text = "the media no longer exists"

		return true, f
	case http.StatusUnauthorized: // the look-up was accepted with the same token
		f.Class = failure.Transient
		f.Text = "Meta's media host refuses the access token, which the Graph API accepts"

		return true, f
	case http.StatusForbidden: // some of Meta's hosts answer so if the URL has expired
		f.Class = failure.Transient
		return true, f
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		f.Class = failure.Transient
		f.Text = "Meta's media host is busy"
	default:
		if status >= http.StatusInternalServerError {
			f.Class = failure.Transient
			f.Text = "Meta's media host is unavailable"
		}
	}

	return false, f
}

// lookupFailed returns the failure of a lookup: a permanent one means that the media is gone.
func lookupFailed(err error) *failure.Error {
	f := *failure.Of(err)
	if f.Class == failure.Permanent {
		f.Code = CodeGone
	}

	return &f
}

func writeFailed(cause error) *failure.Error {
	f := &failure.Error{
		Class: failure.Transient,
		Op:    op,
		Code:  CodeSpool,
		Text:  "media.spoolDir cannot be written to",
	}
	if errors.Is(cause, syscall.ENOSPC) || errors.Is(cause, syscall.EDQUOT) {
		f.Code = CodeDiskFull
		f.Text = "the disk of media.spoolDir is full"
	}

	return f
}
