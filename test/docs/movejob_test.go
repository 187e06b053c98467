// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"path"
	"slices"
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// TestMoveJob decodes the Job that moves a store, and checks that its arguments name files on its volumes. Package main of
// cmd/receiver checks the arguments themselves.
func TestMoveJob(t *testing.T) {
	found := jobs(t, "tested: TestMoveJob")

	for block, job := range found {
		checkJob(t, block, job)
	}

	if len(found) != 1 {
		t.Errorf("found %d Jobs, want 1", len(found))
	}
}

// jobs returns the Jobs of all pages in blocks with a note.
func jobs(t *testing.T, note string) map[Block]*batchv1.Job {
	t.Helper()

	found := map[Block]*batchv1.Job{}

	for _, page := range pages(t) {
		for _, block := range page.Blocks {
			if block.Note != note {
				continue
			}

			job := &batchv1.Job{}
			if err := yaml.UnmarshalStrict([]byte(block.Text), job); err != nil {
				t.Fatalf("%s: %v", block, err)
			}

			found[block] = job
		}
	}

	return found
}

// checkJob checks that a Job runs on Linux nodes, that its volumes are mounted, and that its arguments name files on these
// volumes. It returns the pod.
func checkJob(t *testing.T, block Block, job *batchv1.Job) *corev1.PodSpec {
	t.Helper()

	pod := &job.Spec.Template.Spec
	if pod.RestartPolicy != corev1.RestartPolicyNever || len(pod.Containers) != 1 {
		t.Fatalf("%s: restartPolicy %s, %d containers", block, pod.RestartPolicy, len(pod.Containers))
	}

	if pod.NodeSelector[corev1.LabelOSStable] != string(corev1.Linux) {
		t.Errorf("%s: the pod may come to a node that cannot run the image", block)
	}

	var mounted, declared []string

	for _, mount := range pod.Containers[0].VolumeMounts {
		mounted = append(mounted, mount.MountPath)
	}

	for _, volume := range pod.Volumes {
		declared = append(declared, "/"+volume.Name)
	}

	if !slices.Equal(mounted, declared) {
		t.Errorf("%s: the mounts are %v, the volumes %v", block, mounted, declared)
	}

	for _, arg := range pod.Containers[0].Args {
		if _, file, ok := strings.Cut(arg, "=/"); ok && !slices.Contains(mounted, path.Dir("/"+file)) {
			t.Errorf("%s: %s is on no volume", block, arg)
		}
	}

	return pod
}
