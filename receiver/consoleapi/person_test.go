// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package consoleapi

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// storeWithDamagedStatuses is a store that cannot read the statuses of messages.
type storeWithDamagedStatuses struct{ store.Store }

func (storeWithDamagedStatuses) Statuses(context.Context, string, []string) ([]store.StatusUpdate, error) {
	return nil, fmt.Errorf("read statuses: %w", store.ErrDamaged)
}

// TestExportWithoutDamagedStatuses exports a person the statuses of whose answers are on a damaged page.
func TestExportWithoutDamagedStatuses(t *testing.T) {
	inbox := openStore(t)
	console := newTestConsole(t, storeWithDamagedStatuses{inbox})

	storeMessage(t, inbox)

	var exported struct{ Events []EventDetail }
	console.callJSON(http.StatusOK, http.MethodGet, "/v1/conversations/42:573001/export", &exported)

	if len(exported.Events) != 1 || len(exported.Events[0].Payload) == 0 || exported.Events[0].Unread != store.ErrDamaged.Error() {
		t.Errorf("the export has %+v, want the message, and that something of it could not be read", exported.Events)
	}
}
