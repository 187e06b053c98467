// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jonboulle/clockwork"
)

// TestNewerConfiguration gives the receiver a file of a newer operator: it starts and reloads with the settings that it
// knows, and names the others.
func TestNewerConfiguration(t *testing.T) {
	const known = smallest + "unknownKeys: Ignore\nprocessing: {concurrency: 3"

	file := filepath.Join(t.TempDir(), "receiver.yaml")
	write(t, file, known+", clairvoyance: {enabled: true}}\nhologram: {colour: blue}\n")

	live, err := Open(file, clockwork.NewFakeClock(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}

	const want = "this version of the receiver does not know, and ignores, the keys clairvoyance, hologram: " +
		"use an image of the operator's version, or remove the settings"

	started := live.Current()
	if started.Problem != want || started.Processing.Concurrency != 3 {
		t.Errorf("problem %q with concurrency %d, want %q with 3", started.Problem, started.Processing.Concurrency, want)
	}

	live.Reload()

	if live.Current() != started {
		t.Error("an unchanged file was loaded again")
	}

	write(t, file, known+"}\n")
	live.Reload()

	if problem := live.Current().Problem; problem != "" {
		t.Errorf("problem %q without unknown keys", problem)
	}
}

// TestIgnoredKeysHideNoOtherFault checks that only unknown keys are ignored.
func TestIgnoredKeysHideNoOtherFault(t *testing.T) {
	for name, fault := range map[string]string{
		"type":  "processing: {concurrency: many}\n",
		"value": "log: {level: loud}\n",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Parse([]byte(smallest + "unknownKeys: Ignore\nhologram: 1\n" + fault)); err == nil {
				t.Error("the file was accepted")
			}
		})
	}
}

// TestKeysStayReadable compares the keys with the list of keys that receivers may have. A receiver whose image is older than
// the operator reads the operator's file, and a newer one reads the file of an older operator.
func TestKeysStayReadable(t *testing.T) {
	const list = "testdata/keys.txt"

	data, err := os.ReadFile(list)
	if err != nil {
		t.Fatal(err)
	}

	var listed []string
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			listed = append(listed, line)
		}
	}

	if diff := cmp.Diff(listed, typedKeys("", reflect.TypeFor[Config]())); diff != "" {
		t.Errorf("the keys differ from %s; add the new ones, and keep the others as they are (-listed +got):\n%s", list, diff)
	}
}

// typedKeys returns the paths of the leaves of a configuration, each with its type, in order.
func typedKeys(prefix string, t reflect.Type) []string {
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return []string{prefix + " duration"}
	case t.Kind() == reflect.Pointer:
		return typedKeys(prefix, t.Elem())
	case t.Kind() == reflect.Slice:
		return typedKeys(prefix+"[]", t.Elem())
	case t.Kind() == reflect.Map:
		return typedKeys(prefix+"{"+t.Key().Kind().String()+"}", t.Elem())
	case t.Kind() != reflect.Struct:
		return []string{prefix + " " + t.Kind().String()}
	}

	all := []string{}
	for field := range t.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		if name == "-" {
			continue
		}

		all = append(all, typedKeys(strings.TrimPrefix(prefix+"."+name, "."), field.Type)...)
	}

	if len(all) == 0 {
		all = []string{prefix + " object"} // its presence is the setting
	}

	slices.Sort(all)

	return all
}
