// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import "github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"

// maxEmptyPages bounds the pages in a row without an entry. For one page, a receiver looks at thousands of entries.
const maxEmptyPages = 10_000

// pages checks that the pages of a list come to an end. The zero value is for a list of which none was read.
type pages struct{ empty int }

// check refuses a page that continues where it began, and too many empty ones: the receiver would be asked for ever.
func (p *pages) check(entries int, goesOn bool) error {
	p.empty++
	if entries > 0 {
		p.empty = 0
	}

	if goesOn && p.empty < maxEmptyPages {
		return nil
	}

	return output.Failed("Upgrade the operator, which upgrades the receivers: the command status shows their version.",
		"the list of the receiver does not end")
}
