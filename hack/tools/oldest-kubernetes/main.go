// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command oldest-kubernetes checks that the API server of the oldest supported Kubernetes accepts a
// CustomResourceDefinition: it runs the validation of that release, whose version is in go.mod. Rules in CEL are the reason:
// their functions came with one release after the other. It also checks that the release has each field of other objects.
package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/install"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: oldest-kubernetes FILE...")
		os.Exit(2)
	}

	failed := false

	for _, file := range os.Args[1:] {
		if err := check(file); err != nil {
			fmt.Fprintf(os.Stderr, "%s, checked by %s: %v\n", file, release(), err)

			failed = true
		}
	}

	if failed {
		os.Exit(1)
	}
}

// check returns an error if the release would reject a CustomResourceDefinition in a YAML file, or lacks a field of another
// object.
func check(file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}

	documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(data)))

	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}

		if err != nil {
			return err
		}

		kind := metav1.TypeMeta{}
		if err := yaml.Unmarshal(document, &kind); err != nil {
			return err
		}

		if kind.Kind == "CustomResourceDefinition" {
			err = checkDefinition(document)
		} else {
			err = checkObject(document)
		}

		if err != nil {
			return err
		}
	}
}

// checkObject returns an error if the object has a field that the release does not have. It passes objects of other APIs.
func checkObject(data []byte) error {
	_, _, err := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer().Decode(data, nil, nil)
	if runtime.IsNotRegisteredError(err) {
		return nil
	}

	return err
}

// checkDefinition returns an error if the release would reject the CustomResourceDefinition.
func checkDefinition(data []byte) error {
	definitions := runtime.NewScheme()
	install.Install(definitions)

	object, _, err := serializer.NewCodecFactory(definitions, serializer.EnableStrict).UniversalDecoder(apiextensions.SchemeGroupVersion).Decode(data, nil, nil)
	if err != nil {
		return err
	}

	definition, ok := object.(*apiextensions.CustomResourceDefinition)
	if !ok {
		return fmt.Errorf("is a %T and not a CustomResourceDefinition", object)
	}

	return validation.ValidateCustomResourceDefinition(context.Background(), definition).ToAggregate()
}

// release returns the module whose validation runs, with its version.
func release() string {
	const module = "k8s.io/apiextensions-apiserver"

	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dependency := range info.Deps {
			if dependency.Path == module {
				return module + " " + dependency.Version
			}
		}
	}

	return module
}
