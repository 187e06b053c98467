// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/apiserver"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/flux"
)

// The Kustomizations of config/flux.
var (
	operatorKustomization = client.ObjectKey{Namespace: "flux-system", Name: release}
	webhooksKustomization = client.ObjectKey{Namespace: "flux-system", Name: "whatsapp-webhooks"}
)

// fluxCluster is a cluster that Flux keeps as two repositories define it: this one, and one with a WhatsAppWebhook.
type fluxCluster struct {
	*flux.Flux

	operator, webhooks *object // the GitRepositories
}

// TestFlux runs the examples in config/flux with Flux's own kustomize-controller, the operator and kube-controller-manager.
// The steps run in order, each on the state that the one before left.
func TestFlux(t *testing.T) {
	testCluster.StartControllerManager(t)
	testCluster.StartNode(t)

	for _, namespace := range []string{"flux-system", "messaging"} {
		testCluster.MustCreate(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}})
	}

	// The claim asks for a class; volumes of this one cannot grow.
	testCluster.MustCreate(t, &storagev1.StorageClass{
		ObjectMeta:  metav1.ObjectMeta{Name: "fixed"},
		Provisioner: "example.com/none",
	})

	c := &fluxCluster{Flux: flux.Start(t, testCluster, testCluster.Admin, testCluster.kubeconfig)}

	for _, step := range []struct {
		name string
		run  func(t *testing.T)
	}{
		{"resources wait for the operator", c.waitForOperator},
		{"the operator is installed", c.installOperator},
		{"a resource becomes ready", func(step *testing.T) {
			startManager(t, client.ObjectKey{Namespace: "whatsapp-webhook-system", Name: release + "-manager"})
			c.applyWebhook(step)
		}},
		{"nothing is written at rest", c.rest},
		{"drift is corrected", c.correctDrift},
		{"what others own stays", c.keepForeignFields},
		{"changes are reverted", c.revertChanges},
		{"changes of the volume are reverted", c.revertVolumeChanges},
		{"others scale", c.scaleByOthers},
		{"pruning deletes a resource with its objects", c.pruneWebhook},
		{"pruning the operator keeps the kind", c.pruneOperator},
	} {
		if !t.Run(step.name, step.run) {
			t.FailNow()
		}
	}
}

// create creates the objects of a file in config/flux, with intervals for a test, and returns its GitRepository.
func (c *fluxCluster) create(t *testing.T, file string) *object {
	t.Helper()

	var source *object

	for _, o := range examples(t, "flux/"+file) {
		switch o.GetKind() {
		case "GitRepository":
			source = o
		case "Kustomization":
			for field, duration := range map[string]string{"retryInterval": "1s", "timeout": "10s"} {
				if err := unstructured.SetNestedField(o.Object, duration, "spec", field); err != nil {
					t.Fatal(err)
				}
			}
		}

		testCluster.MustCreate(t, o)
	}

	return source
}

// await waits until the Kustomization has applied or failed to apply the revision, and says so in a message with the text.
func (c *fluxCluster) await(t *testing.T, key client.ObjectKey, revision string, want metav1.ConditionStatus, text string) {
	t.Helper()
	apiserver.Eventually(t, func() error {
		live := c.Kustomization(t, key)
		attempted, _, _ := unstructured.NestedString(live.Object, "status", "lastAttemptedRevision")

		ready := flux.Condition(live, "Ready")
		if attempted != revision || ready.Status != want || !strings.Contains(ready.Message, text) {
			return fmt.Errorf("%s has attempted %s, want %s; Ready is %s: %s", key.Name, attempted, revision, ready.Status, ready.Message)
		}

		return nil
	})
}

// push makes the objects the content of the repository of WhatsAppWebhooks, and returns the revision.
func (c *fluxCluster) push(t *testing.T, objects ...*object) string {
	t.Helper()

	files := fstest.MapFS{"whatsapp/kustomization.yaml": {Data: []byte("resources: []\n")}}

	if len(objects) > 0 {
		delete(files, "whatsapp/kustomization.yaml") // Flux generates it
	}

	for _, o := range objects {
		text, err := yaml.Marshal(o.Object)
		if err != nil {
			t.Fatal(err)
		}

		files["whatsapp/"+strings.ToLower(o.GetKind())+"-"+o.GetName()+".yaml"] = &fstest.MapFile{Data: text}
	}

	return c.Push(t, c.webhooks, files)
}

