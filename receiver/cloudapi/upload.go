// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// Upload is a file to upload.
type Upload struct {
	Filename string
	MimeType string
	Size     int64 // bytes
	// Open returns a reader from the beginning of the content. It is called again if the call is repeated.
	Open func() (io.ReadCloser, error)
}

// UploadMedia uploads a file for messages of phoneNumberID, and returns its id, which is valid for 30 days. The file is
// streamed. Errors are of type *failure.Error and never Ambiguous: an upload that is repeated only leaves a file unused.
//
// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media, "Upload media"
func (c *Client) UploadMedia(ctx context.Context, phoneNumberID string, file Upload) (string, error) {
	const op = "upload media"
	if !isID(phoneNumberID) {
		return "", badPhoneNumberID(op)
	}

	form, err := newUploadForm(file)
	if err != nil {
		return "", err
	}

	response, fault := c.do(ctx, call{
		op:          op,
		method:      http.MethodPost,
		path:        phoneNumberID + "/media",
		content:     form.open,
		length:      form.length(),
		contentType: form.contentType,
		timeout:     c.live.Current().Media.DownloadTimeout,
	})
	if fault != nil {
		return "", uploadFailed(*fault)
	}

	var uploaded struct {
		ID whatsapp.Text `json:"id"`
	}
	if json.Unmarshal(response, &uploaded) != nil || !isID(string(uploaded.ID)) {
		return "", badResponse(op)
	}

	return string(uploaded.ID), nil
}

func uploadFailed(f failure.Error) *failure.Error {
	if f.Class == failure.Ambiguous {
		f.Class = failure.Transient
	}

	if f.Code == CodeInvalidParameter && f.Class == failure.Permanent {
		f.Text = "Meta refuses the file: WhatsApp does not take its type"
	}

	return &f
}

// uploadForm is the multipart form of an upload: the content of the file is between its head and its tail.
type uploadForm struct {
	file        Upload
	contentType string
	head, tail  []byte
}

func newUploadForm(file Upload) (*uploadForm, error) {
	var buffer bytes.Buffer

	form := multipart.NewWriter(&buffer)

	err := form.WriteField("messaging_product", "whatsapp")
	if err == nil {
		err = form.WriteField("type", file.MimeType)
	}

	if err == nil {
		_, err = form.CreatePart(textproto.MIMEHeader{
			"Content-Disposition": {multipart.FileContentDisposition("file", file.Filename)},
			"Content-Type":        {file.MimeType},
		})
	}

	middle := buffer.Len()

	if err == nil {
		err = form.Close()
	}

	if err != nil {
		return nil, fmt.Errorf("encode the form of an upload: %w", err)
	}

	return &uploadForm{
		file:        file,
		contentType: form.FormDataContentType(),
		head:        buffer.Bytes()[:middle],
		tail:        buffer.Bytes()[middle:],
	}, nil
}

// length returns the size of the form in bytes.
func (f *uploadForm) length() int64 { return int64(len(f.head)) + f.file.Size + int64(len(f.tail)) }

// open returns a reader from the beginning of the form.
func (f *uploadForm) open() (io.ReadCloser, error) {
	content, err := f.file.Open()
	if err != nil {
		return nil, &failure.Error{
			Class: failure.Transient,
			Op:    "upload media",
			Code:  CodeNoFile,
			Text:  "the downloaded file cannot be read",
		}
	}

	return struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(f.head), io.LimitReader(content, f.file.Size), bytes.NewReader(f.tail)), content}, nil
}
