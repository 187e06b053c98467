// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package node runs a real Kubernetes node as processes of a Linux machine. The node has its own namespaces, and a link
// connects it with the machine. Removing it leaves nothing behind.
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

// nodeName is the name of the Kubernetes node, and its host name.
const nodeName = "whatsapp-webhook-node"

// Node is a node whose files are in a state folder.
type Node struct {
	state      string                 // folder of the node's files
	cache      string                 // folder of built programs
	repository func() (string, error) // returns the folder of the repository
	out        io.Writer              // receives a line for each step
	programs   programs.Programs
	supervisor *supervisor.Client
}

// New returns the node of a state folder, running or not. It calls repository only when programs may have to be built.
func New(state, cache string, repository func() (string, error), out io.Writer) *Node {
	return &Node{
		state:      state,
		cache:      cache,
		repository: repository,
		out:        out,
		supervisor: supervisor.Dial(filepath.Join(state, "supervisor.sock")),
	}
}

// Up starts all parts that are not running, and returns when the node can run pods and resolve Services.
func (n *Node) Up(ctx context.Context) error {
	start := time.Now()
	for _, step := range []struct {
		title string
		do    func(context.Context) error
	}{
		{"requirements", n.checkMachine},
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
			return fmt.Errorf("%s: %w\nsee the logs in %s; 'make cluster-down' removes the node", step.title, err, n.path("log"))
		}

		fmt.Fprintf(n.out, "%6.1f s  %s\n", time.Since(began).Seconds(), step.title)
	}

	fmt.Fprintf(n.out, "%6.1f s  total\n", time.Since(start).Seconds())

	return nil
}

// Kubeconfig returns the administrator's kubeconfig file, which works on the machine and in the node.
func (n *Node) Kubeconfig() string { return n.path("kubeconfig") }

// Path returns the folders of kubectl, and of ctr in the node, for PATH.
func (n *Node) Path() []string {
	return []string{n.path("programs", "kubernetes"), n.path("programs", "containerd")}
}

// Status prints the state of the node's programs. It returns an error if one has ended, or if the node is not running.
func (n *Node) Status(ctx context.Context, out io.Writer) error {
	pid, err := n.supervisorPID()
	if err != nil {
		return err
	}

	fmt.Fprintf(out, "node %s in the namespaces of process %d, with its files in %s\n", nodeName, pid, n.state)

	states, err := n.supervisor.List(ctx)
	if err != nil {
		return err
	}

	for _, s := range states {
		state := "running"
		if !s.Running {
			state = "ended, " + s.Ended
		}

		fmt.Fprintf(out, "%-24s %s\n", s.Name, state)
	}

	return n.ended(states)
}

// Start starts a stopped or ended program of the node.
func (n *Node) Start(ctx context.Context, program string) error {
	return n.supervisor.Restart(ctx, program)
}

// Stop stops a program of the node.
func (n *Node) Stop(ctx context.Context, program string) error {
	return n.supervisor.Stop(ctx, program)
}

// path returns the path of a file in the state folder.
func (n *Node) path(elements ...string) string {
	return filepath.Join(append([]string{n.state}, elements...)...)
}

// ensurePrograms builds the programs that the cache lacks.
func (n *Node) ensurePrograms(ctx context.Context) error {
	root, err := n.repository()
	if err != nil {
		return err
	}

	n.programs, err = programs.Ensure(ctx, root, n.cache, n.out)

	return err
}

// makeFolders creates the folders of the node, with links to its programs, and the control groups.
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

// program returns the path of a built program.
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

// environment returns the environment of programs inside the node. It has no variables of the machine, such as a proxy.
func (n *Node) environment() []string {
	path := append(n.Path(), "/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")

	return []string{
		"PATH=" + strings.Join(path, ":"),
		"TMPDIR=" + n.path("tmp"),
		"HOME=/root",
		"KUBECONFIG=" + n.Kubeconfig(),
	}
}

//go:embed files
var files embed.FS

// render returns an embedded file with the node's addresses and paths.
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

// writeFile renders a file into the node's etc and returns its path.
func (n *Node) writeFile(file string) (string, error) {
	text, err := n.render(file)
	if err != nil {
		return "", err
	}

	target := n.path("etc", file)

	return target, os.WriteFile(target, text, 0o600)
}

// until calls check every tenth of a second until it returns no error. After the timeout it returns the last error that the
// timeout itself did not cause.
func until(ctx context.Context, timeout time.Duration, check func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()

	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()

	var last error
	for {
		err := check(ctx)
		if err == nil {
			return nil
		}

		if last == nil || ctx.Err() == nil {
			last = err
		}

		select {
		case <-ctx.Done():
			return fmt.Errorf("still failing after %s: %w", timeout, last)
		case <-tick.C:
		}
	}
}
