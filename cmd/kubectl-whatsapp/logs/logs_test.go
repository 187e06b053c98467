// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/cluster"
)

// TestPodsThatWentMakeRoom follows the logs of more pods than there is room for at a time, one after the other.
func TestPodsThatWentMakeRoom(t *testing.T) {
	followed := &pods{ends: map[types.UID]end{}}

	for n := range 2 * maxPods {
		pod := &corev1.Pod{}
		pod.UID = types.UID(fmt.Sprint(n))
		pod.Status.Phase = corev1.PodRunning

		followed.forget([]corev1.Pod{*pod})

		if _, ok := followed.begin(pod, cluster.LogOptions{}, false); !ok {
			t.Fatalf("the log of pod %d is not followed, although no other is", n)
		}

		followed.ended(pod)
	}

	if n := len(followed.ends); n > 2 {
		t.Errorf("%d pods are remembered that went", n)
	}
}