func (c *fluxCluster) waitForOperator(t *testing.T) {
	c.webhooks = c.create(t, "webhooks.yaml")
	c.push(t, fluxSample(t))

	apiserver.Eventually(t, func() error {
		ready := flux.Condition(c.Kustomization(t, webhooksKustomization), "Ready")
		if ready.Reason != "DependencyNotReady" {
			return fmt.Errorf("Ready has the reason %q: %s", ready.Reason, ready.Message)
		}

		return nil
	})
}

func (c *fluxCluster) installOperator(t *testing.T) {
	c.operator = c.create(t, "operator-kustomize.yaml")
	revision := c.Push(t, c.operator, configuration(t))
	c.await(t, operatorKustomization, revision, metav1.ConditionTrue, "Applied revision")
}

// configuration returns the folder config of this repository.
func configuration(t *testing.T) fs.FS {
	t.Helper()

	files := fstest.MapFS{}

	err := filepath.WalkDir(filepath.Join(root, "config"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}

		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}

		name, err := filepath.Rel(root, path)
		files[name] = &fstest.MapFile{Data: content}

		return err
	})
	if err != nil {
		t.Fatal(err)
	}

	return files
}

func (c *fluxCluster) applyWebhook(t *testing.T) {
	revision := c.push(t, fluxSample(t))
	c.await(t, webhooksKustomization, revision, metav1.ConditionTrue, "Applied revision")

	if ready := flux.Condition(c.webhook(t), "Ready"); ready.Status != metav1.ConditionTrue {
		t.Errorf("Flux is ready, the resource is not: %s", ready.Message)
	}

	// An object with Flux's labels belongs to the inventory and is pruned.
	for name, o := range c.children(t) {
		for label := range o.GetLabels() {
			if strings.HasSuffix(label, "fluxcd.io/name") {
				t.Errorf("%s has the label %s", name, label)
			}
		}
	}
}

// fluxSample returns the smallest sample, with a volume of the class that the test creates.
func fluxSample(t *testing.T) *object {
	t.Helper()

	webhook := sample(t, "")
	if err := unstructured.SetNestedField(webhook.Object, "fixed", "spec", "store", "embedded", "storageClassName"); err != nil {
		t.Fatal(err)
	}

	return webhook
}

// webhook returns the WhatsAppWebhook as it is in the cluster.
func (c *fluxCluster) webhook(t *testing.T) *object {
	t.Helper()
	return get(t, "whatsapp.wawebhook.dev/v1alpha1", "WhatsAppWebhook", "messaging", "sales")
}

// children returns the objects that the operator has created for the WhatsAppWebhook.
func (c *fluxCluster) children(t *testing.T) map[string]*object {
	t.Helper()

	children := map[string]*object{}

	for _, kind := range []string{
		"apps/v1 Deployment", "v1 Service", "v1 ConfigMap", "v1 ServiceAccount", "v1 PersistentVolumeClaim",
		"networking.k8s.io/v1 Ingress",
	} {
		version, kind, _ := strings.Cut(kind, " ")

		list := &unstructured.UnstructuredList{}
		list.SetAPIVersion(version)
		list.SetKind(kind)

		if err := testCluster.List(t.Context(), list, client.InNamespace("messaging"),
			client.MatchingLabels{"app.kubernetes.io/managed-by": release}); err != nil {
			t.Fatal(err)
		}

		for _, o := range list.Items {
			children[key(&o)] = &o
		}
	}

	return children
}

func (c *fluxCluster) rest(t *testing.T) { c.isAtRest(t, 3) }

