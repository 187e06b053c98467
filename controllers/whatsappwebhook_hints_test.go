// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/controllers/poller"
)

// TestHint has the causes in the order of precedence: each case adds a cause that comes before those of all others.
func TestHint(t *testing.T) {
	t.Parallel()

	seen := observation{deployment: running(1, unready)}

	for _, step := range []struct {
		name string
		add  func()
		want string
	}{
		{"nothing is known", func() {}, ""},
		{
			"the pod runs",
			func() {
				seen.pods = []corev1.Pod{*newPodStatus("sales-1", containerState(corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}))}
			},
			"? kubectl logs deployment/sales says what the receiver waits for",
		},
		{
			"the receiver reports why it is not ready",
			func() {
				seen.reported.Problems = []poller.Problem{{Operation: "store", Text: "the database is unavailable"}}
			},
			"? the receiver reports: store: the database is unavailable",
		},
		{
			"the receiver starts",
			func() { seen.reported.Starting = "migrating the store: step 4 of 6" },
			"? the receiver is starting: migrating the store: step 4 of 6",
		},
		{
			"the receiver restores a copy",
			func() {
				seen.reported.Starting = "the store cannot be restored: the bucket does not exist; the next attempt is at 12:00:05"
			},
			"? the receiver is starting: the store cannot be restored: the bucket does not exist; the next attempt is at 12:00:05",
		},
		{
			"a readiness gate",
			func() {
				seen.pods = append(seen.pods, *newPodStatus("sales-2", condition(corev1.PodReady, "ReadinessGatesNotReady", `the status of pod readiness gate "lb" is not "True"`)))
			},
			`pod sales-2 waits for a readiness gate: the status of pod readiness gate "lb" is not "True"`,
		},
		{
			"volumes",
			func() {
				seen.pods = append(seen.pods, *newPodStatus("sales-3", condition(corev1.PodReadyToStartContainers, "", ""), waiting("ContainerCreating", "")))
			},
			"pod sales-3 waits on node n1 for its volumes or its network; kubectl describe pod sales-3 says for which",
		},
		{
			"an evicted pod",
			func() {
				seen.pods = append(seen.pods, *newPodStatus("sales-4", failed("Evicted", "The node was low on resource: memory.")))
			},
			"pod sales-4 was ended (Evicted): The node was low on resource: memory.",
		},
		{
			"a crash",
			func() {
				seen.pods = append(seen.pods, *newPodStatus("sales-5", waiting("CrashLoopBackOff", "back-off 5m0s"), ended(1, "Error", "{}\nreceiver: open store: no route\n")))
			},
			"container receiver of pod sales-5 crashes with exit code 1: receiver: open store: no route; kubectl logs --previous sales-5 -c receiver says more",
		},
		{
			"a Secret of the environment",
			func() {
				seen.pods = append(seen.pods, *newPodStatus("sales-6", waiting("CreateContainerConfigError", `secret "proxy" not found`)))
			},
			`container receiver of pod sales-6 cannot be created: secret "proxy" not found`,
		},
		{
			"an image",
			func() { seen.pods = append(seen.pods, *newPodStatus("sales-7", waiting("ErrImagePull", "not found"))) },
			"pod sales-7 cannot pull the image registry.example.com/receiver:1: not found; check the name, and the access to the registry",
		},
		{
			"a claim without a class",
			func() { seen.claim = claimIn(corev1.ClaimPending, new("")) },
			"PersistentVolumeClaim sales-store is Pending: it requests a volume without a class, and no such PersistentVolume fits it; " +
				"create one, or set store.embedded.storageClassName and delete the claim",
		},
		{
			"a claim without a volume",
			func() { seen.claim = claimIn(corev1.ClaimPending, new("fast")) },
			`PersistentVolumeClaim sales-store is Pending: StorageClass "fast" has not provided a volume; kubectl describe pvc sales-store says why, ` +
				"for example that the class does not exist or that its provisioner fails",
		},
		{
			"no node fits",
			func() {
				seen.pods = append(seen.pods, *newPodStatus("sales-8", condition(corev1.PodScheduled, "Unschedulable", "0/3 nodes are available: 3 Insufficient cpu.")))
			},
			"pod sales-8 cannot be scheduled: 0/3 nodes are available: 3 Insufficient cpu.",
		},
		{
			"a claim without its volume",
			func() { seen.claim = claimIn(corev1.ClaimLost, new("fast")) },
			"PersistentVolumeClaim sales-store is Lost: its volume pv-1 no longer exists; restore the volume, or delete the claim, " +
				"which gives up the events in it",
		},
		{
			"a lost node",
			func() { seen.pods = append(seen.pods, *newPodStatus("sales-9", lost)) },
			"pod sales-9 is no longer reported, since node n1 does not respond: repair the node, or, if it is shut down permanently, " +
				"kubectl taint nodes n1 node.kubernetes.io/out-of-service=nodeshutdown:NoExecute",
		},
		{
			"pods that cannot be created",
			func() {
				seen.deployment.Status.Conditions = []appsv1.DeploymentCondition{replicaFailure("exceeded quota: compute")}
			},
			"pods cannot be created: exceeded quota: compute",
		},
		{
			"a paused rollout",
			func() { seen.deployment.Spec.Paused = true },
			"the rollout is paused (spec.paused of the Deployment): kubectl rollout resume deployment/sales",
		},
	} {
		step.add()

		got, explained := hint(seen)
		if !explained && got != "" {
			got = "? " + got
		}

		if got != step.want {
			t.Errorf("%s:\ngot  %s\nwant %s", step.name, got, step.want)
		}

		if strings.Contains(got, "ecret") != strings.Contains(step.want, "ecret") {
			t.Errorf("%s: the hint blames Secrets: %s", step.name, got)
		}
	}
}

