// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jonboulle/clockwork"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/apply"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/apiserver"
)

// TestFieldsThatExcludeOursAreRemoved replaces fields of the operator by others that the API server does not accept beside them.
func TestFieldsThatExcludeOursAreRemoved(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(testCluster.NewNamespace(t), "sales")
	webhook.Spec.Receiver.PodDisruptionBudget.MaxUnavailable = new(int32(0))
	webhook.Spec.Receiver.Env = []corev1.EnvVar{{Name: "REGION", Value: "eu"}}
	testCluster.MustCreate(t, webhook)
	waitUntilSettled(t, webhook)

	sidecar := corev1.Container{
		Name:  "sidecar",
		Image: "registry.example.com/sidecar",
		Ports: []corev1.ContainerPort{{Name: "metrics", ContainerPort: 9999, Protocol: corev1.ProtocolTCP}},
		Env:   []corev1.EnvVar{{Name: "NODE", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "spec.nodeName"}}}},
		Resources: corev1.ResourceRequirements{
			Limits: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("5m")},
		},
	}
	change(t, &appsv1.Deployment{ObjectMeta: named(webhook, "sales")}, func(d *appsv1.Deployment) {
		d.Spec.Template.Spec.Containers = append(d.Spec.Template.Spec.Containers, sidecar)
		receiverOf(d).WorkingDir = "/tmp"
	})

	change(t, &corev1.Service{ObjectMeta: named(webhook, "sales")}, func(s *corev1.Service) {
		s.Spec.Ports = append([]corev1.ServicePort{{Name: "debug", Port: 6060}}, s.Spec.Ports...)
	})

	for name, edit := range map[string]func(*appsv1.Deployment){
		"strategy": func(d *appsv1.Deployment) {
			d.Spec.Strategy = appsv1.DeploymentStrategy{Type: appsv1.RollingUpdateDeploymentStrategyType}
		},
		"handler of a probe": func(d *appsv1.Deployment) {
			receiverOf(d).LivenessProbe.ProbeHandler = corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(80)}}
		},
		"handler of the end": func(d *appsv1.Deployment) {
			receiverOf(d).Lifecycle.PreStop = &corev1.LifecycleHandler{Exec: &corev1.ExecAction{Command: []string{"sleep", "1"}}}
		},
		"source of a volume": func(d *appsv1.Deployment) {
			d.Spec.Template.Spec.Volumes[0].VolumeSource = corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}
		},
		"source of a variable": func(d *appsv1.Deployment) {
			env := receiverOf(d).Env
			i := slices.IndexFunc(env, func(v corev1.EnvVar) bool { return v.Name == "REGION" })
			env[i] = corev1.EnvVar{Name: "REGION", ValueFrom: sidecar.Env[0].ValueFrom}
		},
		"profile of seccomp": func(d *appsv1.Deployment) {
			d.Spec.Template.Spec.SecurityContext.SeccompProfile = &corev1.SeccompProfile{
				Type:             corev1.SeccompProfileTypeLocalhost,
				LocalhostProfile: new("profile.json"),
			}
		},
		"port of the receiver": func(d *appsv1.Deployment) { receiverOf(d).Ports[0].ContainerPort = 9998 },
		"limit below a request": func(d *appsv1.Deployment) {
			receiverOf(d).Resources.Requests[corev1.ResourceCPU] = resource.MustParse("1m")
			receiverOf(d).Resources.Limits[corev1.ResourceCPU] = resource.MustParse("1m")
		},
	} {
		t.Run(name, func(t *testing.T) {
			wantReverted(t, webhook, &appsv1.Deployment{ObjectMeta: named(webhook, "sales")}, edit)
		})
	}

	t.Run("strategy that another manager applies", func(t *testing.T) {
		wantReverted(t, webhook, &appsv1.Deployment{ObjectMeta: named(webhook, "sales")}, func(*appsv1.Deployment) {
			rolling := appsv1ac.Deployment("sales", webhook.Namespace).WithSpec(appsv1ac.DeploymentSpec().
				WithStrategy(appsv1ac.DeploymentStrategy().WithType(appsv1.RollingUpdateDeploymentStrategyType)))
			if err := testCluster.Apply(t.Context(), rolling, client.FieldOwner("kubectl"), client.ForceOwnership); err != nil {
				t.Fatal(err)
			}
		})
	})
	t.Run("disruptions", func(t *testing.T) {
		wantReverted(t, webhook, &policyv1.PodDisruptionBudget{ObjectMeta: named(webhook, "sales")}, func(p *policyv1.PodDisruptionBudget) {
			p.Spec.MaxUnavailable = nil
			p.Spec.MinAvailable = new(intstr.FromInt32(1))
		})
	})
	t.Run("port with the name of ours", func(t *testing.T) {
		wantReverted(t, webhook, &corev1.Service{ObjectMeta: named(webhook, "sales")}, func(s *corev1.Service) { s.Spec.Ports[1].Port = 8080 })
	})

	deployment := apiserver.MustGet(t, testCluster.Server, &appsv1.Deployment{ObjectMeta: named(webhook, "sales")})
	kept := deployment.Spec.Template.Spec.Containers[1]

	if err := errors.Join(
		want(receiverOf(deployment).WorkingDir, "/tmp"),
		want(kept.Name, "sidecar"),
		want(kept.Env[0].ValueFrom != nil, true),
		want(kept.Ports[0].Name, "metrics"),
		want(kept.Resources.Limits.Cpu().String(), "5m"),
	); err != nil {
		t.Errorf("fields of another manager: %v", err)
	}
}

