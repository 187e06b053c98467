// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

func TestOwnReportLanes(t *testing.T) {
	first := FirstReport{
		Event:    store.NewID(store.KindStatus, "1"),
		Replays:  2,
		Attempts: 3,
	}
	lane := OwnReportLane(first)

	if got, ok := ParseOwnReportLane(lane); !ok || got != first {
		t.Errorf("ParseOwnReportLane(%q) = %+v, %t; want %+v", lane, got, ok, first)
	}

	for _, lane := range []string{
		"",
		ReportLane("42", "wamid.1"),
		ownReportPrefix + first.Event.String(), // as earlier builds wrote it
		ownReportPrefix + "1:2:3",
		ownReportPrefix + first.Event.String() + ":2:x",
		lane + ":4",
	} {
		if got, ok := ParseOwnReportLane(lane); ok || got != (FirstReport{}) {
			t.Errorf("ParseOwnReportLane(%q) = %+v, %t; want none", lane, got, ok)
		}
	}

	if !IsOwnReportLane(lane) || !IsReportLane(lane) || IsOwnReportLane(ReportLane("42", "wamid.1")) {
		t.Error("an own lane is not distinguished from others")
	}
}
