// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package deliveries holds sample deliveries of all kinds, for the tool that plays Meta.
package deliveries

import "embed"

// Files are the deliveries by file name, such as message.text.json.
//
//go:embed *.json
var Files embed.FS
