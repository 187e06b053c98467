// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command helmdrift detects and corrects the drift of a Helm release as helm-controller does, with the same library: it
// reads the manifest of the release from standard input, and prints a line for each object that differs in the cluster.
//
//	helm get manifest NAME | helmdrift [-correct] HELMRELEASE.yaml
//
// helm-controller itself is not published as a Go module that can be built; its API and the library are.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/ssa/jsondiff"
	"github.com/fluxcd/pkg/ssa/normalize"
	"github.com/fluxcd/pkg/ssa/utils"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/config"
	"sigs.k8s.io/yaml"
)

// fieldOwner is the field manager of helm-controller.
const fieldOwner = "helm-controller"

func main() {
	correct := flag.Bool("correct", false, "correct the drift")
	flag.Parse()

	if err := run(context.Background(), flag.Arg(0), *correct); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, file string, correct bool) error {
	release, err := read(file)
	if err != nil {
		return err
	}

	configuration, err := config.GetConfig()
	if err != nil {
		return fmt.Errorf("read the kubeconfig: %w", err)
	}

	cluster, err := client.New(configuration, client.Options{})
	if err != nil {
		return fmt.Errorf("create a client: %w", err)
	}

	objects, err := manifest(cluster, release, os.Stdin)
	if err != nil {
		return err
	}

	drift, err := detect(ctx, cluster, release, objects)
	if err != nil {
		return fmt.Errorf("detect drift: %w", err)
	}

	for _, diff := range drift {
		if diff.Type != jsondiff.DiffTypeCreate && diff.Type != jsondiff.DiffTypeUpdate {
			continue
		}

		fmt.Println(diff.Type, diff.GroupVersionKind().Kind, diff.GetName(), diff.Patch)

		if correct {
			if err := apply(ctx, cluster, diff); err != nil {
				return fmt.Errorf("correct %s %s: %w", diff.GroupVersionKind().Kind, diff.GetName(), err)
			}
		}
	}

	return nil
}

// read returns the HelmRelease of a file, which may contain other objects. Fields that the API does not have are errors.
func read(file string) (*helmv2.HelmRelease, error) {
	text, err := os.ReadFile(file) //nolint:gosec // an argument
	if err != nil {
		return nil, err
	}

	for document := range strings.SplitSeq(string(text), "\n---\n") {
		release := &helmv2.HelmRelease{}
		if err := yaml.Unmarshal([]byte(document), &release.TypeMeta); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}

		if release.Kind != helmv2.HelmReleaseKind {
			continue
		}

		if err := yaml.UnmarshalStrict([]byte(document), release); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}

		return release, nil
	}

	return nil, fmt.Errorf("%s has no HelmRelease", file)
}

// manifest returns the objects of the release with what Helm adds to them.
func manifest(cluster client.Client, release *helmv2.HelmRelease, text io.Reader) ([]*unstructured.Unstructured, error) {
	objects, err := utils.ReadObjects(text)
	if err != nil {
		return nil, fmt.Errorf("read the manifest: %w", err)
	}

	if err := normalize.UnstructuredListWithScheme(objects, cluster.Scheme()); err != nil {
		return nil, fmt.Errorf("normalize the manifest: %w", err)
	}

	utils.SetCommonMetadata(objects, map[string]string{"app.kubernetes.io/managed-by": "Helm"}, map[string]string{
		"meta.helm.sh/release-name":      release.GetReleaseName(),
		"meta.helm.sh/release-namespace": release.GetReleaseNamespace(),
	})

	for _, object := range objects {
		namespaced, err := cluster.IsObjectNamespaced(object)
		if err != nil {
			return nil, fmt.Errorf("look up the kind %s: %w", object.GetKind(), err)
		}

		if namespaced {
			object.SetNamespace(cmp.Or(object.GetNamespace(), release.GetReleaseNamespace()))
		}
	}

	return objects, nil
}

// detect compares the objects with the result of applying them, except for what the HelmRelease ignores.
func detect(
	ctx context.Context,
	cluster client.Client,
	release *helmv2.HelmRelease,
	objects []*unstructured.Unstructured,
) (jsondiff.DiffSet, error) {
	detection := release.GetDriftDetection()
	if !detection.MustDetectChanges() {
		return nil, errors.New("the HelmRelease does not enable drift detection")
	}

	var ignored jsondiff.IgnoreRules

	for _, rule := range detection.Ignore {
		ignore := jsondiff.IgnoreRule{Paths: rule.Paths}

		if target := rule.Target; target != nil {
			ignore.Selector = &jsondiff.Selector{
				Group:              target.Group,
				Version:            target.Version,
				Kind:               target.Kind,
				Name:               target.Name,
				Namespace:          target.Namespace,
				AnnotationSelector: target.AnnotationSelector,
				LabelSelector:      target.LabelSelector,
			}
		}

		ignored = append(ignored, ignore)
	}

	return jsondiff.UnstructuredList(ctx, client.NewDryRunClient(cluster), objects,
		jsondiff.FieldOwner(fieldOwner),
		jsondiff.ExclusionSelector{helmv2.DriftDetectionMetadataKey: helmv2.DriftDetectionDisabledValue},
		jsondiff.Rationalize(true),
		jsondiff.Graceful(true),
		ignored,
	)
}

// apply creates the object, or changes what differs.
func apply(ctx context.Context, cluster client.Client, diff *jsondiff.Diff) error {
	if diff.Type == jsondiff.DiffTypeCreate {
		return cluster.Create(ctx, diff.DesiredObject, client.FieldOwner(fieldOwner))
	}

	patch, err := json.Marshal(diff.Patch)
	if err != nil {
		return err
	}

	return cluster.Patch(ctx, diff.DesiredObject, client.RawPatch(types.JSONPatchType, patch), client.FieldOwner(fieldOwner))
}
