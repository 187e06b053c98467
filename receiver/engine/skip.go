// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import "github.com/wawebhook/whatsapp-webhook-operator/receiver/store"

// classSkipped is the class of the reasons in the history of skipped events. They are no failures.
const classSkipped = "skipped"

// The reasons for which an event is skipped, as its history names them.
const (
	codeRevoked     = "revoked"       // the person deleted the message before it was answered
	codeSuperseded  = "superseded"    // the person changed the message once more
	codeUnknownToAI = "unknown_to_ai" // the AI was not asked about the message that the person changed
	codeLacking     = "no_method"     // the bridge does not have the method
	codeAnswered    = "answered"      // the answer came before the fallback text was sent
)

// skip ends the event without asking the AI. Its history gets the reason.
func (a *attempt) skip(code, reason string) {
	a.successState = store.Skipped
	a.reason = &store.Failure{
		Class: classSkipped,
		Code:  code,
		Text:  reason,
	}
}
