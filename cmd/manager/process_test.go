// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers"
)

const patience = 30 * time.Second

// TestManagerOfSingleNamespaces runs the real program as a user that has Roles in two namespaces and no rights on
// objects anywhere else.
func TestManagerOfSingleNamespaces(t *testing.T) {
	c := startCluster(t)
	for _, namespace := range []string{"home", "one", "two", "foreign"} {
		c.create(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}})
	}

	c.grant(t, "../../config/rbac/role.yaml", "one", "two")
	c.grant(t, "../../config/rbac/leader_election.yaml", "home")
	c.grant(t, "../../config/rbac/metrics.yaml")

	certificates := t.TempDir()
	writeCertificate(t, certificates, "first")
	m := c.start(t, "--namespaces=one,two", "--leader-elect", "--metrics-cert-dir="+certificates)

	for _, namespace := range []string{"one", "two", "foreign"} {
		c.create(t, webhook(namespace))
	}

	for _, namespace := range []string{"one", "two"} {
		eventually(t, func() error {
			return c.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "sales"}, &appsv1.Deployment{})
		})
	}

	deployments := &appsv1.DeploymentList{}
	if err := c.List(t.Context(), deployments, client.InNamespace("foreign")); err != nil || len(deployments.Items) != 0 {
		t.Errorf("%d Deployments in a namespace that is not the manager's: %v", len(deployments.Items), err)
	}

	t.Run("health", func(t *testing.T) {
		for _, path := range []string{"/healthz", "/readyz"} {
			if got := m.get(t, "http://"+m.probes+path, ""); got.code != http.StatusOK {
				t.Errorf("GET %s = %d, want 200", path, got.code)
			}
		}
	})
	t.Run("metrics are for those who may read them", func(t *testing.T) {
		url := "https://" + m.metrics + "/metrics"
		if got := m.get(t, url, ""); got.code != http.StatusUnauthorized {
			t.Errorf("without a token: %d, want 401", got.code)
		}

		if got := m.get(t, url, c.token(t, "stranger", nil)); got.code != http.StatusForbidden {
			t.Errorf("with the token of a stranger: %d, want 403", got.code)
		}

		reader := []rbacv1.PolicyRule{{NonResourceURLs: []string{"/metrics"}, Verbs: []string{"get"}}}
		eventually(t, func() error {
			got := m.get(t, url, c.token(t, "reader", reader))
			if got.code != http.StatusOK || !strings.Contains(got.body, `controller_runtime_reconcile_total{controller="whatsappwebhook"`) {
				return fmt.Errorf("with the token of a reader: %d, want 200 and the reconciler's figures", got.code)
			}

			return nil
		})
	})
	t.Run("a renewed certificate is used", func(t *testing.T) {
		if got := m.get(t, "https://"+m.metrics, "").certificate; got != "first" {
			t.Fatalf("the certificate is %q, want first", got)
		}

		writeCertificate(t, certificates, "second")
		eventually(t, func() error {
			if got := m.get(t, "https://"+m.metrics, "").certificate; got != "second" {
				return fmt.Errorf("the certificate is %q, want second", got)
			}

			return nil
		})
	})
	t.Run("the log is JSON and tells no secret", func(t *testing.T) {
		for line := range strings.Lines(m.log.String()) {
			if !json.Valid([]byte(line)) {
				t.Errorf("not JSON: %s", line)
			}
		}
	})

	if err := m.end(); err != nil {
		t.Errorf("asked to end, it ended with %v\n%s", err, m.log.String())
	}

	leases := &coordinationv1.LeaseList{}
	if err := c.List(t.Context(), leases, client.InNamespace("home")); err != nil || len(leases.Items) != 1 {
		t.Fatalf("%d leases: %v", len(leases.Items), err)
	}

	if holder := leases.Items[0].Spec.HolderIdentity; holder != nil && *holder != "" {
		t.Errorf("the lease is held by %q still, so a successor would have to wait", *holder)
	}
}

// cluster is an API server of its own, with an administrator's client.
type cluster struct {
	client.Client
	environment *envtest.Environment
	binary      string
	user        *envtest.AuthenticatedUser
}

func startCluster(t *testing.T) *cluster {
	t.Helper()

	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		t.Fatal("this test runs against a real API server: set KUBEBUILDER_ASSETS to a folder with kube-apiserver and etcd ('make test' does)")
	}

	scheme, err := controllers.NewScheme()
	if err != nil {
		t.Fatal(err)
	}

	c := &cluster{environment: &envtest.Environment{
		Scheme:                scheme,
		CRDDirectoryPaths:     []string{"../../config/crd/bases"},
		ErrorIfCRDPathMissing: true,
	}}
	t.Cleanup(func() {
		if err := c.environment.Stop(); err != nil {
			t.Error(err)
		}
	})

	config, err := c.environment.Start()
	if err != nil {
		t.Fatalf("start kube-apiserver and etcd: %v", err)
	}

	if c.Client, err = client.New(config, client.Options{Scheme: scheme}); err != nil {
		t.Fatal(err)
	}

	if c.user, err = c.environment.AddUser(envtest.User{Name: "manager"}, nil); err != nil {
		t.Fatal(err)
	}

	c.binary = filepath.Join(t.TempDir(), "manager")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", c.binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}

	return c
}

func (c *cluster) create(t *testing.T, object client.Object) {
	t.Helper()

	if err := c.Create(t.Context(), object); err != nil {
		t.Fatalf("create %T %s: %v", object, object.GetName(), err)
	}
}

