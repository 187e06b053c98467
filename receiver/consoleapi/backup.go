// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package consoleapi

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/logevent"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const (
	// backupTimeout bounds the copy of the store and its transfer.
	backupTimeout = time.Hour
	// backupStall is how long a client may take for one part of it. The copy occupies the disk meanwhile.
	backupStall = time.Minute
	backupPart  = 1 << 20

	noBackup = "only the embedded store can be backed up here: back PostgreSQL up with its own tools, such as pg_dump, " +
		"or the snapshots of the service that runs it"
)

// backup answers with a copy of the embedded store. Its first byte comes when the copy is complete.
func (a *api) backup(w http.ResponseWriter, r *http.Request) {
	if !checkQuery(w, r) {
		return
	}

	engine, ok := a.Store.(store.BackedUp)
	if !ok {
		http.Error(w, noBackup, http.StatusNotImplemented)
		return
	}

	ctx, cancel := a.long(r.Context(), w, backupTimeout)
	defer cancel()

	copied, size, err := engine.Backup(ctx)
	if err != nil {
		a.failBackup(w, err)
		return
	}

	w.Header().Set("Content-Type", "application/vnd.sqlite3")
	w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
	w.Header().Set("Content-Disposition", `attachment; filename="inbox.db"`)
	w.Header().Set("Cache-Control", "no-store")

	sent, err := sendParts(w, copied)
	if closing := copied.Close(); closing != nil {
		a.Log.Error("removing a backup failed", "error", closing)
	}

	if err != nil {
		a.Log.Log(ctx, logevent.AnswerLevel(r.Context(), err), "backup download interrupted", "bytes", sent, "size", size, "error", err)
		panic(http.ErrAbortHandler) // closes the connection, so that the client learns that the file is incomplete
	}
}

// sendParts sends a file. The client has a time for each part, so that a large file may take long.
func sendParts(w http.ResponseWriter, file io.Reader) (sent int64, err error) {
	controller := http.NewResponseController(w)

	for {
		_ = controller.SetWriteDeadline(time.Now().Add(backupStall))

		n, err := io.CopyN(w, file, backupPart)
		sent += n

		if errors.Is(err, io.EOF) {
			return sent, nil
		}

		if err != nil {
			return sent, err
		}
	}
}

func (a *api) failBackup(w http.ResponseWriter, err error) {
	status := http.StatusServiceUnavailable

	switch {
	case errors.Is(err, errors.ErrUnsupported):
		http.Error(w, noBackup, http.StatusNotImplemented)
		return
	case errors.Is(err, store.ErrBackupRunning):
		status = http.StatusConflict
	case errors.Is(err, store.ErrDiskFull):
		status = http.StatusInsufficientStorage
	}

	a.Log.Log(context.Background(), logevent.RequestLevel(err), "requested backup failed", "error", err)
	http.Error(w, err.Error(), status)
}
