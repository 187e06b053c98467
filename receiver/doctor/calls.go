// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
)

const (
	// callTimeout is the time of one call.
	callTimeout = 10 * time.Second
	// parallel is the number of calls to Meta at a time. With 256 phone numbers one after another would take longer than Limit.
	parallel = 8
)

// correctAndRepeat is the fix of a refusal whose text names the cause.
const correctAndRepeat = "correct what Meta names, and run the check again"

// call limits the time of a call to Meta.
func (r *run) call(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, callTimeout)
}

// each returns what do returns for each id, in the order of ids. It calls do for several at a time.
func each[T any](ids []string, do func(id string) T) []T {
	all := make([]T, len(ids))

	var group errgroup.Group

	group.SetLimit(parallel)

	for i, id := range ids {
		group.Go(func() error {
			all[i] = do(id)

			return nil
		})
	}

	_ = group.Wait()

	return all
}

// isRefusal reports whether a call failed in a way that a repetition does not change.
func isRefusal(err error) bool {
	class := failure.Of(err).Class

	return class == failure.Configuration || class == failure.Permanent
}

// unread returns the result of a check whose call to Meta failed. What a person has to correct is a failure with a fix. An outage, a
// rate limit or the end of the time says nothing about the subject, so the check is skipped.
func unread(ctx context.Context, err error, subject, fix string) finding {
	f := failure.Of(err)

	var unknown finding

	switch {
	case isRefusal(err):
		return fail(fix, "%s", f.Error())
	case ctx.Err() != nil:
		unknown = skip("%s could not be read in time", subject)
	default:
		unknown = skip("%s could not be read: %s", subject, f.Text)
	}

	unknown.fix = "run the check again later"

	return unknown
}
