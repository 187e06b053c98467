// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
)

const crdFile = "config/crd/bases/whatsapp.wawebhook.dev_whatsappwebhooks.yaml"

// ofReceiver are the pages about the receiver's file, whose keys have the same stems as the fields, and about its packages.
var ofReceiver = []string{"docs/receiver.md", "docs/seed.md"}

// dotted matches what may be the path of a field, with what may follow: a value.
var dotted = regexp.MustCompile("`(spec\\.)?(\\w+(?:\\.\\w+)+)(?:: [^`]*)?`")

// TestFieldsExist checks the paths of fields of the resource that pages name: those that begin with spec, or with one of its
// fields. Values of the chart have the same names.
func TestFieldsExist(t *testing.T) {
	spec, err := readSpec()
	if err != nil {
		t.Fatal(err)
	}

	checked := 0

	for _, page := range pages(t) {
		if slices.Contains(ofReceiver, page.Path) {
			continue
		}

		for _, match := range dotted.FindAllStringSubmatch(strings.Join(page.prose, "\n"), -1) {
			fields := strings.Split(match[2], ".")

			_, top := spec.Properties[fields[0]]
			ofChart := strings.HasPrefix(page.Path, "charts/")

			if match[1] == "" && (!top || ofChart) || strings.HasSuffix(match[2], ".tar") {
				continue
			}

			checked++

			if !hasField(spec, fields) {
				t.Errorf("%s names %s, which the resource does not have", page.Path, match[2])
			}
		}
	}

	if checked < 100 {
		t.Errorf("checked %d fields, want at least 100", checked)
	}
}

// TestSettingsOfTheReceiverAreFields checks that pages for users of the operator name no key of the receiver's file that is not a
// field of the resource. A line may name one if it says that this is a key of the receiver's file.
func TestSettingsOfTheReceiverAreFields(t *testing.T) {
	spec, err := readSpec()
	if err != nil {
		t.Fatal(err)
	}

	for _, page := range pages(t) {
		if slices.Contains(ofReceiver, page.Path) {
			continue
		}

		for _, line := range page.prose {
			for _, match := range dotted.FindAllStringSubmatch(line, -1) {
				fields := strings.Split(match[2], ".")

				_, top := spec.Properties[fields[0]]
				if !top && isKey(reflect.TypeFor[config.Config](), fields) && !strings.Contains(line, "the receiver's file") {
					t.Errorf("%s names %s, which is a key of the receiver's file, and no field of the resource", page.Path, match[2])
				}
			}
		}
	}
}

// isKey reports whether a type of the receiver's configuration has the path.
func isKey(of reflect.Type, path []string) bool {
	for _, name := range path {
		for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice {
			of = of.Elem()
		}

		if of.Kind() != reflect.Struct {
			return false
		}

		found := false

		for field := range of.Fields() {
			if tag, _, _ := strings.Cut(field.Tag.Get("yaml"), ","); tag == name {
				of = field.Type
				found = true

				break
			}
		}

		if !found {
			return false
		}
	}

	return true
}

// readSpec returns the schema of the resource's spec.
func readSpec() (*apiextensionsv1.JSONSchemaProps, error) {
	text, err := os.ReadFile(filepath.Join(Root(), crdFile))
	if err != nil {
		return nil, err
	}

	var crd apiextensionsv1.CustomResourceDefinition
	if err := yaml.UnmarshalStrict(text, &crd); err != nil {
		return nil, err
	}

	for _, version := range crd.Spec.Versions {
		if version.Storage {
			spec := version.Schema.OpenAPIV3Schema.Properties["spec"]

			return &spec, nil
		}
	}

	return nil, errors.New(crdFile + " has no version that is stored")
}

// hasField reports whether the schema has the path, also in the objects of a list.
func hasField(schema *apiextensionsv1.JSONSchemaProps, path []string) bool {
	for _, name := range path {
		if schema.Items != nil {
			schema = schema.Items.Schema
		}

		next, found := schema.Properties[name]
		if !found {
			return false
		}

		schema = &next
	}

	return true
}

func TestHasField(t *testing.T) {
	spec, err := readSpec()
	if err != nil {
		t.Fatal(err)
	}

	for path, want := range map[string]bool{
		"processing.debounceSeconds":           true,
		"processing.debounce":                  false,
		"cloudAPI.appSecretSecretRefs.name":    true,
		"store.embedded.backup.s3.endpoint":    true,
		"store.embedded.backup.s3.endpoint.no": false,
	} {
		if hasField(spec, strings.Split(path, ".")) != want {
			t.Errorf("%s: want %t", path, want)
		}
	}
}

func TestIsKey(t *testing.T) {
	for path, want := range map[string]bool{
		"webhook.publicURL":            true,
		"webhook.mutualTLS.commonName": true,
		"media.url":                    false,
		"webhook.path.more":            false,
	} {
		if isKey(reflect.TypeFor[config.Config](), strings.Split(path, ".")) != want {
			t.Errorf("%s: want %t", path, want)
		}
	}
}
