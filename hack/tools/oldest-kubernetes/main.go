// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command oldest-kubernetes checks that the API server of the oldest supported Kubernetes accepts a
// CustomResourceDefinition: it runs the validation of that release, whose version is in go.mod. Rules in CEL are the reason:
// their functions came with one release after the other.
package main

import (
	"context"
	"fmt"
	"os"
	"runtime/debug"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/install"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
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

// check returns an error if the release would reject the CustomResourceDefinition in a YAML file.
func check(file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}

	scheme := runtime.NewScheme()
	install.Install(scheme)

	object, _, err := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDecoder(apiextensions.SchemeGroupVersion).Decode(data, nil, nil)
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
