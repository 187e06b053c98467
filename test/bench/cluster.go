// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers"
)

type crd = apiextensionsv1.CustomResourceDefinition

// cluster is a real API server without other clients that write to it.
type cluster struct {
	client.WithWatch
	config      *rest.Config
	clientset   *kubernetes.Clientset
	environment *envtest.Environment
	dir         string
}

func startCluster(ctx context.Context) (_ *cluster, err error) {
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		return nil, errors.New(
			"set KUBEBUILDER_ASSETS to a folder with kube-apiserver and etcd, as 'make bench' does: " +
				"the operator is measured with a real API server",
		)
	}

	scheme, err := controllers.NewScheme()
	if err != nil {
		return nil, err
	}

	w := &cluster{environment: &envtest.Environment{
		Scheme:                scheme,
		CRDDirectoryPaths:     []string{"config/crd/bases"},
		ErrorIfCRDPathMissing: true,
	}}
	// The range has two addresses per resource, also for the plain client.
	w.environment.ControlPlane.GetAPIServer().Configure().Set("service-cluster-ip-range", "10.0.0.0/16")
	defer func() {
		if err != nil {
			err = errors.Join(err, w.stop())
		}
	}()

	if w.dir, err = os.MkdirTemp("", "whatsapp-webhook-bench-"); err != nil {
		return nil, fmt.Errorf("create a folder for the manager: %w", err)
	}

	if w.config, err = w.environment.Start(); err != nil {
		return nil, fmt.Errorf("start kube-apiserver and etcd: %w", err)
	}

	w.config.QPS = -1 // no limit in the client: the server is measured
	if w.WithWatch, err = client.NewWithWatch(w.config, client.Options{Scheme: scheme}); err != nil {
		return nil, err
	}

	if w.clientset, err = kubernetes.NewForConfig(w.config); err != nil {
		return nil, err
	}

	if err := os.WriteFile(filepath.Join(w.dir, "kubeconfig"), w.environment.KubeConfig, 0o600); err != nil {
		return nil, fmt.Errorf("write the kubeconfig: %w", err)
	}

	//nolint:gosec // the arguments are constants but for a temporary folder
	build := exec.CommandContext(ctx, "go", "build", "-o", filepath.Join(w.dir, "manager"), "./cmd/manager")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build the manager: %w\n%s", err, out)
	}

	return w, nil
}

func (c *cluster) stop() error { return errors.Join(c.environment.Stop(), os.RemoveAll(c.dir)) }

// children returns lists of the kinds of the sample's children.
func children() []client.ObjectList {
	return []client.ObjectList{
		&corev1.ServiceAccountList{}, &corev1.ConfigMapList{}, &corev1.PersistentVolumeClaimList{}, &appsv1.DeploymentList{},
		&corev1.ServiceList{}, &networkingv1.IngressList{},
	}
}

func (c *cluster) deleteAll(ctx context.Context, namespace string) error {
	for _, object := range []client.Object{
		&v1alpha1.WhatsAppWebhook{}, &corev1.ServiceAccount{}, &corev1.ConfigMap{}, &corev1.PersistentVolumeClaim{}, &appsv1.Deployment{},
		&networkingv1.Ingress{},
	} {
		if err := c.DeleteAllOf(ctx, object, client.InNamespace(namespace)); err != nil {
			return fmt.Errorf("delete what the plain client wrote: %w", err)
		}
	}

	return nil
}

// steady returns a function that waits until every resource has a status of its generation, and returns the time of the
// last. It must be called before the manager starts. It watches, since repeated lists would slow down the server.
func (c *cluster) steady(ctx context.Context, namespace string, count int) func() (time.Time, error) {
	type outcome struct {
		last time.Time
		err  error
	}

	done := make(chan outcome, 1)
	ctx, cancel := context.WithTimeout(ctx, 30*time.Minute)

	seen, err := c.Watch(ctx, &v1alpha1.WhatsAppWebhookList{}, client.InNamespace(namespace))
	if err != nil {
		cancel()
		return func() (time.Time, error) { return time.Time{}, fmt.Errorf("watch resources: %w", err) }
	}

	go func() {
		defer cancel()
		defer seen.Stop()

		steady := map[string]bool{}

		o := outcome{}
		for event := range seen.ResultChan() {
			webhook, ok := event.Object.(*v1alpha1.WhatsAppWebhook)
			if !ok || webhook.Status.ObservedGeneration != webhook.Generation {
				continue
			}

			steady[webhook.Name] = true
			if len(steady) == count {
				o.last = time.Now()
				done <- o

				return
			}
		}

		o.err = fmt.Errorf("%d of %d resources are steady: %w", len(steady), count, ctx.Err())
		done <- o
	}()

	return func() (time.Time, error) {
		o := <-done
		return o.last, o.err
	}
}

// versions returns the resource versions of the resources and their children.
func (c *cluster) versions(ctx context.Context, namespace string) (map[string]string, error) {
	versions := map[string]string{}
	for _, list := range append(children(), &v1alpha1.WhatsAppWebhookList{}) {
		if err := c.List(ctx, list, client.InNamespace(namespace)); err != nil {
			return nil, err
		}

		err := meta.EachListItem(list, func(item runtime.Object) error {
			object, err := meta.Accessor(item)
			if err == nil {
				versions[fmt.Sprintf("%T %s", item, object.GetName())] = object.GetResourceVersion()
			}

			return err
		})
		if err != nil {
			return nil, err
		}
	}

	return versions, nil
}

func (c *cluster) changedSince(ctx context.Context, namespace string, before map[string]string) (int, error) {
	after, err := c.versions(ctx, namespace)

	changed := 0
	for name, version := range after {
		if before[name] != version {
			changed++
		}
	}

	return changed, err
}

// extensionCRD returns an optional API that no resource of the benchmark uses.
func extensionCRD() *crd {
	return &crd{
		ObjectMeta: metav1.ObjectMeta{Name: "scaledobjects.keda.sh"},
		Spec: apiextensionsv1.CustomResourceDefinitionSpec{
			Group: "keda.sh",
			Scope: apiextensionsv1.NamespaceScoped,
			Names: apiextensionsv1.CustomResourceDefinitionNames{
				Plural:   "scaledobjects",
				Singular: "scaledobject",
				Kind:     "ScaledObject",
				ListKind: "ScaledObjectList",
			},
			Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{
				Name:    "v1alpha1",
				Served:  true,
				Storage: true,
				Schema: &apiextensionsv1.CustomResourceValidation{
					OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{
						Type:                   "object",
						XPreserveUnknownFields: new(true),
					},
				},
			}},
		},
	}
}
