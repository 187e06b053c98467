// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/port"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/probe"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin/s3"
)

// loseVolume removes everything from the volume of a receiver that has ended.
func (h *harness) loseVolume() {
	h.t.Helper()

	files, err := filepath.Glob(h.Config.Store.Embedded.Path + "*")
	if err != nil {
		h.t.Fatal(err)
	}

	for _, file := range files {
		if err := os.Remove(file); err != nil {
			h.t.Fatal(err)
		}
	}
}

// TestRestoreIntoNewVolume begins a receiver on an empty volume with a copy from a bucket. With a wrong key it waits, and says
// why. After the key was corrected it answers nothing twice, and answers new messages; once it has a store, the setting does
// nothing.
func TestRestoreIntoNewVolume(t *testing.T) {
	const name = "inbox-20261129T020000Z.db"

	bucket := s3.New()
	t.Cleanup(bucket.Close)

	h := newHarness(t, withoutTyping)
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.answered", "answered"))
	h.waitSent(1)
	h.waitIdle()

	var copied string
	h.console(http.StatusOK, http.MethodGet, "/v1/backup", &copied)
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.later", "later"))
	h.waitSent(2)
	h.stop()
	h.loseVolume()

	sum := sha256.Sum256([]byte(copied))

	bucket.Set("sales/"+name, []byte(copied))
	bucket.Set("sales/"+name+".sha256", []byte(hex.EncodeToString(sum[:])+"  "+name+"\n"))

	h.Config.Listen.Admin = port.Address(t)
	h.Config.Store.Embedded.Backup = &config.Backup{
		Schedule: "@yearly",
		Restore:  config.RestoreNewest,
		S3: &config.BackupBucket{
			Endpoint: bucket.URL,
			Region:   bucket.Region,
			Bucket:   bucket.Bucket,
			Prefix:   "sales",
		},
	}
	h.writeSecret(config.RoleBackupKeyID, "0", bucket.KeyID)
	h.writeSecret(config.RoleBackupSecret, "0", "wrong")

	started := make(chan error)

	go func() { started <- h.Start(t.Context()) }()

	const problem = "the secret access key is wrong: correct the Secret"

	starting := probe.Client{URL: func() string { return "http://" + h.Config.Listen.Admin }}

	h.waitFor("the reason of the wait", func() bool {
		code, body, err := starting.Get(t.Context(), "/readyz")
		return err == nil && code == http.StatusServiceUnavailable && strings.Contains(body, problem)
	})

	_, body, err := starting.Get(t.Context(), "/status")
	if err != nil {
		t.Fatal(err)
	}

	var report health.Report
	if err := json.Unmarshal([]byte(body), &report); err != nil {
		t.Fatal(err)
	}

	if report.Status != health.StatusStarting || !strings.Contains(report.Problems["restore"], problem) || len(report.MissingSecrets) > 0 {
		t.Errorf("the status is %s, want the problem of the restore", body)
	}

	if strings.Contains(body, bucket.KeyID) || strings.Contains(body, bucket.URL) {
		t.Errorf("the status has a key or an address: %s", body)
	}

	if _, err := os.Stat(h.Config.Store.Embedded.Path); !os.IsNotExist(err) {
		t.Errorf("there is a store before the restore: %v", err)
	}

	h.writeSecret(config.RoleBackupSecret, "0", bucket.Key)

	if err := <-started; err != nil {
		t.Fatal(err)
	}

	h.waitReady()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.answered", "answered"))
	h.deliver(http.StatusOK, textDelivery(luis, "wamid.new", "new"))
	h.waitIdle()

	texts := sentTexts(h.waitSent(3))
	if diff := cmp.Diff([]string{"You said: answered", "You said: later", "You said: new"}, texts); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}

	h.stop()
	bucket.Set("sales/"+name, []byte("damaged"))
	h.start()
	h.waitReady()

	if h.record("wamid.new") == nil {
		t.Error("the store was replaced")
	}
}
