// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/gate"
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

	a.call = gate.Call{} // a failure of the file's server concerns this message alone

	file, err := e.Media.FetchLink(ctx, linked.Type, linked.URL)
	if err != nil {
		return "", err
	}

	a.file = file

	permit, closed := e.gate.Enter(gate.LookUp(a.item.WABAID), a.work.Event.ID)
	if closed != nil {
		return "", &waiting{closed}
	}

	defer permit.Cancel() // unless the call has ended it

	a.call = gate.LookUp(a.item.WABAID)

	id, err := e.Graph.UploadMedia(ctx, a.number(), cloudapi.Upload{
		Filename: file.Filename,
		MimeType: file.MimeType,
		Size:     file.Size,
		Open:     file.Open,
	})
	if err == nil {
		return id, nil
	}

	e.recordCall(opSend, err) // the next send shows whether it is mended
	e.recordLookUp(ctx, a, permit, err)

	return "", err
}
