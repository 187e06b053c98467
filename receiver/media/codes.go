// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

// Failure codes of downloads, besides those of package httpclient and of the lookup.
const (
	CodeKind     = "media_kind"      // messages of this type carry no media
	CodeGone     = "media_gone"      // Meta no longer has the file
	CodeHash     = "media_hash"      // size or SHA-256 differ from what Meta announced
	CodeHost     = "media_host"      // the file is at an address that is not allowed
	CodeTooLarge = "media_too_large" // larger than WhatsApp or the spool allows
	CodeNoRoom   = "no_room"         // stopped while waiting for space in the spool
	CodeSpool    = "spool"           // the spool cannot be written to
	CodeDiskFull = "disk_full"
)
