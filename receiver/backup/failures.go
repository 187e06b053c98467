// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"context"
	"errors"
	"net/http"
	"regexp"

	"github.com/minio/minio-go/v7"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/httpclient"
)

// codeFormat is the format of the codes that are repeated. Other text of a server is not.
var codeFormat = regexp.MustCompile(`^[A-Za-z0-9]{1,64}$`)

// bucketFull is the text for a bucket without room.
const bucketFull = "the bucket is full: raise its quota or enlarge its store, or keep fewer backups"

// refusals are the texts for S3 error codes that an administrator has to fix.
var refusals = map[string]string{
	"AccessDenied":                   "the keys may not do this: grant the rights to list, read, write and delete below the prefix",
	"AllAccessDisabled":              "the bucket is disabled",
	"AuthorizationHeaderMalformed":   "the region is not that of the bucket",
	"IllegalLocationConstraint":      "the region is not that of the bucket",
	"InvalidAccessKeyId":             "the access key ID is unknown: correct the Secret",
	"InvalidBucketName":              "the bucket has an invalid name",
	"InvalidRegion":                  "the region is not that of the bucket",
	"NoSuchBucket":                   "the bucket does not exist: create it, or correct its name",
	"NoSuchKey":                      "there is no such backup",
	"PermanentRedirect":              "the region is not that of the bucket",
	"QuotaExceeded":                  bucketFull, // of Ceph
	"RequestTimeTooSkewed":           "the clock of the node differs too much from that of the store",
	"SignatureDoesNotMatch":          "the secret access key is wrong: correct the Secret",
	"XMinioAdminBucketQuotaExceeded": bucketFull,
	"XMinioStorageFull":              bucketFull,
}

// describe returns a failure of a bucket that is safe to log. The text of the server and the addresses are dropped.
func describe(op string, err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}

	response, answered := errors.AsType[minio.ErrorResponse](err)
	if !answered {
		unanswered := *httpclient.Unanswered("the bucket's store", err)
		unanswered.Op = op

		return &unanswered
	}

	f := &failure.Error{
		Class: failure.Transient,
		Op:    op,
		Code:  response.Code,
		Text:  "the bucket's store failed",
	}

	if !codeFormat.MatchString(f.Code) {
		f.Code = ""
	}

	text, refused := refusals[f.Code]

	switch {
	case refused:
		f.Class = failure.Configuration
		f.Text = text
	case response.StatusCode == http.StatusServiceUnavailable || response.StatusCode == http.StatusTooManyRequests:
		f.Text = "the bucket's store asks for fewer requests"
	case response.StatusCode >= 400 && response.StatusCode < 500:
		f.Class = failure.Configuration
		f.Text = "the bucket's store refused the request"
	}

	return f
}
