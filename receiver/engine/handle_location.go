// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/bird"
)

func handleLocation(ctx context.Context, e *Engine, t *task) (*bird.Request, error) {
	place, ok := t.message.Location()
	if !ok {
		return handleOther(ctx, e, t)
	}

	return &bird.Request{Method: bird.ProcessLocation, Body: bird.LocationMessage{Common: t.common(), Location: bird.Location{
		Latitude:  place.Latitude,
		Longitude: place.Longitude,
		Name:      string(place.Name),
		Address:   string(place.Address),
	}}}, nil
}