// TestHintOfOnePod has variants of the causes above.
func TestHintOfOnePod(t *testing.T) {
	t.Parallel()

	for name, test := range map[string]struct {
		pod   *corev1.Pod
		claim *corev1.PersistentVolumeClaim
		want  string
	}{
		"no default class": {
			newPodStatus("p", condition(corev1.PodScheduled, "Unschedulable", "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.")),
			claimIn(corev1.ClaimPending, nil),
			"it names no StorageClass, and the cluster has no default one",
		},
		"the claim is missing": {
			newPodStatus("p", condition(corev1.PodScheduled, "Unschedulable", `persistentvolumeclaim "kept" not found`)),
			nil,
			`pod p cannot be scheduled: persistentvolumeclaim "kept" not found`,
		},
		"a claim that waits for its pod": {
			newPodStatus("p", condition(corev1.PodScheduled, "Unschedulable", "0/1 nodes are available: 1 Insufficient memory.")),
			claimIn(corev1.ClaimPending, new("local")),
			"1 Insufficient memory.",
		},
		"a bound claim": {newPodStatus("p"), claimIn(corev1.ClaimBound, new("fast")), "kubectl logs"},
		"the back-off of an image": {
			newPodStatus("p", waiting("ImagePullBackOff", `Back-off pulling image "x": ErrImagePull: not found`)), nil, "receiver:1: not found; check",
		},
		"the back-off of an image without words": {
			newPodStatus("p", waiting("ImagePullBackOff", `Back-off pulling image "x"`)), nil, "cannot pull the image registry.example.com/receiver:1; check",
		},
		"memory": {
			newPodStatus("p", waiting("CrashLoopBackOff", ""), ended(137, "OOMKilled", "")), nil, "raise receiver.resources.limits.memory",
		},
		"ended just now": {
			newPodStatus("p", containerState(corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 2}})), nil, "crashes with exit code 2; kubectl logs --previous p",
		},
		"ended without an error again and again": {
			newPodStatus("p", waiting("CrashLoopBackOff", ""), ended(0, "Completed", "")), nil, "exit code 0",
		},
		"crashed long ago": {
			newPodStatus("p", containerState(corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}), started, ended(1, "Error", "")), nil, "kubectl logs deployment/sales",
		},
		"the words of a foreign container": {
			newPodStatus("p", waiting("CrashLoopBackOff", ""), ended(1, "Error", "private"), func(p *corev1.Pod) {
				p.Status.InitContainerStatuses, p.Status.ContainerStatuses = p.Status.ContainerStatuses, nil
				p.Status.InitContainerStatuses[0].Name = "vault"
			}), nil, "container vault of pod p crashes with exit code 1; kubectl",
		},
		"long words": {
			newPodStatus("p", waiting("ErrImagePull", strings.Repeat("x", 5000))), nil, strings.Repeat("x", maxExcerpt) + "…; check",
		},
		"a pod that is deleted from a lost node": {
			newPodStatus("p", deleted, condition(corev1.PodReady, "", ""), func(p *corev1.Pod) {
				p.Status.Conditions = append(p.Status.Conditions, corev1.PodCondition{
					Type:   corev1.DisruptionTarget,
					Status: corev1.ConditionTrue,
					Reason: "DeletionByTaintManager",
				})
			}), nil, "pod p is terminating, since node n1 does not respond",
		},
		"a pod that ends": {newPodStatus("p", deleted, waiting("CrashLoopBackOff", ""), ended(1, "Error", "")), nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			got, _ := hint(observation{
				deployment: running(1, unready),
				pods:       []corev1.Pod{*test.pod},
				claim:      test.claim,
			})
			if !strings.Contains(got, test.want) || (test.want == "") != (got == "") {
				t.Errorf("got %q, want %q in it", got, test.want)
			}
		})
	}
}

