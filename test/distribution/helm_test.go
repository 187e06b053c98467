// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/apiserver"
)

const crdName = "whatsappwebhooks.whatsapp.wawebhook.dev"

// TestRelease installs, upgrades and uninstalls a release, while another manager changes its objects.
func TestRelease(t *testing.T) {
	for name, helm := range map[string]program{"helm-3": helm3, "helm-4": helm4} {
		t.Run(name, func(t *testing.T) {
			namespaced := "--namespace=" + name

			t.Cleanup(func() { removeCRD(t) })
			helm.run(t, "install", release, chart, namespaced, "--create-namespace")
			objects := parse(t, helm.run(t, "get", "manifest", release, namespaced))
			installed := versions(t, objects)

			webhook := sample(t, name)

			// The API server serves the kind with a delay.
			apiserver.Eventually(t, func() error { return testCluster.Create(t.Context(), webhook) })

			helm.run(t, "upgrade", release, chart, namespaced)

			if diff := cmp.Diff(installed, versions(t, objects)); diff != "" {
				t.Errorf("an upgrade that changes nothing wrote objects (-installed +upgraded):\n%s", diff)
			}

			note := deployment(name)
			note.SetAnnotations(map[string]string{"example.com/note": "mine"})
			apply(t, note, "other-manager")
			helm.run(t, "upgrade", release, chart, namespaced, "--set=logLevel=debug")

			upgraded := get(t, "apps/v1", "Deployment", name, release+"-manager")
			if upgraded.GetAnnotations()["example.com/note"] != "mine" {
				t.Error("an upgrade removed another manager's annotation")
			}

			if args := arguments(t, upgraded); !strings.Contains(args, "--log-level=debug") {
				t.Errorf("after an upgrade the args are %s", args)
			}

			// An upgrade with fewer rights removes the old ones.
			helm.run(t, "upgrade", release, chart, namespaced, "--set=namespaces={"+name+"}")
			get(t, "rbac.authorization.k8s.io/v1", "Role", name, release+"-manager-role")

			if o := find(t, "rbac.authorization.k8s.io/v1", "ClusterRole", "", release+"-manager-role"); o != nil {
				t.Error("the release still has its ClusterRole")
			}

			objects = append(objects, parse(t, helm.run(t, "get", "manifest", release, namespaced))...)

			helm.run(t, "uninstall", release, namespaced)

			for _, o := range objects {
				remaining := find(t, o.GetAPIVersion(), o.GetKind(), o.GetNamespace(), o.GetName())
				if kept := o.GetName() == crdName; kept != (remaining != nil) {
					t.Errorf("after uninstalling, %s exists: %v; want %v", key(o), remaining != nil, kept)
				}
			}

			get(t, webhook.GetAPIVersion(), webhook.GetKind(), name, webhook.GetName())

			helm.run(t, "install", release, chart, namespaced, "--set=crd.keep=false")
			get(t, webhook.GetAPIVersion(), webhook.GetKind(), name, webhook.GetName())
			helm.run(t, "uninstall", release, namespaced)
			apiserver.Eventually(t, func() error {
				if find(t, "apiextensions.k8s.io/v1", "CustomResourceDefinition", "", crdName) != nil {
					return fmt.Errorf("%s exists although crd.keep is false", crdName)
				}

				return nil
			})
		})
	}
}

// TestUpgradeWithFieldConflict checks that Helm takes a field over from another manager only if forced to.
func TestUpgradeWithFieldConflict(t *testing.T) {
	t.Cleanup(func() { removeCRD(t) })

	const namespaced = "--namespace=taken"
	helm4.run(t, "install", release, chart, namespaced, "--create-namespace")
	t.Cleanup(func() { helm4.run(t, "uninstall", release, namespaced) })

	taken := deployment("taken")
	if err := unstructured.SetNestedField(taken.Object, int64(3), "spec", "replicas"); err != nil {
		t.Fatal(err)
	}

	apply(t, taken, "other-manager", client.ForceOwnership)

	_, err := helm4.try(t, "upgrade", release, chart, namespaced, "--set=replicas=2")
	if err == nil || !strings.Contains(err.Error(), `conflict with "other-manager"`) {
		t.Errorf("the error is %v, want a conflict", err)
	}

	helm4.run(t, "upgrade", release, chart, namespaced, "--set=replicas=2", "--force-conflicts")

	live := get(t, "apps/v1", "Deployment", "taken", release+"-manager")
	if replicas, _, err := unstructured.NestedInt64(live.Object, "spec", "replicas"); err != nil || replicas != 2 {
		t.Errorf("the replicas are %d: %v", replicas, err)
	}
}

func TestHelm4UpgradesReleaseOfHelm3(t *testing.T) {
	t.Cleanup(func() { removeCRD(t) })

	const namespaced = "--namespace=helm-3-to-4"
	helm3.run(t, "install", release, chart, namespaced, "--create-namespace")
	helm4.run(t, "upgrade", release, chart, namespaced, "--set=logLevel=debug")

	live := get(t, "apps/v1", "Deployment", "helm-3-to-4", release+"-manager")
	if args := arguments(t, live); !strings.Contains(args, "--log-level=debug") {
		t.Errorf("the args are %s", args)
	}

	helm4.run(t, "uninstall", release, namespaced)
}

