// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// manager is a process of the real manager.
type manager struct {
	cmd     *exec.Cmd
	log     lockedBuffer
	metrics string // host:port
	token   string // of an account that may read the metrics
	once    sync.Once
	ended   error
}

func (c *cluster) startManager(ctx context.Context) (*manager, error) {
	token, err := c.metricsToken(ctx)
	if err != nil {
		return nil, fmt.Errorf("create an account that may read metrics: %w", err)
	}

	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}

	m := &manager{metrics: address, token: token}
	m.cmd = exec.CommandContext( //nolint:gosec // the program was just built
		ctx,
		filepath.Join(c.dir, "manager"),
		"--metrics-bind-address="+address,
		"--health-probe-bind-address=127.0.0.1:0",
		"--receiver-image=registry.example.com/receiver:bench",
	)
	// The memory settings are those of config/manager.
	m.cmd.Env = append(
		os.Environ(),
		"KUBECONFIG="+filepath.Join(c.dir, "kubeconfig"),
		"GOGC=30",
		fmt.Sprintf("GOMEMLIMIT=%d", 256<<20),
	)

	m.cmd.Stderr = &m.log
	if err := m.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the manager: %w", err)
	}

	return m, nil
}

func (m *manager) stop() error {
	m.once.Do(func() {
		if err := m.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
			m.ended = err
		}

		if err := m.cmd.Wait(); err != nil {
			m.ended = errors.Join(m.ended, fmt.Errorf("the manager failed: %w\n%s", err, m.log.String()))
		}
	})

	return m.ended
}

// memory returns the current and the peak resident set, in MB.
func (m *manager) memory() (resident, peak int, err error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", m.cmd.Process.Pid))
	if err != nil {
		return 0, 0, fmt.Errorf("read the manager's memory: %w", err)
	}

	for line := range strings.Lines(string(status)) {
		field, value, _ := strings.Cut(line, ":")

		kilobytes, _ := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")))
		switch field {
		case "VmRSS":
			resident = kilobytes / 1000
		case "VmHWM":
			peak = kilobytes / 1000
		}
	}

	return resident, peak, nil
}

// awaitReconciliations waits until at least count more reconciliations have ended and no more follow. It returns their
// number.
func (m *manager) awaitReconciliations(ctx context.Context, count int) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Minute)
	defer cancel()

	first := -1
	last := -1

	unchanged := 0 // consecutive polls
	for {
		now, err := m.reconciliations(ctx)
		switch {
		case err != nil && ctx.Err() != nil:
			return 0, fmt.Errorf("wait for %d reconciliations: %w\n%s", count, err, m.log.String())
		case err != nil: // the manager is still starting
			first = 0
		case first < 0:
			first = now
		case now == last && now-first >= count:
			if unchanged++; unchanged == 5 {
				return now - first, nil
			}
		default:
			unchanged = 0
		}

		last = now
		if err := sleep(ctx, time.Second); err != nil {
			return 0, fmt.Errorf("wait for %d reconciliations, %d done: %w", count, last-first, err)
		}
	}
}

var reconcileTotal = regexp.MustCompile(`(?m)^controller_runtime_reconcile_total\{[^}]*\} (\S+)$`)

// reconciliations returns the number of reconciliations so far.
func (m *manager) reconciliations(ctx context.Context) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+m.metrics+"/metrics", http.NoBody)
	if err != nil {
		return 0, err
	}

	req.Header.Set("Authorization", "Bearer "+m.token)

	transport := &http.Transport{
		//nolint:gosec // the certificate is self-signed, on the loopback interface
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true},
		DisableKeepAlives: true,
	}

	resp, err := (&http.Client{Transport: transport, Timeout: time.Minute}).Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()

	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		return 0, errors.Join(err, fmt.Errorf("read the manager's metrics: %s", resp.Status))
	}

	total := 0
	for _, match := range reconcileTotal.FindAllSubmatch(text, -1) {
		n, err := strconv.ParseFloat(string(match[1]), 64)
		if err != nil {
			return 0, err
		}

		total += int(n)
	}

	return total, nil
}

// metricsToken returns the token of an account that may read metrics, by the rules of config/rbac.
func (c *cluster) metricsToken(ctx context.Context) (string, error) {
	account := &corev1.ServiceAccount{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "metrics-reader"},
	}
	role := &rbacv1.ClusterRole{
		ObjectMeta: metav1.ObjectMeta{Name: account.Name},
		Rules:      []rbacv1.PolicyRule{{NonResourceURLs: []string{"/metrics"}, Verbs: []string{"get"}}},
	}

	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: account.Name},
		RoleRef: rbacv1.RoleRef{
			APIGroup: rbacv1.GroupName,
			Kind:     "ClusterRole",
			Name:     role.Name,
		},
		Subjects: []rbacv1.Subject{{
			Kind:      "ServiceAccount",
			Namespace: account.Namespace,
			Name:      account.Name,
		}},
	}
	for _, err := range []error{c.Create(ctx, account), c.Create(ctx, role), c.Create(ctx, binding)} {
		if err != nil && !apierrors.IsAlreadyExists(err) {
			return "", err
		}
	}

	accounts := c.clientset.CoreV1().ServiceAccounts(account.Namespace)

	request, err := accounts.CreateToken(
		ctx,
		account.Name,
		&authenticationv1.TokenRequest{},
		metav1.CreateOptions{},
	)
	if err != nil {
		return "", err
	}

	return request.Status.Token, nil
}

func freeAddress(ctx context.Context) (string, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}

	return listener.Addr().String(), listener.Close()
}

// lockedBuffer is the log of a running process. It is safe for concurrent use.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()

	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()

	return l.b.String()
}
