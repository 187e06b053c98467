// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"testing"

	"github.com/pressly/goose/v3"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

func TestStoreOfVersion1(t *testing.T) {
	user, err := server.NewUser()
	if err != nil {
		t.Fatal(err)
	}

	access := Access{URL: user.URL}
	d := newDatabase(access, testOptions(Options{MaxConnections: 2}))

	err = d.withMigrations(t.Context(), func(provider *goose.Provider) error {
		_, err := provider.UpTo(t.Context(), 1)
		return err
	})
	d.close()

	if err != nil {
		t.Fatal(err)
	}

	server.Exec(t, `
		INSERT INTO `+user.Name+`.events (seq, id, kind, type, state, class, lane, phone_number_id, received_at, finished_at) VALUES
			(1, '01000000-0000-0000-0000-000000000000', 'error', 'messages', 'kept', 3, '', '1065', 1000, 1000),
			(2, '02000000-0000-0000-0000-000000000000', 'message', 'text', 'done', 0, 'one', '1065', 2000, 2000)`)

	s := openStore(t, access)

	skipped, err := s.List(t.Context(), store.Filter{State: store.Skipped}, 0, 10)
	if err != nil || len(skipped) != 1 || skipped[0].Seq != 1 {
		t.Errorf("List of skipped events returned %v, %v, want the event that was kept", skipped, err)
	}

	done, err := s.List(t.Context(), store.Filter{State: store.Done}, 0, 10)
	if err != nil || len(done) != 1 || done[0].Seq != 2 {
		t.Errorf("List of done events returned %v, %v, want the answered message", done, err)
	}
}
