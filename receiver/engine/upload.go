// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/gate"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/media"
)

// uploadLinks uploads the linked files of a body, since Meta could not download them, and returns the body that names them
// by their ids. The ids are not stored: after a crash the files are uploaded once more.
func (e *Engine) uploadLinks(ctx context.Context, a *attempt, body []byte) ([]byte, error) {
	return cloudapi.WithUploads(body, func(linked cloudapi.Linked) (string, error) {
		return e.uploadLink(ctx, a, linked)
	})
}

func (e *Engine) uploadLink(ctx context.Context, a *attempt, linked cloudapi.Linked) (string, error) {
	if closed := e.gate.Check(a.sendCall()); closed != nil {
		return "", &waiting{closed}
	}

	if err := e.takePlace(a); err != nil {
		return "", err
	}

	defer e.removeFile(a)

	if closed := e.gate.Check(gate.Upload()); closed != nil && !isFileOverdue(a.head, closed, e.Clock.Now()) {
		return "", &waiting{closed}
	}

	a.call = gate.Call{} // a failure of the file's server concerns this message alone

	file, err := e.Media.FetchLink(ctx, linked.Type, linked.URL)
	if err != nil {
		if isOfSpool(err) {
			a.call = gate.Upload()
		}

		return "", err
	}

	a.file = file

	calls, err := e.enterFile(a, gate.Upload())
	if err != nil {
		return "", err
	}

	defer calls.cancel() // unless they have ended

	id, err := e.Graph.UploadMedia(ctx, a.number(), cloudapi.Upload{
		Filename: file.Filename,
		MimeType: file.MimeType,
		Size:     file.Size,
		Open:     file.Open,
	})
	if err == nil {
		e.endFile(ctx, a, calls, nil)

		return id, nil
	}

	e.recordCall(opSend, err) // the next send shows whether it is fixed
	e.endFile(ctx, a, calls, err)

	return "", err
}

// isOfSpool reports whether a download failed because the spool cannot be written to. No file of any message can be
// uploaded then.
func isOfSpool(err error) bool {
	code := failure.Of(err).Code

	return code == media.CodeSpool || code == media.CodeDiskFull
}
