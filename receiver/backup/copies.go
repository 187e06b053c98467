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

// maxFiles bounds the files of a target that are looked at: those of the maximum number of copies, and some leftovers.
const maxFiles = 10_000

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

// nameAt returns the name of a copy that is begun at a time.
func nameAt(at time.Time) string { return namePrefix + at.UTC().Format(nameTime) + nameSuffix }

// timeOf returns when the copy of a name was begun, and false for a file that is no copy.
func timeOf(name string) (time.Time, bool) {
	name, hasPrefix := strings.CutPrefix(name, namePrefix)
	name, hasSuffix := strings.CutSuffix(name, nameSuffix)
	at, err := time.Parse(nameTime, name)

	return at, hasPrefix && hasSuffix && err == nil
}

// Complete returns the complete copies among the files of a target, the newest first.
func Complete(files []File) []Copy {
	var copies []Copy

	for _, file := range files {
		at, isCopy := timeOf(file.Name)
		if isCopy && has(files, file.Name+sumSuffix) {
			copies = append(copies, Copy{file.Name, at, file.Size})
		}
	}

	slices.SortFunc(copies, func(a, b Copy) int { return b.At.Compare(a.At) })

	return copies
}

// obsolete returns the files to delete, in order: the complete copies after the first keep and those begun before oldest,
// but never the newest, and what interrupted copies that were begun before the newest have left.
func obsolete(files []File, keep int, oldest time.Time) []string {
	copies := Complete(files)
	if len(copies) == 0 {
		return nil
	}

	var names []string

	for i, old := range copies[1:] {
		if i+1 >= keep || old.At.Before(oldest) {
			names = append(names, old.Name+sumSuffix, old.Name) // without its checksum it no longer counts
		}
	}

	for _, file := range files {
		name := strings.TrimSuffix(file.Name, sumSuffix)

		at, isCopy := timeOf(name)
		whole := has(files, name) && has(files, name+sumSuffix)

		if isCopy && !whole && at.Before(copies[0].At) {
			names = append(names, file.Name)
		}
	}

	return names
}

func has(files []File, name string) bool {
	return slices.ContainsFunc(files, func(f File) bool { return f.Name == name })
}

// sumLine returns the content of the file with the checksum of a copy.
func sumLine(sum, name string) string { return sum + "  " + name + "\n" }

var errBadSum = errors.New("the file with the checksum of the copy has another format than that of sha256sum")

// parseSum returns the checksum, in lower-case hexadecimal digits, of such a file.
func parseSum(content string) (string, error) {
	sum, _, _ := strings.Cut(content, " ")
	if len(sum) != 64 || strings.Trim(sum, "0123456789abcdef") != "" {
		return "", errBadSum
	}

	return sum, nil
}
