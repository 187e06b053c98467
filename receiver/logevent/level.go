// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package logevent

import (
	"context"
	"errors"
	"log/slog"
	"os"
)

// RequestLevel returns the level of the line about a request that failed with an error. If its caller has disconnected, nothing is
// wrong in the receiver: calls for the request end as canceled.
func RequestLevel(err error) slog.Level {
	if errors.Is(err, context.Canceled) {
		return slog.LevelDebug
	}

	return slog.LevelError
}

// AnswerLevel returns the level of the line about an answer that ended with an error before it was complete. request is the context
// of the request, which net/http ends when the caller disconnects. A caller that takes its answer too slowly is a warning.
func AnswerLevel(request context.Context, err error) slog.Level {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return slog.LevelWarn
	case errors.Is(request.Err(), context.Canceled):
		return slog.LevelDebug
	default:
		return RequestLevel(err)
	}
}
