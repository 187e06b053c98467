// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"
)

func TestArguments(t *testing.T) {
	tests := map[string]struct {
		args  []string
		epoch string
		want  string
	}{
		"no image":          {want: "name at least one"},
		"no package":        {args: []string{"manager"}, want: `image "manager": want NAME=PACKAGE`},
		"path as name":      {args: []string{"../manager=./cmd/manager"}, want: "want NAME=PACKAGE"},
		"no registry":       {args: []string{"-prefix", "wawebhook/", "m=."}, want: "-prefix and -version give no valid image name"},
		"version not a tag": {args: []string{"-version", "v1+dirty", "m=."}, want: "-prefix and -version give no valid image name"},
		"other system":      {args: []string{"-platforms", "linux/amd64,darwin/arm64", "m=."}, want: `"darwin/arm64": want linux/ARCHITECTURE`},
		"no architecture":   {args: []string{"-platforms", "linux", "m=."}, want: `"linux": want linux/ARCHITECTURE`},
		"epoch":             {args: []string{"m=."}, epoch: "yesterday", want: `SOURCE_DATE_EPOCH: "yesterday"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Setenv("SOURCE_DATE_EPOCH", test.epoch)

			err := run(t.Context(), test.args, t.Output())
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}
