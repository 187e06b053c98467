// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package signature

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

var at = time.Unix(1614265330, 0)

// TestReceiversVerifyWithTheLibrary shows for each form of a key that a receiver which gives the same text to the official
// library accepts the signature. The library reads the clock itself.
func TestReceiversVerifyWithTheLibrary(t *testing.T) {
	body := []byte(`{"a":"é"}`)
	raw := func(secret string) (*standardwebhooks.Webhook, error) {
		return standardwebhooks.NewWebhookRaw([]byte(secret))
	}

	for name, c := range map[string]struct {
		text string
		open func(string) (*standardwebhooks.Webhook, error)
	}{
		"prefixed":          {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", standardwebhooks.NewWebhook},
		"base64":            {"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", standardwebhooks.NewWebhook},
		"base64, padded":    {"whsec_c2VjcmV0LWJ5dGVzIQ==", standardwebhooks.NewWebhook},
		"hexadecimal":       {"9f86d081884c7d659a2feaa0c55ad015", standardwebhooks.NewWebhook}, // is base64 too
		"text":              {"correct horse battery staple", raw},
		"prefixed text":     {"whsec_correct-horse", raw},
		"base64, cut":       {"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS", raw},
		"base64 of an URL":  {"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa-_", raw},
		"the prefix":        {"whsec_", raw},
		"not in characters": {"\xff\x00\x01", raw},
	} {
		header := http.Header{}
		if err := NewKey(c.text).Sign(header, "id-1", time.Now(), body); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}

		library, err := c.open(c.text)
		if err != nil {
			t.Fatal(err)
		}

		if err := library.Verify(body, header); err != nil {
			t.Errorf("%s: the library does not verify the signature: %v", name, err)
		}
	}
}

// TestSign uses the test vector of the reference implementations.
func TestSign(t *testing.T) {
	header := http.Header{}
	if err := NewKey("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").Sign(header, "msg_p5jXN8AQM9LWM0D4loKWxJek", at, []byte(`{"test": 2432232314}`)); err != nil {
		t.Fatal(err)
	}

	if got, want := header.Get("Webhook-Signature"), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("signature = %q, want %q", got, want)
	}

	if ID(header) != "msg_p5jXN8AQM9LWM0D4loKWxJek" || ID(http.Header{"Webhook-Id": {"x"}}) != "" {
		t.Errorf("ID() = %q, want that of a signed request only", ID(header))
	}
}

func TestVerify(t *testing.T) {
	key := NewKey("correct horse battery staple")
	signed := func(change func(http.Header)) http.Header {
		header := http.Header{}
		if err := key.Sign(header, "id-1", at, []byte("body")); err != nil {
			t.Fatal(err)
		}

		change(header)

		return header
	}
	unchanged := func(http.Header) {}
	set := func(name, value string) func(http.Header) {
		return func(h http.Header) { h.Set(name, value) }
	}

	for name, c := range map[string]struct {
		header  http.Header
		body    string
		now     time.Time
		isRight bool
	}{
		"right":                 {signed(unchanged), "body", at, true},
		"as old as may be":      {signed(unchanged), "body", at.Add(Tolerance), true},
		"as far ahead":          {signed(unchanged), "body", at.Add(-Tolerance), true},
		"too old":               {signed(unchanged), "body", at.Add(Tolerance + time.Second), false},
		"too far ahead":         {signed(unchanged), "body", at.Add(-Tolerance - time.Second), false},
		"another body":          {signed(unchanged), "bodY", at, false},
		"another id":            {signed(set("Webhook-Id", "id-2")), "body", at, false},
		"no id":                 {signed(func(h http.Header) { h.Del("Webhook-Id") }), "body", at, false},
		"no signature":          {signed(func(h http.Header) { h.Del("Webhook-Signature") }), "body", at, false},
		"no timestamp":          {signed(func(h http.Header) { h.Del("Webhook-Timestamp") }), "body", at, false},
		"no number":             {signed(set("Webhook-Timestamp", "yesterday")), "body", at, false},
		"a timestamp of ages":   {signed(set("Webhook-Timestamp", strconv.FormatInt(-1<<62, 10))), "body", at, false},
		"another version":       {signed(func(h http.Header) { h.Set("Webhook-Signature", "v2"+h.Get("Webhook-Signature")[2:]) }), "body", at, false},
		"one of two signatures": {signed(func(h http.Header) { h.Set("Webhook-Signature", "v1,AAAA "+h.Get("Webhook-Signature")) }), "body", at, true},
	} {
		if err := key.Verify(c.header, []byte(c.body), c.now); (err == nil) != c.isRight {
			t.Errorf("%s: Verify() = %v, want it right: %t", name, err, c.isRight)
		}
	}

	if err := NewKey("another key").Verify(signed(unchanged), []byte("body"), at); err == nil {
		t.Error("the signature of another key is right")
	}
}
