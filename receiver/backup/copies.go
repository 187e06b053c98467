// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"errors"
	"slices"
	"strings"
	"time"
)

// A copy is a file, and a second file with its checksum in the format of sha256sum. The second is written last: a copy
// without it is incomplete.
const (
	namePrefix = "inbox-"
	nameSuffix = ".db"
	nameTime   = "20060102T150405Z"
	sumSuffix  = ".sha256"
)

// maxFiles bounds the files of a target that are looked at: those of the maximum number of copies, and some more, such as after
// a time without the right to delete.
const maxFiles = 10_000

// maxAhead is how far in the future the time in a copy's name may be. If it is later, the clock was ahead when the copy was
// begun. The true time of such a copy is unknown: it counts as older than all others, and the schedule ignores it.
const maxAhead = time.Hour

// File is a file of a target.
type File struct {
	Name string
	Size int64
}

// Copy is a complete copy of a store.
type Copy struct {
	Name string
	At   time.Time // when it was begun
	Size int64     // in bytes
}

// isAhead reports whether the clock was ahead when the copy was begun.
func (c Copy) isAhead(now time.Time) bool { return c.At.After(now.Add(maxAhead)) }

// nameAt returns the name of a copy that is begun at a time.
func nameAt(at time.Time) string { return namePrefix + at.UTC().Format(nameTime) + nameSuffix }

// timeOf returns when the copy with a name was begun. It reports false for any other file.
func timeOf(name string) (time.Time, bool) {
	name, hasPrefix := strings.CutPrefix(name, namePrefix)
	name, hasSuffix := strings.CutSuffix(name, nameSuffix)
	at, err := time.Parse(nameTime, name)

	return at, hasPrefix && hasSuffix && err == nil
}

// isOurs reports whether a name is that of a copy or of its checksum. A folder or a prefix may have other files.
func isOurs(name string) bool {
	_, ours := timeOf(strings.TrimSuffix(name, sumSuffix))

	return ours
}

// listing collects the files of copies among those of a target.
type listing struct{ files []File }

// add adds a file, unless it belongs to no copy.
func (l *listing) add(name string, size int64) {
	if !isOurs(name) {
		return
	}

	if l.files = append(l.files, File{name, size}); len(l.files) == 2*maxFiles {
		l.files = l.newest()
	}
}

// newest returns the files of the newest copies, maxFiles at most. Without the older ones, copies are still made on time.
func (l *listing) newest() []File {
	slices.SortFunc(l.files, func(a, b File) int { return strings.Compare(b.Name, a.Name) }) // by time, since names have it

	return l.files[:min(len(l.files), maxFiles)]
}

// Complete returns the complete copies among the files of a target, the newest first. Those that were begun while the clock
// was ahead come last.
func Complete(files []File, now time.Time) []Copy {
	var copies []Copy

	exists := existing(files)

	for _, file := range files {
		at, isCopy := timeOf(file.Name)
		if isCopy && exists[file.Name+sumSuffix] {
			copies = append(copies, Copy{file.Name, at, file.Size})
		}
	}

	slices.SortFunc(copies, func(a, b Copy) int {
		switch isAhead := a.isAhead(now); {
		case isAhead == b.isAhead(now):
			return b.At.Compare(a.At)
		case isAhead:
			return 1
		default:
			return -1
		}
	})

	return copies
}

// obsolete returns the files of complete copies to delete, in order: the copies after the first keep and those begun before
// oldest, but never the newest.
func obsolete(files []File, keep int, oldest, now time.Time) []string {
	var names []string

	for i, old := range Complete(files, now) {
		if i > 0 && (i >= keep || old.At.Before(oldest)) {
			names = append(names, old.Name+sumSuffix, old.Name) // without its checksum it no longer counts
		}
	}

	return names
}

// incomplete returns the files of incomplete copies that were begun before a time, or while the clock was ahead.
func incomplete(files []File, before, now time.Time) []string {
	var names []string

	exists := existing(files)

	for _, file := range files {
		name := strings.TrimSuffix(file.Name, sumSuffix)

		at, isCopy := timeOf(name)

		isOld := at.Before(before) || Copy{At: at}.isAhead(now)
		if isCopy && isOld && (!exists[name] || !exists[name+sumSuffix]) {
			names = append(names, file.Name)
		}
	}

	return names
}

// newestOr returns the later of two times: when the newest complete copy was begun, and a given time.
func newestOr(files []File, at, now time.Time) time.Time {
	if copies := Complete(files, now); len(copies) > 0 && copies[0].At.After(at) && !copies[0].isAhead(now) {
		return copies[0].At
	}

	return at
}

func existing(files []File) map[string]bool {
	names := make(map[string]bool, len(files))
	for _, file := range files {
		names[file.Name] = true
	}

	return names
}

// sumLine returns the content of the file with the checksum of a copy.
func sumLine(sum, name string) string { return sum + "  " + name + "\n" }

var errBadSum = errors.New("the file with the checksum of the backup has another format than that of sha256sum")

// parseSum returns the checksum, in lower-case hexadecimal digits, of such a file.
func parseSum(content string) (string, error) {
	sum, _, _ := strings.Cut(content, " ")
	if len(sum) != 64 || strings.Trim(sum, "0123456789abcdef") != "" {
		return "", errBadSum
	}

	return sum, nil
}