// isAtRest checks that neither Flux nor the operator writes an object in several intervals of Flux, when nothing has changed.
func (c *fluxCluster) isAtRest(t *testing.T, intervals int) {
	t.Helper()

	objects := append(slices.Collect(maps.Values(c.children(t))), c.webhook(t))
	for _, o := range build(t, "config/default") {
		if o.GetKind() != "Deployment" {
			objects = append(objects, o)
		}
	}

	before := versions(t, objects)

	for range intervals {
		c.Reconcile(t, operatorKustomization)
		c.Reconcile(t, webhooksKustomization)
	}

	if diff := cmp.Diff(before, versions(t, objects)); diff != "" {
		t.Errorf("objects were written at rest (-before +after):\n%s", diff)
	}
}

// correctDrift edits and deletes objects by hand. The operator repairs its children at once, and Flux what is in Git at its
// next interval.
func (c *fluxCluster) correctDrift(t *testing.T) {
	manager := client.ObjectKey{Namespace: "whatsapp-webhook-system", Name: release + "-manager"}

	for _, test := range []struct {
		name  string
		drift func(t *testing.T)
		git   client.ObjectKey // the Kustomization that corrects it; none if the operator does
		check func(t *testing.T) error
	}{
		{
			name: "image of the receivers",
			drift: func(t *testing.T) {
				edit(t, "apps/v1", "Deployment", "messaging", "sales", imagePath, "example.com/other")
			},
			check: func(t *testing.T) error { return imageIsNot(t, "messaging", "sales", "example.com/other") },
		},
		{
			name:  "deleted Service",
			drift: func(t *testing.T) { remove(t, "v1", "Service", "messaging", "sales") },
			check: func(t *testing.T) error { return exists(t, "v1", "Service", "messaging", "sales") },
		},
		{
			name: "field of the resource",
			drift: func(t *testing.T) {
				edit(t, "whatsapp.wawebhook.dev/v1alpha1", "WhatsAppWebhook", "messaging", "sales", "/spec/bird/baseURL", "https://other.example.com")
			},
			git: webhooksKustomization,
			check: func(t *testing.T) error {
				url, _, err := unstructured.NestedString(c.webhook(t).Object, "spec", "bird", "baseURL")
				if err != nil || url != "https://bridge.example.com" {
					return fmt.Errorf("bird.baseURL is %s: %w", url, err)
				}

				return nil
			},
		},
		{
			name: "image of the operator",
			drift: func(t *testing.T) {
				edit(t, "apps/v1", "Deployment", manager.Namespace, manager.Name, imagePath, "example.com/other")
			},
			git:   operatorKustomization,
			check: func(t *testing.T) error { return imageIsNot(t, manager.Namespace, manager.Name, "example.com/other") },
		},
		{
			name: "deleted resource",
			drift: func(t *testing.T) {
				remove(t, "whatsapp.wawebhook.dev/v1alpha1", "WhatsAppWebhook", "messaging", "sales")
			},
			git: webhooksKustomization,
			check: func(t *testing.T) error {
				if ready := flux.Condition(c.webhook(t), "Ready"); ready.Status != metav1.ConditionTrue {
					return fmt.Errorf("the resource is not ready: %s", ready.Message)
				}

				return nil
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.drift(t)

			if test.git.Name != "" {
				c.Reconcile(t, test.git)
			}

			apiserver.Eventually(t, func() error { return test.check(t) })
			c.Reconcile(t, webhooksKustomization)
			c.isAtRest(t, 1)
		})
	}
}

const imagePath = "/spec/template/spec/containers/0/image"

// edit replaces a field as 'kubectl edit' does.
func edit(t *testing.T, apiVersion, kind, namespace, name, path string, value any) {
	t.Helper()

	patch, err := yaml.Marshal([]any{map[string]any{
		"op":    "replace",
		"path":  path,
		"value": value,
	}})
	if err != nil {
		t.Fatal(err)
	}

	if patch, err = yaml.YAMLToJSON(patch); err != nil {
		t.Fatal(err)
	}

	o := get(t, apiVersion, kind, namespace, name)
	if err := testCluster.Patch(t.Context(), o, client.RawPatch("application/json-patch+json", patch), client.FieldOwner("kubectl-edit")); err != nil {
		t.Fatalf("edit %s: %v", key(o), err)
	}
}

