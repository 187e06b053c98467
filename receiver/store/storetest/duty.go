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

// wantDuty lets a holder take a duty for a minute.
func (f *fixture) wantDuty(duty, holder string, now time.Time, wantHeld bool, wantNote string) {
	f.Helper()
	held, note, err := f.AcquireLeadership(f.Context(), duty, holder, now, now.Add(time.Minute))
	f.wantErr("AcquireLeadership", err, nil)
	f.wantEqual(holder+" has the duty", held, wantHeld)
	f.wantEqual("its note", string(note), wantNote)
}

var dutyTests = map[string]func(*fixture){
	"have one holder until they are over": func(f *fixture) {
		f.wantDuty("sweep", "a", at(0), true, "")
		f.wantDuty("sweep", "b", at(30*time.Second), false, "")
		f.wantDuty("cook", "b", at(30*time.Second), true, "")
		f.wantDuty("sweep", "a", at(50*time.Second), true, "")
		f.wantDuty("sweep", "b", at(time.Minute), false, "")
		f.wantDuty("sweep", "b", at(110*time.Second), true, "")
		f.wantDuty("sweep", "a", at(2*time.Minute), false, "")
	},

	"are given back": func(f *fixture) {
		f.wantDuty("sweep", "a", at(0), true, "")
		_, _, err := f.AcquireLeadership(f.Context(), "sweep", "a", at(time.Second), at(time.Second))
		f.wantErr("AcquireLeadership", err, nil)
		f.wantDuty("sweep", "b", at(time.Second), true, "")
	},

	"have a note that outlives their holder": func(f *fixture) {
		f.wantErr("PublishState of nobody's", f.PublishState(f.Context(), "sweep", "a", []byte("clean")), store.ErrLeaseLost)
		f.wantDuty("sweep", "a", at(0), true, "")
		f.wantErr("PublishState", f.PublishState(f.Context(), "sweep", "a", []byte("clean")), nil)
		f.wantErr("PublishState of another's", f.PublishState(f.Context(), "sweep", "b", []byte("dirty")), store.ErrLeaseLost)
		f.wantDuty("sweep", "b", at(0), false, "clean")
		f.wantDuty("sweep", "b", at(time.Minute), true, "clean")
		f.wantErr("PublishState of a holder that was", f.PublishState(f.Context(), "sweep", "a", []byte("dirty")), store.ErrLeaseLost)
		f.wantDuty("sweep", "b", at(time.Minute), true, "clean")
	},

	"have one holder of many who ask at a time": func(f *fixture) {
		var (
			held   atomic.Int64
			asking sync.WaitGroup
		)
		for i := range 16 {
			asking.Go(func() {
				mine, _, err := f.AcquireLeadership(f.Context(), "sweep", strconv.Itoa(i), at(0), at(time.Minute))
				if err != nil {
					f.Errorf("TakeDuty: %v", err)
				}

				if mine {
					held.Add(1)
				}
			})
		}

		asking.Wait()
		f.wantEqual("holders", held.Load(), int64(1))
	},

	"need a name, a holder and a note of a size": func(f *fixture) {
		for _, bad := range [][2]string{{"", "a"}, {"sweep", ""}} {
			if _, _, err := f.AcquireLeadership(f.Context(), bad[0], bad[1], at(0), at(time.Minute)); err == nil {
				f.Errorf("duty %q of %q was taken", bad[0], bad[1])
			}
		}

		f.wantDuty("sweep", "a", at(0), true, "")

		if err := f.PublishState(f.Context(), "sweep", "a", make([]byte, store.MaxDutyNote+1)); err == nil {
			f.Error("a note that is too long was taken")
		}

		f.wantErr("PublishState", f.PublishState(f.Context(), "sweep", "a", make([]byte, store.MaxDutyNote)), nil)
	},
}
