// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"strconv"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/folder"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

const (
	conversations = 5000
	// Meta allows a number 80 messages/s, and 1,000 after an upgrade. Eight upgraded numbers do not limit the receiver.
	numbers       = 8
	numberUpgrade = 1000

	digits = 8 // of the message number at the end of an id
	route  = "/webhooks/whatsapp"
)

func phoneNumberID(message int) string {
	return strconv.Itoa(106540352242000 + message%conversations%numbers)
}

func waID(message int) string { return fmt.Sprintf("5730%07d", message%conversations) }

func wamid(message int) string { return fmt.Sprintf("wamid.OVERLOAD%0*d", digits, message) }

func eventID(message int) store.ID {
	return store.NewID(store.KindMessage, phoneNumberID(message), wamid(message))
}

// messageOf returns the number of the message with an id, or -1.
func messageOf(wamid string) int {
	if len(wamid) < digits {
		return -1
	}

	message, err := strconv.Atoi(wamid[len(wamid)-digits:])
	if err != nil {
		return -1
	}

	return message
}

// writer writes signed deliveries of one text each, ready for the wire. It is cheap, since the load shares the machine with
// the receiver.
type writer struct {
	mac       hash.Hash
	body      []byte
	fields    []field
	head      []byte
	signature int // its offset in head
}

// field is an offset in the body at which messages differ, always in the same number of bytes.
type field struct {
	at int
	of func(message int) string
}

func newWriter() *writer {
	const sample = 99999999

	w := &writer{mac: hmac.New(sha256.New, []byte(folder.AppSecret))}

	w.body = standin.TextDelivery(phoneNumberID(sample), waID(sample), "Ana", wamid(sample), "Does it come in another color?", time.Now())
	for _, of := range []func(int) string{phoneNumberID, waID, wamid} {
		for at := 0; ; {
			found := bytes.Index(w.body[at:], []byte(of(sample)))
			if found < 0 {
				break
			}

			w.fields = append(w.fields, field{at: at + found, of: of})
			at += found + 1
		}
	}

	w.head = fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: overload\r\nContent-Type: application/json\r\nContent-Length: %d\r\nX-Hub-Signature-256: sha256=%064d\r\n\r\n", route, len(w.body), 0)
	w.signature = len(w.head) - 4 - 2*sha256.Size

	return w
}

// write appends the request that delivers a message.
func (w *writer) write(to []byte, message int) []byte {
	for _, f := range w.fields {
		copy(w.body[f.at:], f.of(message))
	}

	w.mac.Reset()
	w.mac.Write(w.body)
	hex.Encode(w.head[w.signature:], w.mac.Sum(nil))

	return append(append(to, w.head...), w.body...)
}
