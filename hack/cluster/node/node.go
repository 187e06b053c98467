// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package node makes one real Kubernetes node out of processes on a Linux machine: in namespaces of its own, reachable
// from the machine over one link, and gone without a trace when it is taken down.
package node

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/template"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/hack/cluster/programs"
	"github.com/wawebhook/whatsapp-webhook-operator/hack/cluster/supervisor"
)

// nodeName is the Kubernetes node's, and its host name.
const nodeName = "whatsapp-webhook-node"

// Node is the node whose files are in one folder.
type Node struct {
	state      string // folder of all that the node is
	cache      string // folder of built programs
	repository func() (string, error)
	out        io.Writer // gets a line for each step
	programs   programs.Programs
	supervisor *supervisor.Client
}

// New returns the node of a state folder, running or not. The repository is asked for when programs may have to be built.
func New(state, cache string, repository func() (string, error), out io.Writer) *Node {
	return &Node{
		state:      state,
		cache:      cache,
		repository: repository,
		out:        out,
		supervisor: supervisor.Dial(filepath.Join(state, "supervisor.sock")),
	}
}

// Up starts what does not run yet, and returns when pods can be run and Services are found by name.
func (n *Node) Up(ctx context.Context) error {
	start := time.Now()
	for _, step := range []struct {
		title string
		do    func(context.Context) error
	}{
		{"machine fit", n.checkMachine},
		{"programs", n.ensurePrograms},
		{"folders and control groups", n.makeFolders},
		{"namespaces", n.startSupervisor},
		{"certificates", n.issueCertificates},
		{"network", n.connect},
		{"etcd", n.startEtcd},
		{"kube-apiserver", n.startAPIServer},
		{"kube-controller-manager, kube-scheduler", n.startControllers},
		{"containerd", n.startContainerd},
		{"images of pause and CoreDNS", n.loadOwnImages},
		{"kubelet, kube-proxy", n.startAgents},
		{"volumes", n.startVolumes},
		{"node ready", n.awaitReady},
		{"CoreDNS", n.startDNS},
	} {
		began := time.Now()

		if err := step.do(ctx); err != nil {
			return fmt.Errorf("%s: %w\nlogs are in %s; 'make cluster-down' removes what there is", step.title, err, n.path("log"))
		}

		fmt.Fprintf(n.out, "%6.1f s  %s\n", time.Since(began).Seconds(), step.title)
	}

	fmt.Fprintf(n.out, "%6.1f s  in all\n", time.Since(start).Seconds())

	return nil
}

// Kubeconfig returns the file of the cluster's administrator. It works on the machine and in the node.
func (n *Node) Kubeconfig() string { return n.path("kubeconfig") }

// Path returns the folders that PATH needs for kubectl, and in the node for ctr.
func (n *Node) Path() []string {
	return []string{n.path("programs", "kubernetes"), n.path("programs", "containerd")}
}

// Status tells how the node's programs are; an error says that one has ended, or that the node is not running.
func (n *Node) Status(ctx context.Context, out io.Writer) error {
	pid, err := n.supervisorPID()
	if err != nil {
		return err
	}

	fmt.Fprintf(out, "node %s in the namespaces of process %d, its files in %s\n", nodeName, pid, n.state)

	states, err := n.supervisor.List(ctx)
	if err != nil {
		return err
	}

	for _, s := range states {
		how := "runs"
		if !s.Running {
			how = "ended, " + s.Ended
		}

		fmt.Fprintf(out, "%-24s %s\n", s.Name, how)
	}

	return n.ended(states)
}

// Start starts a program of the node that was stopped or has ended.
func (n *Node) Start(ctx context.Context, program string) error {
	return n.supervisor.StartAgain(ctx, program)
}

// Stop ends a program of the node.
func (n *Node) Stop(ctx context.Context, program string) error {
	return n.supervisor.Stop(ctx, program)
}

func (n *Node) path(elements ...string) string {
	return filepath.Join(append([]string{n.state}, elements...)...)
}

func (n *Node) ensurePrograms(ctx context.Context) error {
	root, err := n.repository()
	if err != nil {
		return err
	}

	n.programs, err = programs.Ensure(ctx, root, n.cache, n.out)

	return err
}

func (n *Node) makeFolders(context.Context) error {
	for _, folder := range []string{"bin", "etc", "log", "pki", "programs", "tmp", "var/lib", "var/log"} {
		if err := os.MkdirAll(n.path(folder), 0o750); err != nil {
			return err
		}
	}

	for set, folder := range n.programs {
		link := n.path("programs", set)
		if err := os.Remove(link); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}

		if err := os.Symlink(folder, link); err != nil {
			return err
		}
	}

	return makeControlGroups()
}

// program returns the path of one of the programs that were built.
func (n *Node) program(set, program string) string { return n.path("programs", set, program) }

// run starts a program inside the node.
func (n *Node) run(ctx context.Context, program, executable string, args ...string) error {
	return n.supervisor.Start(ctx, supervisor.Program{
		Name: program,
		Args: append([]string{executable}, args...),
		Env:  n.environment(),
		Log:  n.path("log", program+".log"),
	})
}

// environment is that of programs inside the node: nothing of the machine's, a proxy say, may get in.
func (n *Node) environment() []string {
	path := append(n.Path(), "/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
	return []string{"PATH=" + strings.Join(path, ":"), "TMPDIR=" + n.path("tmp"), "HOME=/root", "KUBECONFIG=" + n.Kubeconfig()}
}

//go:embed files
var files embed.FS

// render fills in one of the files with the node's addresses and paths.
func (n *Node) render(file string) ([]byte, error) {
	parsed, err := template.ParseFS(files, "files/"+file)
	if err != nil {
		return nil, err
	}

	var text strings.Builder

	err = parsed.Execute(&text, map[string]string{
		"Name":         nodeName,
		"NodeAddress":  nodeAddress,
		"DNSAddress":   dnsAddress,
		"NodePods":     nodePods,
		"CgroupRoot":   "/" + controlGroup,
		"PKI":          n.path("pki"),
		"Etc":          n.path("etc"),
		"CNI":          n.path("programs", "cni"),
		"Snapshotter":  snapshotter(n.state),
		"Pause":        pauseImage,
		"CoreDNS":      dnsImage,
		"StorageClass": storageClass,
		"Provisioner":  provisioner,
	})

	return []byte(text.String()), err
}

// place renders a file into the node's etc and returns where it is.
func (n *Node) place(file string) (string, error) {
	text, err := n.render(file)
	if err != nil {
		return "", err
	}

	target := n.path("etc", file)

	return target, os.WriteFile(target, text, 0o600)
}

// until asks every tenth of a second, until there is no error or the time is over. Then its error is the last one that
// was not of the time itself.
func until(ctx context.Context, patience time.Duration, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()

	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()

	var last error
	for {
		err := ask(ctx)
		if err == nil {
			return nil
		}

		if last == nil || ctx.Err() == nil {
			last = err
		}

		select {
		case <-ctx.Done():
			return fmt.Errorf("after %s still: %w", patience, last)
		case <-tick.C:
		}
	}
}
