// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestArchive(t *testing.T) {
	files := map[string][]byte{
		ServiceVersion:              []byte("kind: ClusterServiceVersion\n"),
		"metadata/annotations.yaml": []byte("annotations: {}\n"),
		"tests/scorecard/empty":     {},
	}

	created := time.Unix(1_700_000_000, 5)

	archive, err := Pack(files, created)
	if err != nil {
		t.Fatal(err)
	}

	if again, err := Pack(files, created.Truncate(time.Second).UTC()); err != nil || !bytes.Equal(archive, again) {
		t.Errorf("two archives of the same files and second differ: %v", err)
	}

	unpacked, err := Unpack(archive)
	if err != nil {
		t.Fatal(err)
	}

	if diff := cmp.Diff(files, unpacked); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}

	for name, damaged := range map[string][]byte{
		"no archive": []byte("kind: Secret\n"),
		"cut":        archive[:len(archive)/2],
	} {
		if _, err := Unpack(damaged); err == nil {
			t.Errorf("%s: it is unpacked", name)
		}
	}
}
