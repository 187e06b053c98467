// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver"
)

func TestCheck(t *testing.T) {
	t.Parallel()

	const bird = "bird: {baseURL: https://bridge.example.com}\n"

	complete := map[string]string{
		"access-token":    "token",
		"app-secret":      "secret",
		"verify-token":    "word",
		"bird-access-key": "key",
	}

	for name, test := range map[string]struct {
		config  string
		secrets map[string]string // instead of, or in addition to, the complete ones
		want    []string
	}{
		"usable": {config: bird},
		"an unknown key": {
			config: bird + "birt: {}\n",
			want:   []string{"configuration FOLDER/receiver.yaml: line 2: unknown key \"birt\"; docs/receiver.md lists all keys"},
		},
		"a value out of range": {
			config: bird + "store: {retentionDays: 0}\nprocessing: {concurrency: -1}\n",
			want:   []string{"configuration FOLDER/receiver.yaml: processing.concurrency is -1; it must be from 1 to 10000"},
		},
		"a secret that is missing": {
			config:  bird,
			secrets: map[string]string{"access-token": " \n"},
			want:    []string{"the secret access-token is missing: write it to a file in FOLDER/secrets/access-token"},
		},
		"a credential on two lines": {
			config:  bird,
			secrets: map[string]string{"bird-access-key": "one\ntwo"},
			want:    []string{"the secret bird-access-key has a line break: store only the value, on one line"},
		},
		"authorities that are none": {
			config:  bird,
			secrets: map[string]string{"ai-ca": "ca.crt", "meta-ca": "ca.crt"},
			want:    []string{"the secret meta-ca: no PEM certificate", "the secret ai-ca: no PEM certificate"},
		},
		"a database of another kind": {
			config:  bird + "store: {postgreSQL: {}}\n",
			secrets: map[string]string{"database-url": "mysql://user:hidden@db.example.com/events"},
			want:    []string{"the database URL is invalid: it must look like postgres://user:password@host:5432/database, with special characters percent-encoded"},
		},
		"a key of the store that is none": {
			config:  bird + "store: {encrypted: true}\n",
			secrets: map[string]string{"store-key": "hidden"},
			want:    []string{"the secret store-key: key 1 is not 32 bytes in base64: make one with head -c 32 /dev/urandom | base64"},
		},
		"certificates that are none": {
			config:  bird + "webhook: {mutualTLS: {}}\n",
			secrets: map[string]string{"server-certificate": "hidden", "server-key": "hidden", "client-ca": "hidden"},
			want:    []string{"server-certificate and server-key are not a certificate and its key in PEM: tls: failed to find any PEM data in certificate input"},
		},
		"instructions that are missing": {
			config:  "openAI: {baseURL: https://model.example.com, model: small, authScheme: None, instructionsFile: /none/prompt.md}\n",
			secrets: map[string]string{"bird-access-key": ""},
			want:    []string{"read the instructions: the file openAI.instructionsFile cannot be read: create the ConfigMap with this key (no_instructions)"},
		},
		"a key of a newer version": {
			config: bird + "unknownKeys: Ignore\nfuture: 1\n",
			want:   []string{"the key future is unknown to this version, which ignores it"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			folder := t.TempDir()
			file := filepath.Join(folder, "receiver.yaml")
			write(t, file, test.config+"secretsDir: "+folder+"/secrets\n")

			for role, value := range complete {
				write(t, filepath.Join(folder, "secrets", role, "value"), value)
			}

			for role, value := range test.secrets {
				write(t, filepath.Join(folder, "secrets", role, "value"), value)
			}

			var got []string
			for _, line := range receiver.Check(file) {
				got = append(got, strings.ReplaceAll(line, folder, "FOLDER"))
			}

			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()

	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}

	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
