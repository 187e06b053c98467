// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/httpclient"
)

const (
	// amazon is the endpoint of Amazon S3; the library derives that of the region from it.
	amazon = "https://s3.amazonaws.com"
	// maxAttempts bounds the requests for one part or call: the library repeats requests that may succeed later.
	maxAttempts = 4
	// threads is the number of parts that are sent at the same time. Each is read from the file as it is sent.
	threads = 2
)

// bucket stores copies in a bucket of Amazon S3, or of a store that is compatible with it.
type bucket struct {
	client *minio.Client
	name   string
	prefix string // ends with a slash unless it is empty
	idle   *http.Transport
}

func newBucket(settings *config.BackupBucket, secrets config.Secrets) (*bucket, error) {
	endpoint := settings.Endpoint
	if endpoint == "" {
		endpoint = amazon
	}

	u, err := url.Parse(endpoint)
	if err != nil {
		return nil, describe("open the bucket", err)
	}

	transport, err := httpclient.TransportFor("store.embedded.backup.s3.endpoint", secrets.BackupCA)
	if err != nil {
		return nil, describe("open the bucket", err)
	}

	lookup := minio.BucketLookupAuto

	switch settings.Addressing {
	case config.AddressingPath:
		lookup = minio.BucketLookupPath
	case config.AddressingVirtualHost:
		lookup = minio.BucketLookupDNS
	}

	client, err := minio.New(u.Host, &minio.Options{
		Creds:        credentials.NewStaticV4(secrets.BackupKeyID, secrets.BackupSecret, ""),
		Secure:       u.Scheme == "https",
		Transport:    &watched{transport},
		Region:       settings.Region,
		BucketLookup: lookup,
		MaxRetries:   maxAttempts,
	})
	if err != nil {
		return nil, describe("open the bucket", err)
	}

	prefix := settings.Prefix
	if prefix != "" {
		prefix += "/"
	}

	return &bucket{client, settings.Bucket, prefix, transport}, nil
}

// List implements Target.
func (b *bucket) List(ctx context.Context) ([]File, error) {
	listed, cancel := context.WithCancel(ctx)
	defer cancel() // ends the listing

	var found listing

	for object := range b.client.ListObjects(listed, b.name, minio.ListObjectsOptions{Prefix: b.prefix + namePrefix}) {
		if object.Err != nil {
			return nil, describe("list the backups", object.Err)
		}

		found.add(strings.TrimPrefix(object.Key, b.prefix), object.Size)
	}

	// The library ends a listing between two pages without an error.
	if err := ctx.Err(); err != nil {
		return nil, describe("list the backups", err)
	}

	return found.newest(), nil
}

// Put implements Target. An object appears when its last part has arrived.
func (b *bucket) Put(ctx context.Context, name string, content Content, size int64) error {
	options := minio.PutObjectOptions{
		ContentType: "application/octet-stream",
		NumThreads:  threads,
	}

	put := func() error {
		_, err := b.client.PutObject(ctx, b.name, b.prefix+name, io.NewSectionReader(content, 0, size), size, options)
		return err
	}

	err := put()
	if code := minio.ToErrorResponse(err).Code; code == "InvalidRequest" || code == "MissingContentMD5" {
		options.SendContentMd5 = true // a bucket with object lock requires it; the library then holds each part in memory
		err = put()
	}

	if err != nil {
		return describe("write a backup", err)
	}

	return nil
}

// Open implements Target.
func (b *bucket) Open(ctx context.Context, name string) (io.ReadCloser, error) {
	object, err := b.client.GetObject(ctx, b.name, b.prefix+name, minio.GetObjectOptions{})
	if err != nil {
		return nil, describe("read a backup", err)
	}

	return described{object}, nil
}

// Delete implements Target.
func (b *bucket) Delete(ctx context.Context, name string) error {
	if err := b.client.RemoveObject(ctx, b.name, b.prefix+name, minio.RemoveObjectOptions{}); err != nil {
		return describe("delete a backup", err)
	}

	return nil
}

// Sweep implements Target. The parts of an interrupted upload take space in the bucket, although they cannot be seen.
func (b *bucket) Sweep(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()

	for upload := range b.client.ListIncompleteUploads(ctx, b.name, b.prefix+namePrefix, false) {
		if upload.Err != nil {
			return describe("list interrupted uploads", upload.Err)
		}

		if !isOurs(strings.TrimPrefix(upload.Key, b.prefix)) {
			continue
		}

		if err := b.client.RemoveIncompleteUpload(ctx, b.name, upload.Key); err != nil {
			return describe("remove an interrupted upload", err)
		}
	}

	return nil
}

// Close implements Target.
func (b *bucket) Close() { b.idle.CloseIdleConnections() }

// described is an object whose errors are safe to log.
type described struct{ *minio.Object }

func (d described) Read(p []byte) (int, error) {
	n, err := d.Object.Read(p)
	if err != nil && err != io.EOF { //nolint:errorlint // io.Reader returns it as it is
		err = describe("read a backup", err)
	}

	return n, err
}