// TestReclaimAfterACrash ends an operator between the two writes by which it removes a field of another manager. The next one
// completes it.
func TestReclaimAfterACrash(t *testing.T) {
	t.Parallel()

	webhook := newWebhook(testCluster.NewNamespace(t), "sales") // never stored, so the manager does not reconcile it
	webhook.UID = "b7a4f1a0-4f2c-4f57-9d1e-5f0f7b1a9a13"

	object := rendered(t, webhook, "Deployment", "sales")
	applyAfter := func(c client.Client) error {
		_, err := applyWith(t, apply.New(c, testCluster.Client, clockwork.NewRealClock(), typedKinds()...), webhook, object)

		return err
	}

	if err := applyAfter(testCluster.Client); err != nil {
		t.Fatal(err)
	}

	deployment := &appsv1.Deployment{ObjectMeta: named(webhook, "sales")}
	before := specOf(t, apiserver.MustGet(t, testCluster.Server, deployment))

	change(t, deployment, func(d *appsv1.Deployment) {
		receiverOf(d).LivenessProbe.ProbeHandler = corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(80)}}
	})

	if err := applyAfter(&crashing{Client: testCluster.Client}); !errors.Is(err, errCrash) {
		t.Fatalf("the operator did not reclaim a field: %v", err)
	}

	if err := applyAfter(testCluster.Client); err != nil {
		t.Fatal(err)
	}

	if err := want(specOf(t, apiserver.MustGet(t, testCluster.Server, deployment)), before); err != nil {
		t.Error(err)
	}
}

var errCrash = errors.New("the process has ended")

// crashing is a client that fails after the first JSON patch, which changes the owners of fields.
type crashing struct {
	client.Client

	ended bool
}

// Patch implements client.Client.
func (c *crashing) Patch(ctx context.Context, object client.Object, patch client.Patch, options ...client.PatchOption) error {
	if c.ended {
		return errCrash
	}

	c.ended = patch.Type() == types.JSONPatchType

	return c.Client.Patch(ctx, object, patch, options...)
}

func receiverOf(d *appsv1.Deployment) *corev1.Container { return &d.Spec.Template.Spec.Containers[0] }

// wantReverted edits an object of the operator, and waits until its spec is as before.
func wantReverted[T client.Object](t *testing.T, webhook *v1alpha1.WhatsAppWebhook, object T, edit func(T)) {
	t.Helper()

	before := specOf(t, apiserver.MustGet(t, testCluster.Server, object))
	generation := object.GetGeneration()
	version := object.GetResourceVersion()

	change(t, object, edit)
	apiserver.Eventually(t, func() error {
		apiserver.MustGet(t, testCluster.Server, object)

		if object.GetResourceVersion() == version || object.GetGeneration() != 0 && object.GetGeneration() == generation {
			return errors.New("the edit has not happened")
		}

		return want(specOf(t, object), before)
	})
	waitUntilSettled(t, webhook)
	apiserver.Eventually(t, wantConditions(t, webhook, progressing(nil)))
}

func specOf(t *testing.T, object client.Object) string {
	t.Helper()

	data, err := json.MarshalIndent(unstructuredOf(t, object).Object["spec"], "", "  ")
	if err != nil {
		t.Fatal(err)
	}

	return string(data)
}

// TestRejectedObjectKeepsTheFieldsOfOthers lets the API server reject an object for what the spec asks for, beside fields of
// another manager.
func TestRejectedObjectKeepsTheFieldsOfOthers(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(testCluster.NewNamespace(t), "sales")
	testCluster.MustCreate(t, webhook)
	waitUntilSettled(t, webhook)

	deployment := &appsv1.Deployment{ObjectMeta: named(webhook, "sales")}
	change(t, deployment, func(d *appsv1.Deployment) {
		d.Spec.Template.Spec.Tolerations = []corev1.Toleration{{Key: "dedicated", Operator: corev1.TolerationOpExists}}
		d.Spec.Template.Spec.DNSPolicy = corev1.DNSDefault
		receiverOf(d).LivenessProbe.TerminationGracePeriodSeconds = new(int64(5))
	})

	owners := func() string {
		var owners []string
		for _, entry := range apiserver.MustGet(t, testCluster.Server, deployment).ManagedFields {
			owners = append(owners, fmt.Sprintf("%s: %s", entry.Manager, entry.FieldsV1))
		}

		return strings.Join(owners, "\n")
	}
	before := owners()

	change(t, webhook, func(w *v1alpha1.WhatsAppWebhook) {
		w.Spec.Receiver.PodTemplatePatch = &runtime.RawExtension{Raw: []byte(`{"spec":{"containers":[
			{"name":"receiver","livenessProbe":{"periodSeconds":-1}}
		]}}`)}
	})
	apiserver.Eventually(t, wantConditions(t, webhook, stalled("ObjectRejected", nil)))

	if err := want(owners(), before); err != nil {
		t.Errorf("owners of fields: %v", err)
	}

	version := deployment.ResourceVersion

	if _, err := testCluster.reconciler.Reconcile(t.Context(), request(webhook)); err != nil {
		t.Fatal(err)
	}

	if got := apiserver.MustGet(t, testCluster.Server, deployment).ResourceVersion; got != version {
		t.Errorf("a further reconciliation changed the object, from version %s to %s, and so causes the next one", version, got)
	}

	change(t, webhook, func(w *v1alpha1.WhatsAppWebhook) { w.Spec.Receiver = v1alpha1.ReceiverSpec{} })
	apiserver.Eventually(t, wantConditions(t, webhook, progressing(nil)))

	apiserver.MustGet(t, testCluster.Server, deployment)

	if err := errors.Join(
		want(deployment.Spec.Template.Spec.DNSPolicy, corev1.DNSDefault),
		want(receiverOf(deployment).LivenessProbe.TerminationGracePeriodSeconds, new(int64(5))),
	); err != nil {
		t.Errorf("fields of another manager: %v", err)
	}
}
