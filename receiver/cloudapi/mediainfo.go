// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// MediaInfo says where a file is and what it is.
type MediaInfo struct {
	URL      string // for a GET with the access token, within 5 minutes
	MimeType string
	SHA256   string // in hexadecimal or base64
	FileSize int64  // bytes; 0 where Meta does not say
}

// MediaInfo looks a file up that phoneNumberID received. Errors are of type *failure.Error and never Ambiguous: a lookup
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
			Text:  "the message names no media id that can be looked up",
		}
	}

	answer, err := c.do(ctx, call{
		op:     op,
		method: http.MethodGet,
		path:   mediaID,
		query:  url.Values{"phone_number_id": {phoneNumberID}},
	})
	if err != nil {
		return MediaInfo{}, lookupFailed(err)
	}

	var media struct {
		URL      whatsapp.Text `json:"url"`
		MimeType whatsapp.Text `json:"mime_type"`
		SHA256   whatsapp.Text `json:"sha256"`
		FileSize whatsapp.Text `json:"file_size"` // text in Meta's pages, a number on the wire
	}
	if json.Unmarshal(answer, &media) != nil || media.URL == "" {
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

// lookupFailed says what a failed call means for a lookup.
func lookupFailed(err error) error {
	f, ok := errors.AsType[*failure.Error](err)
	if !ok {
		return err
	}

	lookup := *f
	if lookup.Class == failure.Ambiguous {
		lookup.Class = failure.Transient
	}

	if lookup.Code == CodeInvalidParameter {
		lookup.Text = "Meta does not know the media: it lives 7 days, and belongs to the phone number that received it"
	}

	return &lookup
}
