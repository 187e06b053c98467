// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"bytes"
	"database/sql"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
)

// database returns the bytes of an SQLite file with rows.
func database(t *testing.T) []byte {
	t.Helper()

	file := filepath.Join(t.TempDir(), "store.db")

	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}

	if _, err := db.Exec(`create table t (v text);
		with recursive n(i) as (select 1 union all select i + 1 from n where i < 2000)
		insert into t select hex(randomblob(50)) from n`); err != nil {
		t.Fatal(err)
	}

	if err := db.Close(); err != nil {
		t.Fatal(err)
	}

	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}

	return content
}

func TestWrite(t *testing.T) {
	sound := database(t)
	damaged := bytes.Clone(sound)
	copy(damaged[len(damaged)/2:], bytes.Repeat([]byte{0xa5}, 20000))

	for name, test := range map[string]struct {
		body io.Reader
		size int64
		want string // in the error
	}{
		"sound":        {bytes.NewReader(sound), int64(len(sound)), ""},
		"unknown size": {bytes.NewReader(sound), -1, ""},
		"too short":    {bytes.NewReader(sound[:5000]), int64(len(sound)), "the backup broke off after 5000 of"},
		"cut, no size": {bytes.NewReader(sound[:5000]), -1, "damaged"},
		"broken":       {io.MultiReader(bytes.NewReader(sound[:5000]), iotest.ErrReader(errors.New("reset"))), -1, "broke off after 5000 bytes: reset"},
		"damaged":      {bytes.NewReader(damaged), int64(len(damaged)), "damaged"},
		"no database":  {strings.NewReader("an error page"), -1, "damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "copy of sales.db")

			var last int64

			n, err := Write(t.Context(), test.body, test.size, file, func(n int64) { last = n })
			if n != last {
				t.Errorf("%d bytes, but the progress said %d", n, last)
			}

			entries, readErr := os.ReadDir(filepath.Dir(file))
			if readErr != nil {
				t.Fatal(readErr)
			}

			if test.want != "" {
				if err == nil || !strings.Contains(err.Error(), test.want) || len(entries) != 0 {
					t.Errorf("error %v, want %q; files %v, want none", err, test.want, entries)
				}

				return
			}

			if content, readErr := os.ReadFile(file); err != nil || readErr != nil || !bytes.Equal(content, sound) || len(entries) != 1 {
				t.Errorf("%v, %v, files %v, want the copy alone", err, readErr, entries)
			}
		})
	}
}
