// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"strings"
	"testing"
	"time"
)

func TestParseSchedule(t *testing.T) {
	for text, want := range map[string]string{
		"0 3 * * *":              "",
		"@weekly":                "",
		"*/15 * * * *":           "",
		"0 0 29 2 *":             "",
		"0 3 * *":                "five fields",
		"TZ=Europe/Paris @daily": "five fields",
		"@every 1h":              "five fields",
		"61 * * * *":             "five fields",
		"0 0 30 2 *":             "no such day",
		"*/10 * * * *":           "15 minutes apart",
		"0,1 3 * * MON":          "15 minutes apart",
	} {
		_, err := ParseSchedule(text)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestScheduleIsInUTC(t *testing.T) {
	s, err := ParseSchedule("0 3 * * *")
	if err != nil {
		t.Fatal(err)
	}

	zone := time.FixedZone("west", -6*60*60)
	if next, want := s.Next(time.Date(2026, 11, 27, 20, 0, 0, 0, zone)), time.Date(2026, 11, 28, 3, 0, 0, 0, time.UTC); !next.Equal(want) {
		t.Errorf("the next time is %v, want %v", next, want)
	}
}

func TestInvalidBackups(t *testing.T) {
	for text, want := range map[string]string{
		`{schedule: never, folder: /copies}`:                                             "store.embedded.backup.schedule",
		`{schedule: "@daily"}`:                                                           "exactly one of folder and s3",
		`{schedule: "@daily", folder: /copies, s3: {bucket: copies}}`:                    "exactly one of folder and s3",
		`{schedule: "@daily", folder: copies}`:                                           "absolute path",
		`{schedule: "@daily", folder: /store/}`:                                          "must not be the folder of the store",
		`{schedule: "@daily", folder: /copies, keep: 1001}`:                              "backup.keep",
		`{schedule: "@daily", folder: /copies, keepDays: -1}`:                            "backup.keepDays",
		`{schedule: "@daily", s3: {bucket: Copies}}`:                                     "backup.s3.bucket",
		`{schedule: "@daily", s3: {bucket: copies, prefix: /a}}`:                         "backup.s3.prefix",
		`{schedule: "@daily", s3: {bucket: copies, region: a b}}`:                        "backup.s3.region",
		`{schedule: "@daily", s3: {bucket: copies, endpoint: minio}}`:                    "backup.s3.endpoint",
		`{schedule: "@daily", s3: {bucket: copies, addressing: Host}}`:                   "backup.s3.addressing",
		`{schedule: "@daily", s3: {bucket: copies, endpoint: "https://minio:9000"}}`:     "",
		`{schedule: "@daily", folder: /copies, restore: newest}`:                         "backup.restore",
		`{schedule: "@daily", folder: /copies, restore: "../inbox-20261129T020000Z.db"}`: "backup.restore",
		`{schedule: "@daily", folder: /copies, restore: Newest}`:                         "",
		`{schedule: "@daily", folder: /copies, restore: inbox-20261129T020000Z.db}`:      "",
		`{schedule: "0 3 * * *", keep: 5, keepDays: 90, folder: /copies}`:                "",
		`{schedule: "@hourly", s3: {bucket: a.b-c, prefix: a/b, addressing: Path}}`:      "",
		`{schedule: "@hourly", s3: {bucket: copies, secretAccessKey: in-clear-text-no}}`: "secretAccessKey",
	} {
		_, err := Parse([]byte(smallest + "store: {embedded: {path: /store/inbox.db, backup: " + text + "}}\n"))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
