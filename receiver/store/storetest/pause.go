// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"strconv"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

func (f *fixture) pause(now time.Time, pause store.Pause) {
	f.Helper()
	f.wantErr("SetPause", f.SetPause(f.Context(), pause, now), nil)
}

func (f *fixture) wantPauses(since time.Time, want ...store.Pause) {
	f.Helper()
	f.wantEqual("pauses", f.pauses(since), want)
}

func (f *fixture) pauses(since time.Time) []store.Pause {
	f.Helper()

	_, pauses, err := f.Schedule(f.Context(), since)
	f.wantErr("Schedule", err, nil)

	return pauses
}

var pauseTests = map[string]func(*fixture){
	"are in force until they end": func(f *fixture) {
		app := store.Pause{
			Scope: "app",
			Until: at(time.Minute),
			Level: 2,
			Code:  "4",
		}
		pair := store.Pause{
			Scope: "pair",
			Until: at(time.Hour),
			Level: 1,
			Code:  "131056",
		}
		f.wantPauses(at(0))
		f.pause(at(0), app)
		f.pause(at(0), pair)
		f.wantPauses(at(0), pair, app)
		f.wantPauses(at(time.Minute), pair)
		f.wantPauses(at(time.Hour))
	},

	"only grow while they are in force": func(f *fixture) {
		f.pause(at(0), store.Pause{
			Scope: "app",
			Until: at(time.Minute),
			Level: 2,
			Code:  "4",
		})
		f.pause(at(0), store.Pause{
			Scope: "app",
			Until: at(time.Second),
			Level: 3,
			Code:  "80007",
		})
		f.wantPauses(at(0), store.Pause{
			Scope: "app",
			Until: at(time.Minute),
			Level: 3,
			Code:  "4",
		})
		f.pause(at(0), store.Pause{
			Scope: "app",
			Until: at(time.Hour),
			Level: 1,
			Code:  "80007",
		})
		f.wantPauses(at(0), store.Pause{
			Scope: "app",
			Until: at(time.Hour),
			Level: 3,
			Code:  "80007",
		})
	},

	"start over after they ended": func(f *fixture) {
		f.pause(at(0), store.Pause{
			Scope: "app",
			Until: at(time.Minute),
			Level: 2,
			Code:  "4",
		})
		anew := store.Pause{
			Scope: "app",
			Until: at(time.Minute + time.Second),
			Level: 1,
			Code:  "80007",
		}
		f.pause(at(time.Minute), anew)
		f.wantPauses(at(0), anew)
	},

	"that end when they are set are found again and cleared": func(f *fixture) {
		ended := store.Pause{Scope: "problem:app", Until: at(0)}
		f.pause(at(0), ended)
		f.wantPauses(at(0))
		f.wantPauses(at(-time.Hour), ended)

		ended.Until = at(time.Minute)
		f.pause(at(time.Minute), ended)
		f.wantPauses(at(-time.Hour), ended)
		f.wantErr("ClearPause", f.ClearPause(f.Context(), ended.Scope), nil)
		f.wantPauses(at(-time.Hour))
	},

	"are cleared": func(f *fixture) {
		f.pause(at(0), store.Pause{
			Scope: "app",
			Until: at(time.Minute),
			Level: 2,
		})
		f.wantErr("ClearPause", f.ClearPause(f.Context(), "app"), nil)
		f.wantErr("ClearPause again", f.ClearPause(f.Context(), "app"), nil)
		f.wantPauses(at(0))
		f.pause(at(0), store.Pause{
			Scope: "app",
			Until: at(time.Second),
			Level: 1,
		})
		f.wantPauses(at(0), store.Pause{
			Scope: "app",
			Until: at(time.Second),
			Level: 1,
		})
	},

	"need a scope and an end": func(f *fixture) {
		for _, bad := range []store.Pause{{Until: at(0)}, {Scope: "app"}} {
			if err := f.SetPause(f.Context(), bad, at(0)); err == nil {
				f.Errorf("pause %v was taken", bad)
			}
		}
	},

	"are limited to those that end last": func(f *fixture) {
		for i := range store.MaxPauses + 1 {
			f.pause(at(0), store.Pause{Scope: strconv.Itoa(i), Until: at(time.Duration(i+1) * time.Second)})
		}

		got := f.pauses(at(0))
		f.wantEqual("pauses", len(got), store.MaxPauses)
		f.wantEqual("soonest to end", got[len(got)-1].Scope, "1")
	},

	"are purged": func(f *fixture) {
		f.pause(at(0), store.Pause{Scope: "app", Until: at(time.Minute)})
		f.wantEqual("purged", purge(f, at(time.Minute), at(time.Minute), 100), 0)
		f.wantEqual("purged", purge(f, at(time.Hour), at(time.Hour), 100), 1)
		f.wantPauses(time.UnixMilli(0))
	},
}
