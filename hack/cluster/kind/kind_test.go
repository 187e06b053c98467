// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kind

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// machine runs commands: it records them and returns a prepared output. A command without one fails.
type machine struct {
	outputs  map[string]string // by prefix of the command
	commands []string
}

func (m *machine) run(_ context.Context, program string, args ...string) (string, error) {
	command := strings.Join(append([]string{program}, args...), " ")

	m.commands = append(m.commands, command)

	for prefix, output := range m.outputs {
		if strings.HasPrefix(command, prefix) {
			return output, nil
		}
	}

	return "", errors.New("failed: " + command)
}

func TestUsable(t *testing.T) {
	const kind, docker = "kind version", "docker version --format {{.Server.Version}}"
	for name, test := range map[string]struct {
		outputs map[string]string
		want    bool
	}{
		"both":            {map[string]string{kind: "kind v0.33.0", docker: "28.2.2"}, true},
		"no kind":         {map[string]string{docker: "28.2.2"}, false},
		"Docker's client": {map[string]string{kind: "kind v0.33.0"}, false},
		"neither":         {nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			m := &machine{outputs: test.outputs}
			if got := New(t.TempDir(), m.run).Usable(t.Context()); got != test.want {
				t.Errorf("usable: %t, want %t; commands %q", got, test.want, m.commands)
			}
		})
	}
}

func TestCommands(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state")

	kubeconfig := filepath.Join(state, "kubeconfig")
	for name, test := range map[string]struct {
		outputs map[string]string
		do      func(context.Context, *Kind) error
		want    []string
		wantErr string
	}{
		"up": {
			map[string]string{"kind get": "other\n", "kind create": ""},
			func(ctx context.Context, k *Kind) error { return k.Up(ctx) },
			[]string{"kind get clusters", "kind create cluster --name whatsapp-webhook --kubeconfig " + kubeconfig + " --wait 3m"},
			"",
		},
		"up again": {
			map[string]string{"kind get": "other\nwhatsapp-webhook\n", "kind export": ""},
			func(ctx context.Context, k *Kind) error { return k.Up(ctx) },
			[]string{"kind get clusters", "kind export kubeconfig --name whatsapp-webhook --kubeconfig " + kubeconfig},
			"",
		},
		"load": {
			map[string]string{"kind load": ""},
			func(ctx context.Context, k *Kind) error { _, err := k.Load(ctx, "manager.tar"); return err },
			[]string{"kind load image-archive manager.tar --name whatsapp-webhook"},
			"",
		},
		"stop kubelet": {
			map[string]string{"docker exec": ""},
			func(ctx context.Context, k *Kind) error { return k.Stop(ctx, "kubelet") },
			[]string{"docker exec whatsapp-webhook-control-plane systemctl stop kubelet"},
			"",
		},
		"start etcd": {
			nil,
			func(ctx context.Context, k *Kind) error { return k.Start(ctx, "etcd") },
			nil, "with kind, etcd is a pod of the node; only kubelet and containerd can be stopped and started",
		},
		"down": {
			map[string]string{"kind delete": ""},
			func(ctx context.Context, k *Kind) error { return k.Down(ctx) },
			[]string{"kind delete cluster --name whatsapp-webhook --kubeconfig " + kubeconfig},
			"",
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := &machine{outputs: test.outputs}

			err := test.do(t.Context(), New(state, m.run))
			if diff := cmp.Diff(test.want, m.commands); diff != "" {
				t.Error(diff)
			}

			if (err != nil || test.wantErr != "") && (err == nil || err.Error() != test.wantErr) {
				t.Errorf("got error %v, want %q", err, test.wantErr)
			}
		})
	}
}

func TestLeftovers(t *testing.T) {
	state := t.TempDir()
	m := &machine{outputs: map[string]string{"docker ps": "whatsapp-webhook-control-plane\n", "kind delete": ""}}
	k := New(state, m.run)

	got, err := k.Leftovers(t.Context())
	if diff := cmp.Diff([]string{"container whatsapp-webhook-control-plane", "folder " + state}, got); err != nil || diff != "" {
		t.Error(err, diff)
	}

	if err := k.Down(t.Context()); err != nil {
		t.Fatal(err)
	}

	if _, err := os.Stat(state); !errors.Is(err, os.ErrNotExist) {
		t.Error("the folder is still there", err)
	}

	m.outputs["docker ps"] = ""

	if got, err := k.Leftovers(t.Context()); err != nil || len(got) > 0 {
		t.Error(got, err)
	}
}
