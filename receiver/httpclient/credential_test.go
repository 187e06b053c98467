// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package httpclient

import (
	"strings"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
)

func TestCheckCredential(t *testing.T) {
	for name, tc := range map[string]struct {
		value string
		want  string // part of the text; empty: the value is accepted
	}{
		"a token":             {value: "EAAB0_-x|y=z"},
		"a space within":      {value: "Bearer EAAB"},
		"two lines":           {value: "secret\nvalue", want: "line break"},
		"a carriage return":   {value: "secret\rvalue", want: "line break"},
		"a tab":               {value: "secret\tvalue", want: "control character"},
		"a null byte":         {value: "secret\x00", want: "control character"},
		"a delete character":  {value: "secret\x7f", want: "control character"},
		"a byte order mark":   {value: "\ufeffsecret", want: "not ASCII"},
		"a typographic quote": {value: "“secret”", want: "not ASCII"},
		"bytes, not text":     {value: "secret\xff", want: "not ASCII"},
		"a leading space":     {value: " hidden", want: "begins or ends"},
		"a trailing space":    {value: "hidden ", want: "begins or ends"},
	} {
		t.Run(name, func(t *testing.T) {
			f := CheckCredential("op", failure.ScopeApp, "access-token", tc.value)
			if tc.want == "" {
				if f != nil {
					t.Errorf("failure = %v, want none", f)
				}

				return
			}

			if f == nil || f.Class != failure.Configuration || f.Scope != failure.ScopeApp || f.Code != CodeBadCredential {
				t.Fatalf("failure = %+v, want a configuration failure of the app", f)
			}

			if !strings.Contains(f.Text, tc.want) || !strings.Contains(f.Text, "access-token") || strings.Contains(f.Text, tc.value) {
				t.Errorf("text = %q, want the role and %q, without the value", f.Text, tc.want)
			}
		})
	}
}