func remove(t *testing.T, apiVersion, kind, namespace, name string) {
	t.Helper()

	if err := testCluster.Delete(t.Context(), get(t, apiVersion, kind, namespace, name)); err != nil {
		t.Fatal(err)
	}
}

func exists(t *testing.T, apiVersion, kind, namespace, name string) error {
	t.Helper()

	if find(t, apiVersion, kind, namespace, name) == nil {
		return fmt.Errorf("there is no %s %s", kind, name)
	}

	return nil
}

func imageIsNot(t *testing.T, namespace, name, unwanted string) error {
	t.Helper()

	if container(t, get(t, "apps/v1", "Deployment", namespace, name))["image"] == unwanted {
		return fmt.Errorf("the image of %s is %s", name, unwanted)
	}

	return nil
}

// keepForeignFields checks that Flux and the operator leave what clouds, meshes and autoscalers write.
func (c *fluxCluster) keepForeignFields(t *testing.T) {
	note := func(apiVersion, kind string) *object {
		o := &object{}
		o.SetAPIVersion(apiVersion)
		o.SetKind(kind)
		o.SetNamespace("messaging")
		o.SetName("sales")
		o.SetAnnotations(map[string]string{"example.com/note": "mine"})

		return o
	}

	noted := []*object{note("whatsapp.wawebhook.dev/v1alpha1", "WhatsAppWebhook"), note("v1", "Service"), note("apps/v1", "Deployment")}
	for _, o := range noted {
		apply(t, o.DeepCopy(), "cloud-controller")
	}

	c.isAtRest(t, 1)

	for _, o := range noted {
		if get(t, o.GetAPIVersion(), o.GetKind(), "messaging", "sales").GetAnnotations()["example.com/note"] != "mine" {
			t.Errorf("the annotation of %s was removed", key(o))
		}
	}
}

// pruneWebhook removes the resource from Git. kube-controller-manager collects what it owns.
func (c *fluxCluster) pruneWebhook(t *testing.T) {
	revision := c.push(t)
	c.await(t, webhooksKustomization, revision, metav1.ConditionTrue, "Applied revision")

	if o := find(t, "whatsapp.wawebhook.dev/v1alpha1", "WhatsAppWebhook", "messaging", "sales"); o != nil {
		t.Error("the resource exists although it is not in Git")
	}

	apiserver.Eventually(t, func() error {
		if children := c.children(t); len(children) > 0 {
			return fmt.Errorf("%v still exist", slices.Sorted(maps.Keys(children)))
		}

		return nil
	})
}

// pruneOperator removes the operator from Git. The CustomResourceDefinition and the namespace stay, and with them every
// WhatsAppWebhook.
func (c *fluxCluster) pruneOperator(t *testing.T) {
	ctx := context.WithoutCancel(t.Context())

	kustomization := c.Kustomization(t, operatorKustomization)
	if err := testCluster.Delete(ctx, kustomization); err != nil {
		t.Fatal(err)
	}

	apiserver.Eventually(t, func() error {
		if find(t, "apps/v1", "Deployment", "whatsapp-webhook-system", release+"-manager") != nil {
			return errors.New("the operator still exists")
		}

		// Flux deletes the operator's objects before it lets its own go.
		err := testCluster.Get(ctx, operatorKustomization, kustomization)
		if err == nil {
			return errors.New("the Kustomization still exists")
		}

		return client.IgnoreNotFound(err)
	})

	namespace := get(t, "v1", "Namespace", "", "whatsapp-webhook-system")
	if namespace.GetDeletionTimestamp() != nil {
		t.Error("the operator's namespace is deleted")
	}

	get(t, "apiextensions.k8s.io/v1", "CustomResourceDefinition", "", crdName)
	removeCRD(t)

	// Other tests begin without it.
	if err := testCluster.Delete(ctx, namespace); err != nil {
		t.Error(err)
	}

	apiserver.Eventually(t, func() error {
		if find(t, "v1", "Namespace", "", namespace.GetName()) != nil {
			return errors.New("the operator's namespace still exists")
		}

		return nil
	})
}