func TestNewestPodComesFirst(t *testing.T) {
	t.Parallel()

	older := newPodStatus("a", waiting("ErrImagePull", "older"))
	newer := newPodStatus("b", waiting("ErrImagePull", "newer"))
	older.CreationTimestamp = metav1.NewTime(time.Unix(1, 0))
	newer.CreationTimestamp = metav1.NewTime(time.Unix(2, 0))

	if got, _ := hint(observation{deployment: running(1, unready), pods: []corev1.Pod{*older, *newer}}); !strings.Contains(got, "newer") {
		t.Errorf("the hint is about the older pod: %s", got)
	}
}

// newPodStatus returns a pod on a node whose only container is not ready, with the edits applied.
func newPodStatus(name string, edits ...func(*corev1.Pod)) *corev1.Pod {
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       corev1.PodSpec{NodeName: "n1"},
		Status: corev1.PodStatus{
			Phase:             corev1.PodPending,
			ContainerStatuses: []corev1.ContainerStatus{{Name: "receiver", Image: "registry.example.com/receiver:1"}},
		},
	}
	for _, edit := range edits {
		edit(p)
	}

	return p
}

func condition(kind corev1.PodConditionType, reason, message string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Status.Conditions = append(p.Status.Conditions, corev1.PodCondition{
			Type:    kind,
			Status:  corev1.ConditionFalse,
			Reason:  reason,
			Message: message,
		})
	}
}

func containerState(state corev1.ContainerState) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.Status.ContainerStatuses[0].State = state }
}

func waiting(reason, message string) func(*corev1.Pod) {
	return containerState(corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}})
}

func ended(code int32, reason, message string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Status.ContainerStatuses[0].LastTerminationState.Terminated = &corev1.ContainerStateTerminated{
			ExitCode: code,
			Reason:   reason,
			Message:  message,
		}
	}
}

func started(p *corev1.Pod) { p.Status.ContainerStatuses[0].Started = new(true) }

func failed(reason, message string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Status.Phase = corev1.PodFailed
		p.Status.Reason = reason
		p.Status.Message = message
	}
}

func deleted(p *corev1.Pod) { p.DeletionTimestamp = new(metav1.NewTime(time.Unix(3, 0))) }

func lost(p *corev1.Pod) {
	p.Status.Phase = corev1.PodRunning
	p.Status.Conditions = []corev1.PodCondition{
		{Type: corev1.PodReady, Status: corev1.ConditionFalse},
		{Type: corev1.ContainersReady, Status: corev1.ConditionTrue},
	}
}

func claimIn(phase corev1.PersistentVolumeClaimPhase, class *string) *corev1.PersistentVolumeClaim {
	claim := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Name: "sales-store"},
		Spec:       corev1.PersistentVolumeClaimSpec{StorageClassName: class},
		Status:     corev1.PersistentVolumeClaimStatus{Phase: phase},
	}
	if phase != corev1.ClaimPending {
		claim.Spec.VolumeName = "pv-1"
	}

	return claim
}

func replicaFailure(message string) appsv1.DeploymentCondition {
	return appsv1.DeploymentCondition{
		Type:    appsv1.DeploymentReplicaFailure,
		Status:  corev1.ConditionTrue,
		Reason:  "FailedCreate",
		Message: message,
	}
}
