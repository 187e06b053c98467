// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

// Failure codes of calls to Meta, besides those of package httpclient.
const (
	CodeNoAccessToken    = "no_access_token"
	CodeBadContent       = "bad_content"  // Encode refuses the message
	CodeBadResponse      = "bad_response" // 200 with a body that lacks what was asked for
	CodeNotGraph         = "not_graph"    // 200 with a page of another server
	CodeNoFile           = "no_file"      // the downloaded file cannot be read
	CodeBadID            = "bad_id"
	CodeBadMediaID       = "bad_media_id"
	CodeBadPhoneNumberID = "bad_phone_number_id"
)

// Codes of Meta that change what a caller does. The table of all of them is apiErrors.
const (
	CodeInvalidParameter   = "100"
	CodeMediaDownload      = "131052" // of a link, or of a file that a person sent
	CodeUnknownApp         = "101"
	CodeCallbackUnverified = "2200"    // the callback URL failed Meta's verification
	CodeMediaUpload        = "131053"  // Meta could not use the media of a message
	CodeOutsideWindow      = "131047"  // more than 24 hours since the person's last message
	CodeOtherResponder     = "2494191" // Conversation Routing gave the conversation to another responder
)

// codeInvalidParameter is CodeInvalidParameter as Meta writes it. With the subcode unknownObject, it means that the object
// does not exist or that the token may not see it.
const (
	codeInvalidParameter = 100
	unknownObject        = 33
)
