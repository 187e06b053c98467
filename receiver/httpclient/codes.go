// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package httpclient

import "strconv"

// Failure codes of calls that got no complete response.
const (
	CodeTimeout       = "timeout"
	CodeNoConnection  = "no_connection"
	CodeBadURL        = "bad_url"
	CodeMetadata      = "metadata_address"      // the server is at a link-local or metadata address
	CodeUntrusted     = "untrusted_certificate" // the server's certificate is invalid, or its issuer unknown
	CodeBadCA         = "bad_ca"                // the configured certificate authorities cannot be read
	CodeBadCredential = "bad_credential"        //nolint:gosec // a code of failures: no header can carry the credential
)

// StatusCode returns the failure code of an HTTP status that refuses a call, such as "http_503".
func StatusCode(status int) string { return "http_" + strconv.Itoa(status) }
