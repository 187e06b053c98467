// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// Backup configures regular copies of the embedded store, to a folder or a bucket.
type Backup struct {
	Schedule string        `yaml:"schedule"`           // five fields of cron, or a word such as @daily; in UTC
	Keep     int           `yaml:"keep,omitempty"`     // copies
	KeepDays int           `yaml:"keepDays,omitempty"` // copies older than that are deleted, except the newest; 0: no limit
	Folder   string        `yaml:"folder,omitempty"`   // of another volume
	S3       *BackupBucket `yaml:"s3,omitempty"`       // instead of Folder
	Restore  string        `yaml:"restore,omitempty"`  // the copy with which a new store begins: its name, or RestoreNewest
}

// RestoreNewest stands for the newest complete copy. Without any copy, the store begins empty.
const RestoreNewest = "Newest"

// BackupBucket is a bucket of Amazon S3, or of a store that is compatible with it. Its keys are secrets: see the roles
// backup-access-key-id and backup-secret-access-key.
type BackupBucket struct {
	Endpoint   string           `yaml:"endpoint,omitempty"` // URL; without one, Amazon S3 in the region
	Region     string           `yaml:"region,omitempty"`
	Bucket     string           `yaml:"bucket"`
	Prefix     string           `yaml:"prefix,omitempty"` // the folder in the bucket
	Addressing BucketAddressing `yaml:"addressing,omitempty"`
}

// BucketAddressing says where requests name the bucket. If not set, it depends on the endpoint.
type BucketAddressing string

// The ways to name a bucket.
const (
	AddressingPath        BucketAddressing = "Path"
	AddressingVirtualHost BucketAddressing = "VirtualHost"
)

var (
	bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	bucketPath = regexp.MustCompile(`^[0-9A-Za-z._-]+(/[0-9A-Za-z._-]+)*$`)
	copyName   = regexp.MustCompile(`^inbox-[0-9]{8}T[0-9]{6}Z\.db$`)
	regionName = regexp.MustCompile(`^[0-9A-Za-z-]{1,64}$`)
)

const (
	// minBackupInterval bounds the load of copies, each of which reads the entire store.
	minBackupInterval = 15 * time.Minute
	// checkedBackups is the number of times of a schedule whose distance is checked.
	checkedBackups = 200
)

// Schedule returns the next time of a schedule, or zero if there is none within five years.
type Schedule interface {
	// Next returns the first time after the given one, or zero.
	Next(after time.Time) time.Time
}

// ParseSchedule parses a schedule of copies. Its times are in UTC.
func ParseSchedule(text string) (Schedule, error) {
	if strings.Contains(text, "TZ=") || strings.HasPrefix(text, "@every") {
		return nil, errors.New("must be five fields of cron or a word such as @daily, in UTC")
	}

	parsed, err := cron.ParseStandard(text)
	if err != nil {
		return nil, fmt.Errorf("must be five fields of cron or a word such as @daily: %w", err)
	}

	s := utc{parsed}

	at := s.Next(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	if at.IsZero() {
		return nil, errors.New("must have a time: there is no such day")
	}

	for range checkedBackups {
		next := s.Next(at)
		if next.IsZero() {
			break
		}

		if next.Sub(at) < minBackupInterval {
			return nil, errors.New("must have times that are at least 15 minutes apart")
		}

		at = next
	}

	return s, nil
}

// utc is a schedule in UTC, whatever the zone of the given time.
type utc struct{ schedule cron.Schedule }

func (u utc) Next(after time.Time) time.Time { return u.schedule.Next(after.UTC()) }

func (e *EmbeddedStore) withDefaults() *EmbeddedStore {
	if e.Backup == nil {
		return e
	}

	backup := *e.Backup
	backup.Keep = cmp.Or(backup.Keep, 14)

	if backup.S3 != nil {
		bucket := *backup.S3
		bucket.Region = cmp.Or(bucket.Region, "us-east-1")
		backup.S3 = &bucket
	}

	return &EmbeddedStore{Path: e.Path, Backup: &backup}
}

func (p *problems) backup(b *Backup, store string) {
	const prefix = "store.embedded.backup."

	if b == nil {
		return
	}

	if _, err := ParseSchedule(b.Schedule); err != nil {
		p.check(false, prefix+"schedule", err.Error())
	}

	inRange(p, prefix+"keep", b.Keep, 1, 1000)
	inRange(p, prefix+"keepDays", b.KeepDays, 0, 3650)
	p.check((b.Folder == "") == (b.S3 != nil), strings.TrimSuffix(prefix, "."), "must have exactly one of folder and s3")

	p.check(b.Restore == "" || b.Restore == RestoreNewest || copyName.MatchString(b.Restore), prefix+"restore",
		"must be Newest or the name of a backup, such as inbox-20261129T020000Z.db")

	if b.Folder != "" {
		p.absolutePath(prefix+"folder", b.Folder)
		p.check(filepath.Clean(b.Folder) != filepath.Dir(store), prefix+"folder", "must not be the folder of the store")
	}

	if b.S3 == nil {
		return
	}

	if b.S3.Endpoint != "" {
		p.origin(prefix+"s3.endpoint", b.S3.Endpoint)
	}

	p.check(regionName.MatchString(b.S3.Region), prefix+"s3.region", "must be the name of a region, such as eu-central-1")
	p.check(bucketName.MatchString(b.S3.Bucket), prefix+"s3.bucket", "must be the name of a bucket")
	p.check(b.S3.Prefix == "" || bucketPath.MatchString(b.S3.Prefix), prefix+"s3.prefix", "must be the path of a folder, such as backups/sales")

	if b.S3.Addressing != "" {
		p.oneOf(prefix+"s3.addressing", string(b.S3.Addressing), string(AddressingPath), string(AddressingVirtualHost))
	}
}
