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

// manager is the real program, as one process of its own.
type manager struct {
	cmd     *exec.Cmd
	log     lockedBuffer
	metrics string // host:port
	token   string // of an account that may read them
	once    sync.Once
	ended   error
}

func (w *cluster) startManager(ctx context.Context) (*manager, error) {
	token, err := w.reader(ctx)
	if err != nil {
		return nil, fmt.Errorf("make an account that may read metrics: %w", err)
	}

	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}

	m := &manager{metrics: address, token: token}
	m.cmd = exec.CommandContext(ctx, filepath.Join(w.dir, "manager"), //nolint:gosec // the program that was just built
		"--metrics-bind-address="+address, "--health-probe-bind-address=0", "--receiver-image=registry.example.com/receiver:bench")
	// As config/manager has them.
	// Its memory is set up as in config/manager.
	m.cmd.Env = append(os.Environ(), "KUBECONFIG="+filepath.Join(w.dir, "kubeconfig"), "GOGC=30", fmt.Sprintf("GOMEMLIMIT=%d", 256<<20))

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
			m.ended = errors.Join(m.ended, fmt.Errorf("the manager ended: %w\n%s", err, m.log.String()))
		}
	})

	return m.ended
}

// memory returns the resident set now and at its largest, in MB.
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

// awaitLooks waits until at least count more reconciliations have ended, and no more follow.
func (m *manager) awaitLooks(ctx context.Context, count int) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()

	first := -1
	last := -1

	calm := 0
	for {
		now, err := m.looks(ctx)
		switch {
		case err != nil && ctx.Err() != nil:
			return 0, fmt.Errorf("wait for %d reconciliations: %w\n%s", count, err, m.log.String())
		case err != nil: // it is still starting
			first = 0
		case first < 0:
			first = now
		case now == last && now-first >= count:
			if calm++; calm == 5 {
				return now - first, nil
			}
		default:
			calm = 0
		}

		last = now
		if err := sleep(ctx, time.Second); err != nil {
			return 0, fmt.Errorf("wait for %d reconciliations, %d done: %w", count, last-first, err)
		}
	}
}

var reconciled = regexp.MustCompile(`(?m)^controller_runtime_reconcile_total\{[^}]*\} (\S+)$`)

func (m *manager) looks(ctx context.Context) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+m.metrics+"/metrics", http.NoBody)
	if err != nil {
		return 0, err
	}

	req.Header.Set("Authorization", "Bearer "+m.token)

	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true} //nolint:gosec // a certificate of its own, on loopback

	resp, err := (&http.Client{Transport: transport, Timeout: 10 * time.Second}).Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()

	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		return 0, errors.Join(err, fmt.Errorf("the manager's metrics: %s", resp.Status))
	}

	total := 0
	for _, match := range reconciled.FindAllSubmatch(text, -1) {
		n, err := strconv.ParseFloat(string(match[1]), 64)
		if err != nil {
			return 0, err
		}

		total += int(n)
	}

	return total, nil
}

// reader returns the token of an account with the rights that config/rbac names for metrics.
func (w *cluster) reader(ctx context.Context) (string, error) {
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "metrics-reader"}}
	role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: account.Name}, Rules: []rbacv1.PolicyRule{{NonResourceURLs: []string{"/metrics"}, Verbs: []string{"get"}}}}

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
	for _, err := range []error{w.Create(ctx, account), w.Create(ctx, role), w.Create(ctx, binding)} {
		if err != nil && !apierrors.IsAlreadyExists(err) {
			return "", err
		}
	}

	request, err := w.clientset.CoreV1().ServiceAccounts(account.Namespace).CreateToken(ctx, account.Name, &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
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

// lockedBuffer takes a process's log while it is read.
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
