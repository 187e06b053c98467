// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package apimodule checks what a program gets that imports the Go types of the resource.
package apimodule

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/checkout"
)

const module = "github.com/wawebhook/whatsapp-webhook-operator/api"

const program = `package main

import (
	"fmt"

	"` + module + `/v1alpha1"
)

func main() { fmt.Println(v1alpha1.SchemeGroupVersion, v1alpha1.Kind) }
`

// TestImporterGetsTypesOnly builds a program in its own module, outside this repository. The modules of its packages are
// Kubernetes' types and what these need: neither the operator's dependencies nor the receiver's.
func TestImporterGetsTypesOnly(t *testing.T) {
	api, err := filepath.Abs("../../api")
	if err != nil {
		t.Fatal(err)
	}

	// The checksums of api are enough for its importer.
	sums, err := os.ReadFile(filepath.Join(api, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}

	folder := t.TempDir()

	for name, text := range map[string]string{
		"main.go": program,
		"go.sum":  string(sums),
		"go.mod": "module example.com/importer\n\ngo 1.26.0\n\n" +
			"require " + module + " v0.0.0\n\nreplace " + module + " => " + api + "\n",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	got := slices.Compact(slices.Sorted(strings.Lines(
		run(t, folder, "go", "list", "-mod=mod", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", "."))))

	want := strings.SplitAfter(`example.com/importer
github.com/fxamacker/cbor/v2
github.com/go-logr/logr
github.com/json-iterator/go
github.com/modern-go/concurrent
github.com/modern-go/reflect2
`+module+`
github.com/x448/float16
go.yaml.in/yaml/v2
golang.org/x/net
golang.org/x/text
gopkg.in/inf.v0
k8s.io/api
k8s.io/apimachinery
k8s.io/klog/v2
k8s.io/kube-openapi
k8s.io/utils
sigs.k8s.io/json
sigs.k8s.io/randfill
sigs.k8s.io/structured-merge-diff/v6
`, "\n")
	if diff := cmp.Diff(want[:len(want)-1], got); diff != "" {
		t.Errorf("modules of a program that imports api (-want +got):\n%s", diff)
	}

	printed := run(t, folder, "go", "run", "-mod=mod", ".")
	if printed != "whatsapp.wawebhook.dev/v1alpha1 WhatsAppWebhook\n" {
		t.Errorf("the program printed %q", printed)
	}
}

func run(t *testing.T, folder, name string, args ...string) string {
	t.Helper()
	checkout.DependOn(t)

	command := exec.CommandContext(t.Context(), name, args...)
	command.Dir = folder
	command.Stderr = os.Stderr

	output, err := command.Output()
	if err != nil {
		t.Fatalf("%s %s: %v", name, strings.Join(args, " "), err)
	}

	return string(output)
}
