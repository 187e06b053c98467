// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// maxSumFile bounds the file with a checksum.
const maxSumFile = 4 << 10

var (
	errDiffers = errors.New("the copy differs after it was written: the storage of the copies, or the way to it, is faulty")
	errNone    = errors.New("there is no complete copy of that name")
)

// makeCopy copies a store to a target. The copy counts once it has been read back.
func makeCopy(ctx context.Context, from store.BackedUp, to Target, at time.Time) (Copy, error) {
	name := nameAt(at)

	sum, size, err := put(ctx, from, to, name)
	if err != nil {
		return Copy{}, err
	}

	written, err := sumOf(ctx, to, name)
	if err == nil && written != sum {
		err = errDiffers
	}

	if err != nil {
		return Copy{}, errors.Join(err, to.Delete(ctx, name))
	}

	line := sumLine(sum, name)
	if err := to.Put(ctx, name+sumSuffix, strings.NewReader(line), int64(len(line))); err != nil {
		return Copy{}, err
	}

	return Copy{name, at, size}, nil
}

// put stores a copy, and returns its checksum and size.
func put(ctx context.Context, from store.BackedUp, to Target, name string) (sum string, size int64, err error) {
	copied, size, err := from.Backup(ctx)
	if err != nil {
		return "", 0, err
	}
	defer func() { err = errors.Join(err, copied.Close()) }()

	sum, err = hash(ctx, io.NewSectionReader(copied, 0, size))
	if err != nil {
		return "", 0, fmt.Errorf("read the copy of the store: %w", err)
	}

	return sum, size, to.Put(ctx, name, io.NewSectionReader(copied, 0, size), size)
}

// sumOf returns the checksum of a file of a target.
func sumOf(ctx context.Context, from Target, name string) (string, error) {
	content, err := from.Open(ctx, name)
	if err != nil {
		return "", err
	}
	defer content.Close()

	return hash(ctx, content)
}

func hash(ctx context.Context, from io.Reader) (string, error) {
	h := sha256.New()
	if _, err := io.Copy(h, cancelled{ctx, from}); err != nil {
		return "", err
	}

	return hex.EncodeToString(h.Sum(nil)), nil
}

// Fetch writes a copy to a file: that of a name, or the newest for an empty name. It returns an error if the checksum differs.
func Fetch(ctx context.Context, from Target, name string, to io.Writer) (Copy, error) {
	files, err := from.List(ctx)
	if err != nil {
		return Copy{}, err
	}

	found, ok := find(files, name)
	if !ok {
		return Copy{}, errNone
	}

	recorded, err := from.Open(ctx, found.Name+sumSuffix)
	if err != nil {
		return Copy{}, err
	}
	defer recorded.Close()

	line, err := io.ReadAll(io.LimitReader(recorded, maxSumFile))
	if err != nil {
		return Copy{}, err
	}

	want, err := parseSum(string(line))
	if err != nil {
		return Copy{}, err
	}

	content, err := from.Open(ctx, found.Name)
	if err != nil {
		return Copy{}, err
	}
	defer content.Close()

	got, err := hash(ctx, io.TeeReader(content, to))
	if err != nil {
		return Copy{}, err
	}

	if got != want {
		return Copy{}, fmt.Errorf("the copy %s is damaged: its checksum differs from that in %s", found.Name, found.Name+sumSuffix)
	}

	return found, nil
}
