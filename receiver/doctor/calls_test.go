// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
)

// TestEach reads as many objects as a resource may have phone numbers, several at a time.
func TestEach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const objects = 256

		ids := make([]string, objects)
		for i := range ids {
			ids[i] = strconv.Itoa(i)
		}

		var running atomic.Int64

		answered := make(chan struct{})
		defer close(answered)

		ended := make(chan []string, 1)

		go func() {
			ended <- each(ids, func(id string) string {
				running.Add(1)
				<-answered
				running.Add(-1)

				return id
			})
		}()

		for range objects / parallel {
			synctest.Wait()

			if n := running.Load(); n != parallel {
				t.Fatalf("%d objects are read at a time, want %d", n, parallel)
			}

			for range parallel {
				answered <- struct{}{}
			}
		}

		if diff := cmp.Diff(ids, <-ended); diff != "" {
			t.Errorf("results (-want +got):\n%s", diff)
		}
	})
}

func TestUnread(t *testing.T) {
	over, cancel := context.WithCancel(t.Context())
	cancel()

	for name, test := range map[string]struct {
		ctx   context.Context
		class failure.Class
		want  finding
	}{
		"configuration":    {t.Context(), failure.Configuration, fail("correct the id", "read it: Meta says why (7)")},
		"permanent":        {t.Context(), failure.Permanent, fail("correct the id", "read it: Meta says why (7)")},
		"known, then over": {over, failure.Permanent, fail("correct the id", "read it: Meta says why (7)")},
		"transient":        {t.Context(), failure.Transient, skip("phone number 42 could not be read: Meta says why")},
		"rate limited":     {t.Context(), failure.RateLimited, skip("phone number 42 could not be read: Meta says why")},
		"time is over":     {over, failure.Transient, skip("phone number 42 could not be read in time")},
	} {
		if test.want.state == Skipped {
			test.want.fix = "run the check again later"
		}

		got := unread(test.ctx, &failure.Error{
			Class: test.class,
			Op:    "read it",
			Code:  "7",
			Text:  "Meta says why",
		}, "phone number 42", "correct the id")
		if got != test.want {
			t.Errorf("%s: %+v, want %+v", name, got, test.want)
		}
	}
}
