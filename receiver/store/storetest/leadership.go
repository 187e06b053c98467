// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// wantLeader acquires a job for a minute and checks the result.
func (f *fixture) wantLeader(job, holder string, now time.Time, wantHeld bool, wantState string) {
	f.Helper()
	held, state, err := f.AcquireLeadership(f.Context(), job, holder, now, now.Add(time.Minute))
	f.wantErr("AcquireLeadership", err, nil)
	f.wantEqual(holder+" leads", held, wantHeld)
	f.wantEqual("published state", string(state), wantState)
}

var leadershipTests = map[string]func(*fixture){
	"belongs to one holder until it expires": func(f *fixture) {
		f.wantLeader("sweep", "a", at(0), true, "")
		f.wantLeader("sweep", "b", at(30*time.Second), false, "")
		f.wantLeader("cook", "b", at(30*time.Second), true, "")
		f.wantLeader("sweep", "a", at(50*time.Second), true, "")
		f.wantLeader("sweep", "b", at(time.Minute), false, "")
		f.wantLeader("sweep", "b", at(110*time.Second), true, "")
		f.wantLeader("sweep", "a", at(2*time.Minute), false, "")
	},

	"can be released": func(f *fixture) {
		f.wantLeader("sweep", "a", at(0), true, "")
		_, _, err := f.AcquireLeadership(f.Context(), "sweep", "a", at(time.Second), at(time.Second))
		f.wantErr("AcquireLeadership", err, nil)
		f.wantLeader("sweep", "b", at(time.Second), true, "")
	},

	"publishes a state that outlives the leader": func(f *fixture) {
		f.wantErr("PublishState without a leader", f.PublishState(f.Context(), "sweep", "a", []byte("clean")), store.ErrLeaseLost)
		f.wantLeader("sweep", "a", at(0), true, "")
		f.wantErr("PublishState", f.PublishState(f.Context(), "sweep", "a", []byte("clean")), nil)
		f.wantErr("PublishState of another holder", f.PublishState(f.Context(), "sweep", "b", []byte("dirty")), store.ErrLeaseLost)
		f.wantLeader("sweep", "b", at(0), false, "clean")
		f.wantLeader("sweep", "b", at(time.Minute), true, "clean")
		f.wantErr("PublishState of a former leader", f.PublishState(f.Context(), "sweep", "a", []byte("dirty")), store.ErrLeaseLost)
		f.wantLeader("sweep", "b", at(time.Minute), true, "clean")
	},

	"goes to one of many concurrent callers": func(f *fixture) {
		var (
			held    atomic.Int64
			callers sync.WaitGroup
		)

		for i := range 16 {
			callers.Go(func() {
				mine, _, err := f.AcquireLeadership(f.Context(), "sweep", strconv.Itoa(i), at(0), at(time.Minute))
				if err != nil {
					f.Errorf("AcquireLeadership: %v", err)
				}

				if mine {
					held.Add(1)
				}
			})
		}

		callers.Wait()
		f.wantEqual("leaders", held.Load(), int64(1))
	},

	"needs a job, a holder and a state within the limit": func(f *fixture) {
		for _, bad := range [][2]string{{"", "a"}, {"sweep", ""}} {
			if _, _, err := f.AcquireLeadership(f.Context(), bad[0], bad[1], at(0), at(time.Minute)); err == nil {
				f.Errorf("%q acquired job %q", bad[1], bad[0])
			}
		}

		f.wantLeader("sweep", "a", at(0), true, "")

		if err := f.PublishState(f.Context(), "sweep", "a", make([]byte, store.MaxLeaderState+1)); err == nil {
			f.Error("a state over the limit was stored")
		}

		f.wantErr("PublishState", f.PublishState(f.Context(), "sweep", "a", make([]byte, store.MaxLeaderState)), nil)
	},
}
