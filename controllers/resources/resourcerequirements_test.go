// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources_test

import (
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
)

// TestRequestOfPodsThatScaleByCPU checks the CPU request, since the autoscaler measures the use of it.
func TestRequestOfPodsThatScaleByCPU(t *testing.T) {
	cpu := func(milliCPU int64) corev1.ResourceList {
		return corev1.ResourceList{corev1.ResourceCPU: *resource.NewMilliQuantity(milliCPU, resource.DecimalSI)}
	}

	for name, test := range map[string]struct {
		given *corev1.ResourceRequirements
		want  string // the request, or a part of the error
	}{
		"no resources":  {nil, "500m"},
		"a request":     {&corev1.ResourceRequirements{Requests: cpu(80)}, "80m"},
		"a limit only":  {&corev1.ResourceRequirements{Limits: cpu(80)}, ""},
		"no CPU":        {&corev1.ResourceRequirements{}, "set receiver.resources.requests.cpu"},
		"no CPU, again": {&corev1.ResourceRequirements{Limits: cpu(0)}, "set receiver.resources.requests.cpu"},
	} {
		t.Run(name, func(t *testing.T) {
			webhook := read(t, filepath.Join("testdata", "postgresql"))
			webhook.Spec.Receiver.Replicas = nil
			webhook.Spec.Receiver.Autoscaling.MaxReplicas = 9
			webhook.Spec.Receiver.Resources = test.given

			params, err := resources.NewParams(webhook, environment)
			if err != nil {
				if test.want == "" || !strings.Contains(err.Error(), test.want) {
					t.Errorf("error %v; want %q", err, test.want)
				}

				return
			}

			for _, object := range resources.Render(params) {
				deployment, ok := object.(*appsv1ac.DeploymentApplyConfiguration)
				if !ok {
					continue
				}

				got := ""
				if requests := deployment.Spec.Template.Spec.Containers[0].Resources.Requests; requests != nil {
					got = requests.Cpu().String()
				}

				if got != test.want {
					t.Errorf("CPU request %q; want %q", got, test.want)
				}
			}
		})
	}
}
