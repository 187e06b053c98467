// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package openapi holds the published OpenAPI documents, for the programs that check traffic against them.
package openapi

import "embed"

// Files are the documents by file name.
//
//go:embed *.yaml
var Files embed.FS
