// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// MediaInfo describes a file and its address.
type MediaInfo struct {
	URL      string // for a GET with the access token, within 5 minutes
	MimeType string
	SHA256   string // in hexadecimal or base64
	FileSize int64  // bytes; 0 if Meta does not say
}

// MediaInfo looks up a file that phoneNumberID received. Errors are of type *failure.Error and never Ambiguous: a lookup
// changes nothing.
//
// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media
func (c *Client) MediaInfo(ctx context.Context, phoneNumberID, mediaID string) (MediaInfo, error) {
	const op = "look up media"
	if !isID(mediaID) || !isID(phoneNumberID) {
		return MediaInfo{}, &failure.Error{
			Class: failure.Permanent,
			Op:    op,
			Code:  CodeBadMediaID,
			Text:  "the message has no valid media id",
		}
	}

	response, fault := c.do(ctx, call{
		op:     op,
		method: http.MethodGet,
		path:   mediaID,
		query:  url.Values{"phone_number_id": {phoneNumberID}},
	})
	if fault != nil {
		return MediaInfo{}, c.lookupFailed(ctx, phoneNumberID, *fault)
	}

	var media struct {
		URL      whatsapp.Text `json:"url"`
		MimeType whatsapp.Text `json:"mime_type"`
		SHA256   whatsapp.Text `json:"sha256"`
		FileSize whatsapp.Text `json:"file_size"` // a string in Meta's documentation, a number in its responses
	}
	if json.Unmarshal(response, &media) != nil || media.URL == "" {
		return MediaInfo{}, &failure.Error{
			Class: failure.Transient,
			Op:    op,
			Code:  CodeBadResponse,
			Text:  "Meta answered 200 without the media's URL",
		}
	}

	size, _ := media.FileSize.Number()

	return MediaInfo{
		URL:      string(media.URL),
		MimeType: string(media.MimeType),
		SHA256:   string(media.SHA256),
		FileSize: int64(max(size, 0)),
	}, nil
}

// lookupFailed returns the failure of a lookup. Meta answers alike whether the file does not exist or the token has lost
// access to the phone number and all that belongs to it: the phone number itself distinguishes them.
func (c *Client) lookupFailed(ctx context.Context, phoneNumberID string, f failure.Error) *failure.Error {
	if isUnknownObject(&f) {
		_, fault := c.do(ctx, call{
			op:     f.Op,
			method: http.MethodGet,
			path:   phoneNumberID,
			query:  url.Values{"fields": {"id"}},
		})
		if fault != nil && isUnknownObject(fault) {
			return fault
		}
	}

	if f.Class == failure.Ambiguous {
		f.Class = failure.Transient
	}

	if f.Code == CodeInvalidParameter && f.Scope != failure.ScopeApp {
		f.Class = failure.Permanent // with any other subcode: it is about this file
		f.Scope = failure.ScopeNone
		f.Text = "Meta does not know the media: it exists for 7 days and belongs to the phone number that received it"
	}

	return &f
}

// isUnknownObject reports whether Meta does not know an object, or hides it from the access token.
func isUnknownObject(f *failure.Error) bool {
	return f.Code == CodeInvalidParameter && f.Scope == failure.ScopeNumber
}
