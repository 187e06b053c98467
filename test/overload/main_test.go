// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/child"
)

// builtBinary passes the path of the binary to a test that runs in another process.
const builtBinary = "OVERLOAD_BINARY"

func TestMain(m *testing.M) {
	if os.Getenv(builtBinary) != "" {
		goleak.VerifyTestMain(m)
		return
	}

	dir, err := os.MkdirTemp("", "overload-")
	if err == nil {
		var binary string
		if binary, err = child.Build(context.Background(), dir); err == nil {
			err = os.Setenv(builtBinary, binary)
		}
	}

	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}

	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(dir)

		os.Exit(code)
	}))
}

// Storage fails under load and is repaired: no acknowledged message is lost, every other delivery is refused for a retry,
// and the receiver recovers by itself.
func TestStorageFails(t *testing.T) {
	for _, tc := range []struct {
		name   string
		engine string
		run    func(context.Context, trial) ([]finding, error)
		mounts bool
	}{
		{name: "DiskFull", engine: embedded, run: diskFull, mounts: true},
		{name: "ReadOnly", engine: embedded, run: readOnly, mounts: true},
		{name: "NothingCanBeWritten", engine: embedded, run: readOnly},
		{name: "DatabaseGone", engine: postgresql, run: databaseGone},
	} {
		t.Run(tc.name, func(t *testing.T) {
			own := os.Getenv(ownMounts) != ""
			if tc.mounts && !own {
				holds, err := runWithOwnMounts(t.Context(), "-test.count=1", "-test.v", "-test.run=^TestStorageFails$/^"+tc.name+"$")
				if err == nil {
					if !holds {
						t.Error("a promise was broken, see above")
					}

					return
				}

				t.Logf("cannot mount: %v", err)
			}

			findings, err := tc.run(t.Context(), trial{
				settings:  settings{binary: os.Getenv(builtBinary), engine: tc.engine},
				down:      300 * time.Millisecond,
				ownMounts: tc.mounts && own,
			})
			if err != nil {
				t.Fatal(err)
			}

			for _, f := range findings {
				if f.broken {
					t.Errorf("%s: %s, want %s", f.what, f.measured, f.wanted)
				}
			}

			if t.Failed() || testing.Verbose() {
				if err := writeTable(t.Output(), findings); err != nil {
					t.Error(err)
				}
			}
		})
	}
}
