// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package buildinfo_test

import (
	"runtime"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/buildinfo"
)

func TestString(t *testing.T) {
	info := buildinfo.Info{
		Version:  "v1.2.3",
		Go:       "go1.26.0",
		Platform: "linux/amd64",
	}

	if got := info.String(); got != "v1.2.3 (go1.26.0, linux/amd64)" {
		t.Errorf("%q", got)
	}

	info.Commit = "0123456789ab"

	if got := info.String(); got != "v1.2.3 (commit 0123456789ab, go1.26.0, linux/amd64)" {
		t.Errorf("%q", got)
	}

	if got := buildinfo.Read("v1.2.3"); got.Version != "v1.2.3" || got.Go != runtime.Version() || got.Platform == "" {
		t.Errorf("%+v", got)
	}
}