// grant gives the manager's user the roles of a file: those of the cluster, or, when namespaces are given, in these only.
func (c *cluster) grant(t *testing.T, file string, namespaces ...string) {
	t.Helper()

	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}

	manager := []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: "manager"}}

	documents := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(data), 4096)
	for {
		role := &rbacv1.ClusterRole{} // a Role has the same fields
		if err := documents.Decode(role); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("%s: %v", file, err)
		}

		if len(role.Rules) == 0 {
			continue
		}

		meta := metav1.ObjectMeta{Name: role.Name}
		if len(namespaces) == 0 {
			c.create(t, &rbacv1.ClusterRole{ObjectMeta: meta, Rules: role.Rules})
			c.create(t, &rbacv1.ClusterRoleBinding{
				ObjectMeta: meta,
				Subjects:   manager,
				RoleRef: rbacv1.RoleRef{
					APIGroup: rbacv1.GroupName,
					Kind:     "ClusterRole",
					Name:     role.Name,
				},
			})
		}

		for _, namespace := range namespaces {
			meta.Namespace = namespace
			c.create(t, &rbacv1.Role{ObjectMeta: meta, Rules: role.Rules})
			c.create(t, &rbacv1.RoleBinding{
				ObjectMeta: meta,
				Subjects:   manager,
				RoleRef: rbacv1.RoleRef{
					APIGroup: rbacv1.GroupName,
					Kind:     "Role",
					Name:     role.Name,
				},
			})
		}
	}
}

// token returns one of an account that has the rules, made when it is first asked for.
func (c *cluster) token(t *testing.T, name string, rules []rbacv1.PolicyRule) string {
	t.Helper()

	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "home", Name: name}}
	if err := c.Get(t.Context(), client.ObjectKeyFromObject(account), account); err != nil {
		c.create(t, account)

		meta := metav1.ObjectMeta{Name: name}
		c.create(t, &rbacv1.ClusterRole{ObjectMeta: meta, Rules: rules})
		c.create(t, &rbacv1.ClusterRoleBinding{
			ObjectMeta: meta, Subjects: []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: "home", Name: name}},
			RoleRef: rbacv1.RoleRef{
				APIGroup: rbacv1.GroupName,
				Kind:     "ClusterRole",
				Name:     name,
			},
		})
	}

	request := &authenticationv1.TokenRequest{}
	if err := c.SubResource("token").Create(t.Context(), account, request); err != nil {
		t.Fatalf("token of %s: %v", name, err)
	}

	return request.Status.Token
}

// manager is the program, running.
type manager struct {
	cmd             *exec.Cmd
	log             lockedBuffer
	metrics, probes string
	once            sync.Once
	ended           error
}

func (c *cluster) start(t *testing.T, args ...string) *manager {
	t.Helper()

	kubeconfig, err := c.user.KubeConfig()
	if err != nil {
		t.Fatal(err)
	}

	file := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(file, kubeconfig, 0o600); err != nil {
		t.Fatal(err)
	}

	m := &manager{metrics: freeAddress(t), probes: freeAddress(t)}
	m.cmd = exec.Command(c.binary, append(args, "--metrics-bind-address="+m.metrics, "--health-probe-bind-address="+m.probes)...)
	m.cmd.Env = append(os.Environ(), "KUBECONFIG="+file, "POD_NAMESPACE=home")

	m.cmd.Stderr = &m.log
	if err := m.cmd.Start(); err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() {
		_ = m.end()
		if t.Failed() {
			t.Logf("log of the manager:\n%s", m.log.String())
		}
	})

	return m
}

func (m *manager) end() error {
	m.once.Do(func() {
		_ = m.cmd.Process.Signal(syscall.SIGTERM)
		m.ended = m.cmd.Wait()
	})

	return m.ended
}

type answer struct {
	code        int
	body        string
	certificate string // common name of the server's
}

// get asks until there is an answer.
func (m *manager) get(t *testing.T, url, token string) (a answer) {
	t.Helper()

	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}
	eventually(t, func() error {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
		if err != nil {
			return err
		}

		if token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}

		resp, err := (&http.Client{Transport: transport, Timeout: 10 * time.Second}).Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()

		body, err := io.ReadAll(resp.Body)

		a = answer{code: resp.StatusCode, body: string(body)}
		if resp.TLS != nil {
			a.certificate = resp.TLS.PeerCertificates[0].Subject.CommonName
		}

		return err
	})

	return a
}

func webhook(namespace string) *v1alpha1.WhatsAppWebhook {
	key := func(key string) v1alpha1.SecretKeyReference {
		return v1alpha1.SecretKeyReference{Name: "whatsapp", Key: key}
	}

	return &v1alpha1.WhatsAppWebhook{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "sales"},
		Spec: v1alpha1.WhatsAppWebhookSpec{
			CloudAPI: v1alpha1.CloudAPISpec{
				AccessTokenSecretRef: key("access-token"),
				AppSecretSecretRefs:  []v1alpha1.SecretKeyReference{key("app-secret")},
				VerifyTokenSecretRef: key("verify-token"),
			},
			Bird: v1alpha1.BirdSpec{BaseURL: "https://bridge.example.com", AccessKeySecretRef: key("access-key")},
		},
	}
}

// writeCertificate writes a new self-signed pair with that common name.
func writeCertificate(t *testing.T, dir, name string) {
	t.Helper()

	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}

	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: name},
		NotAfter:     time.Now().Add(time.Hour),
	}

	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}

	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}

	for file, block := range map[string]*pem.Block{"tls.crt": {Type: "CERTIFICATE", Bytes: certificate}, "tls.key": {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(filepath.Join(dir, file), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}

	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}

	return listener.Addr().String()
}

func eventually(t *testing.T, ask func() error) {
	t.Helper()

	var last error

	err := wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, patience, true, func(context.Context) (bool, error) {
		last = ask()
		return last == nil, nil
	})
	if err != nil {
		t.Fatalf("after %s still: %v", patience, last)
	}
}

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
