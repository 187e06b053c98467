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
	"slices"
	"strings"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// maxSumFile bounds the file with a checksum.
const maxSumFile = 4 << 10

var (
	errDiffers = errors.New("the backup differs after the upload: the storage of the backups, or the network, is faulty")
	errNone    = errors.New("there is no complete backup of that name")
	errAltered = errors.New("it is damaged: its checksum differs from that in the file beside it")
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
		return Copy{}, errors.Join(err, to.Delete(ctx, name+sumSuffix), to.Delete(ctx, name))
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
		return "", 0, fmt.Errorf("read the backup of the store: %w", err)
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
	if _, err := io.Copy(h, contextReader{ctx, from}); err != nil {
		return "", err
	}

	return hex.EncodeToString(h.Sum(nil)), nil
}

// find returns the complete copy of a name, or the newest for config.RestoreNewest. It returns errNone if there is none.
func find(ctx context.Context, from Target, name string) (Copy, error) {
	files, err := from.List(ctx)
	if err != nil {
		return Copy{}, err
	}

	copies := Complete(files, time.Time{}) // by name: the clock of a new node may be behind

	i := slices.IndexFunc(copies, func(c Copy) bool { return name == config.RestoreNewest || c.Name == name })
	if i >= 0 {
		return copies[i], nil
	}

	if len(copies) == 0 {
		return Copy{}, fmt.Errorf("%s: %w; there is no other one either", name, errNone)
	}

	return Copy{}, fmt.Errorf("%s: %w; the newest one is %s", name, errNone, copies[0].Name)
}

// download writes a copy. It returns an error if the checksum differs.
func download(ctx context.Context, from Target, wanted Copy, to io.Writer) error {
	recorded, err := from.Open(ctx, wanted.Name+sumSuffix)
	if err != nil {
		return err
	}
	defer recorded.Close()

	line, err := io.ReadAll(io.LimitReader(recorded, maxSumFile))
	if err != nil {
		return err
	}

	want, err := parseSum(string(line))
	if err != nil {
		return err
	}

	content, err := from.Open(ctx, wanted.Name)
	if err != nil {
		return err
	}
	defer content.Close()

	got, err := hash(ctx, io.TeeReader(io.LimitReader(content, wanted.Size+1), to))
	if err != nil {
		return err
	}

	if got != want {
		return errAltered
	}

	return nil
}
