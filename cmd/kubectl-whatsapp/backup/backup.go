// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package backup writes a copy of a receiver's store to a file, and checks it.
package backup

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	_ "modernc.org/sqlite" // the driver
)

// maxFindings bounds the damage that a check describes.
const maxFindings = 10

// Write writes body to file, and returns its size. size is what body should have, or -1 if that is unknown. The file appears
// only when it is complete, on the disk and sound. written is called with the bytes so far.
func Write(ctx context.Context, body io.Reader, size int64, file string, written func(int64)) (int64, error) {
	part, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+".*.part")
	if err != nil {
		return 0, fmt.Errorf("create a file beside %s: %w", file, err)
	}

	defer func() {
		part.Close()
		_ = os.Remove(part.Name()) // gone already if all went well
	}()

	n, err := io.Copy(io.MultiWriter(part, &counter{report: written}), body)
	if err != nil {
		return n, fmt.Errorf("the backup broke off after %d bytes: %w", n, err)
	}

	if size >= 0 && n != size {
		return n, fmt.Errorf("the backup broke off after %d of %d bytes", n, size)
	}

	if err := errors.Join(part.Sync(), part.Close()); err != nil {
		return n, fmt.Errorf("write %s: %w", part.Name(), err)
	}

	if err := Check(ctx, part.Name()); err != nil {
		return n, err
	}

	if err := os.Rename(part.Name(), file); err != nil {
		return n, fmt.Errorf("rename the complete backup: %w", err)
	}

	return n, nil
}

// Check opens an SQLite file for reading and returns an error that describes its damage.
func Check(ctx context.Context, file string) error {
	path, err := filepath.Abs(file)
	if err != nil {
		return fmt.Errorf("find %s: %w", file, err)
	}

	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") { // a drive of Windows
		path = "/" + path
	}

	// immutable: no journal and no lock appear beside the file.
	address := url.URL{
		Scheme:   "file",
		Path:     path,
		RawQuery: "mode=ro&immutable=1",
	}

	db, err := sql.Open("sqlite", address.String())
	if err != nil {
		return fmt.Errorf("open the backup: %w", err)
	}
	defer func() { _ = db.Close() }() // it was only read

	rows, err := db.QueryContext(ctx, fmt.Sprintf("PRAGMA quick_check(%d)", maxFindings))
	if err != nil {
		return fmt.Errorf("the backup is damaged: %w", err)
	}
	defer rows.Close()

	var findings []string

	for rows.Next() {
		var finding string
		if err := rows.Scan(&finding); err != nil {
			return fmt.Errorf("check the backup: %w", err)
		}

		findings = append(findings, finding)
	}

	if err := rows.Err(); err != nil {
		return fmt.Errorf("the backup is damaged: %w", err)
	}

	if len(findings) != 1 || findings[0] != "ok" {
		return fmt.Errorf("the backup is damaged: %s", strings.Join(findings, "; "))
	}

	return nil
}

// counter reports the bytes that were written to it.
type counter struct {
	n      int64
	report func(int64)
}

// Write counts p.
func (c *counter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	c.report(c.n)

	return len(p), nil
}