// TestHelmTakesOwnership installs over the objects of kubectl. The Deployment must be deleted first, since its selector
// differs.
func TestHelmTakesOwnership(t *testing.T) {
	t.Cleanup(func() { removeCRD(t) })

	for _, o := range build(t, "config/default") {
		if o.GetKind() != "Deployment" {
			apply(t, o, "kubectl")
		}
	}

	const namespaced = "--namespace=whatsapp-webhook-system"
	helm4.run(t, "install", release, chart, namespaced, "--take-ownership", "--force-conflicts")
	helm4.run(t, "uninstall", release, namespaced)

	// A release of another name takes over the CustomResourceDefinition that stays.
	helm4.run(t, "install", "another", chart, namespaced, "--take-ownership")

	crd := get(t, "apiextensions.k8s.io/v1", "CustomResourceDefinition", "", crdName)
	if got := crd.GetLabels()["app.kubernetes.io/instance"]; got != "another" {
		t.Errorf("the CustomResourceDefinition belongs to the release %q", got)
	}

	helm4.run(t, "uninstall", "another", namespaced)
}

// TestServerSideApply applies config/default twice, as kubectl apply --server-side does. The second time changes nothing.
func TestServerSideApply(t *testing.T) {
	objects := build(t, "config/default")
	t.Cleanup(func() { removeCRD(t) })
	t.Cleanup(func() {
		for _, o := range objects {
			// Without a namespace controller, a namespace stays terminating.
			if o.GetKind() == "Namespace" {
				continue
			}

			if err := client.IgnoreNotFound(testCluster.Delete(context.WithoutCancel(t.Context()), o)); err != nil {
				t.Errorf("delete %s: %v", key(o), err)
			}
		}
	})

	for _, o := range objects {
		apply(t, o.DeepCopy(), "kubectl")
	}

	applied := versions(t, objects)
	for _, o := range objects {
		apply(t, o.DeepCopy(), "kubectl")
	}

	if diff := cmp.Diff(applied, versions(t, objects)); diff != "" {
		t.Errorf("applying twice wrote objects (-first +second):\n%s", diff)
	}
}

// removeCRD deletes the CustomResourceDefinition, for the next test.
func removeCRD(t *testing.T) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	crd := &object{}
	crd.SetAPIVersion("apiextensions.k8s.io/v1")
	crd.SetKind("CustomResourceDefinition")
	crd.SetName(crdName)

	err := wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, apiserver.Timeout, true, func(ctx context.Context) (bool, error) {
		err := testCluster.Delete(ctx, crd)
		return apierrors.IsNotFound(err), client.IgnoreNotFound(err)
	})
	if err != nil {
		t.Errorf("delete the CustomResourceDefinition: %v", err)
	}
}

// sample returns the smallest sample, in the namespace.
func sample(t *testing.T, namespace string) *object {
	t.Helper()

	text, err := os.ReadFile(root + "/config/samples/whatsappwebhook.yaml")
	if err != nil {
		t.Fatal(err)
	}

	webhook := parse(t, string(text))[0]
	webhook.SetNamespace(namespace)

	return webhook
}

// deployment returns the manager's Deployment without fields, as the base of an apply.
func deployment(namespace string) *object {
	o := &object{}
	o.SetAPIVersion("apps/v1")
	o.SetKind("Deployment")
	o.SetNamespace(namespace)
	o.SetName(release + "-manager")

	return o
}

// apply applies the object by server-side apply.
func apply(t *testing.T, o *object, owner string, options ...client.ApplyOption) {
	t.Helper()

	options = append(options, client.FieldOwner(owner))
	if err := testCluster.Apply(t.Context(), client.ApplyConfigurationFromUnstructured(o), options...); err != nil {
		t.Fatalf("apply %s: %v", key(o), err)
	}
}

// versions returns the resource versions of the objects, which show writes. For the CRD it returns the generation, since the
// API server writes its status.
func versions(t *testing.T, objects []*object) map[string]string {
	t.Helper()

	versions := make(map[string]string, len(objects))
	for _, o := range objects {
		live := get(t, o.GetAPIVersion(), o.GetKind(), o.GetNamespace(), o.GetName())

		versions[key(o)] = live.GetResourceVersion()
		if o.GetName() == crdName {
			versions[key(o)] = fmt.Sprint(live.GetGeneration())
		}
	}

	return versions
}

// get returns the object, and ends the test if it does not exist.
func get(t *testing.T, apiVersion, kind, namespace, name string) *object {
	t.Helper()

	o := find(t, apiVersion, kind, namespace, name)
	if o == nil {
		t.Fatalf("there is no %s %s/%s", kind, namespace, name)
	}

	return o
}

// find returns the object, or nil if it does not exist.
func find(t *testing.T, apiVersion, kind, namespace, name string) *object {
	t.Helper()

	o := &object{}
	o.SetGroupVersionKind(schema.FromAPIVersionAndKind(apiVersion, kind))

	err := testCluster.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: name}, o)
	if apierrors.IsNotFound(err) {
		return nil
	}

	if err != nil {
		t.Fatalf("get %s %s/%s: %v", kind, namespace, name, err)
	}

	return o
}
