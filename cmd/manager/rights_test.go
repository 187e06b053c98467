// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/apiserver"
)

// TestMissingRights runs the program with less than the rights of config/rbac.
func TestMissingRights(t *testing.T) {
	c := startCluster(t)
	namespace := func(t *testing.T, name string) {
		t.Helper()
		c.MustCreate(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})
	}

	t.Run("a namespace that does not exist", func(t *testing.T) {
		namespace(t, "present")
		c.grant(t, "../../config/rbac/role.yaml", "present")
		c.MustCreate(t, webhook("present"))

		m := c.start(t, "--namespaces=present,absent")
		c.wantDeployment(t, "present")
		m.wantReady(t, http.StatusOK, "ok", `namespace "absent", or the namespace does not exist`)
		m.wantLog(t, `lacks the right to list and watch whatsappwebhooks.whatsapp.wawebhook.dev in namespace \"absent\"`)

		namespace(t, "absent")
		c.grant(t, "../../config/rbac/role.yaml", "absent")
		c.MustCreate(t, webhook("absent"))
		c.wantDeployment(t, "absent")
		m.wantReadyWithout(t, "absent")

		if err := m.end(); err != nil {
			t.Errorf("the manager exited with %v after SIGTERM", err)
		}
	})

	for name, kind := range map[string]string{"partly": "deployments.apps", "blind": "pods"} {
		t.Run("the required "+kind, func(t *testing.T) {
			namespace(t, name)

			resource, _, _ := strings.Cut(kind, ".")
			required, others := managerRules(t, resource)
			c.grantRules(t, name, "others", others)
			c.MustCreate(t, webhook(name))

			right := "the right to list and watch " + kind

			m := c.start(t, "--namespaces="+name)
			m.wantReady(t, http.StatusServiceUnavailable, "no namespace in which", fmt.Sprintf("%s in namespace %q", right, name))
			c.wantMessage(t, name, v1alpha1.ConditionReady, right, "grant it in a role")

			c.grantRules(t, name, "required", required)
			c.wantDeployment(t, name)
			m.wantReadyWithout(t, kind)

			if err := m.end(); err != nil {
				t.Errorf("the manager exited with %v after SIGTERM", err)
			}
		})
	}

	t.Run("an optional kind", func(t *testing.T) {
		namespace(t, "plain")

		monitors, others := managerRules(t, "servicemonitors")
		c.grantRules(t, "plain", "others", others)

		monitored := webhook("plain")
		monitored.Spec.Monitoring.ServiceMonitor.State = v1alpha1.Enabled
		c.MustCreate(t, monitored)

		m := c.start(t, "--namespaces=plain")
		c.wantDeployment(t, "plain")
		m.wantReady(t, http.StatusOK, "servicemonitors.monitoring.coreos.com")
		c.wantMessage(t, "plain", v1alpha1.ConditionExtensionsAvailable, "the operator lacks the right to list and watch servicemonitors.monitoring.coreos.com")

		c.grantRules(t, "plain", "monitors", monitors)
		apiserver.Eventually(t, func() error {
			monitor := &metav1.PartialObjectMetadata{}
			monitor.SetGroupVersionKind(resources.ServiceMonitorKind)

			return c.Get(t.Context(), client.ObjectKey{Namespace: "plain", Name: "sales"}, monitor)
		})
		m.wantReadyWithout(t, "servicemonitors")

		if err := m.end(); err != nil {
			t.Errorf("the manager exited with %v after SIGTERM", err)
		}
	})

	t.Run("rights that go while the manager runs", func(t *testing.T) {
		for _, name := range []string{"stays", "loses"} {
			namespace(t, name)
			c.grant(t, "../../config/rbac/role.yaml", name)
			c.MustCreate(t, webhook(name))
		}

		proxy := c.startProxy(t)
		m := c.startWith(t, proxy.kubeconfig(), "--namespaces=stays,loses")
		c.wantDeployment(t, "stays")
		c.wantDeployment(t, "loses")

		binding := &rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Namespace: "loses", Name: "manager-role"}}
		if err := c.Delete(t.Context(), binding); err != nil {
			t.Fatal(err)
		}

		proxy.CloseClientConnections() // the API server checks rights when a watch begins
		m.wantReady(t, http.StatusOK, "ok", `deployments.apps in namespace "loses"`)

		stays := apiserver.MustGet(t, c.Server, &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "stays", Name: "sales"}})
		if err := c.Delete(t.Context(), stays); err != nil {
			t.Fatal(err)
		}

		c.wantDeployment(t, "stays")

		binding.ResourceVersion = ""
		binding.Subjects = managerSubjects
		binding.RoleRef = rbacv1.RoleRef{
			APIGroup: rbacv1.GroupName,
			Kind:     "Role",
			Name:     "manager-role",
		}
		c.MustCreate(t, binding)
		m.wantReadyWithout(t, "loses")

		if err := m.end(); err != nil {
			t.Errorf("the manager exited with %v after SIGTERM", err)
		}
	})

	t.Run("caches that never sync", func(t *testing.T) {
		proxy := c.startProxy(t)
		proxy.fail.Store(new("/deployments"))

		m := c.startWith(t, proxy.kubeconfig(), "--namespaces=present")
		m.wantReady(t, http.StatusServiceUnavailable, "caches are not synced: Deployment (")

		if err := m.end(); err != nil {
			t.Errorf("the manager exited with %v after SIGTERM", err)
		}
	})
}

// TestWatchLabelSelector checks that a resource outside the selector is left alone.
func TestWatchLabelSelector(t *testing.T) {
	c := startCluster(t)
	c.grant(t, "../../config/rbac/role.yaml")

	for _, name := range []string{"mine", "theirs"} {
		c.MustCreate(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})
		labeled := webhook(name)
		labeled.Labels = map[string]string{"operator": name}
		c.MustCreate(t, labeled)
	}

	c.start(t, "--watch-label-selector=operator=mine")
	c.wantDeployment(t, "mine")

	theirs := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "theirs", Name: "sales"}}
	if err := c.Get(t.Context(), client.ObjectKeyFromObject(theirs), theirs); !apierrors.IsNotFound(err) {
		t.Errorf("a Deployment of a resource outside the selector: %v", err)
	}

	// A resource that leaves the selector keeps its objects, and gets no new ones.
	apiserver.Change(t, c.Server, webhook("mine"), func(leaving *v1alpha1.WhatsAppWebhook) {
		leaving.Labels = map[string]string{"operator": "other"}
		leaving.Spec.Ingress.Host = "hooks.example.com"
	})

	// A resource that joins is reconciled after the other one left.
	apiserver.Change(t, c.Server, webhook("theirs"), func(joining *v1alpha1.WhatsAppWebhook) {
		joining.Labels = map[string]string{"operator": "mine"}
	})

	c.wantDeployment(t, "theirs")
	c.wantDeployment(t, "mine")

	if got := apiserver.MustGet(t, c.Server, webhook("mine")); got.Status.URL != "" {
		t.Errorf("the status of a resource that left the selector was written: %q", got.Status.URL)
	}
}

func (c *cluster) wantDeployment(t *testing.T, namespace string) {
	t.Helper()
	apiserver.Eventually(t, func() error {
		return c.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "sales"}, &appsv1.Deployment{})
	})
}

// wantMessage waits until a condition of the resource contains each of the parts.
func (c *cluster) wantMessage(t *testing.T, namespace, condition string, parts ...string) {
	t.Helper()
	apiserver.Eventually(t, func() error {
		got := webhook(namespace)
		if err := c.Get(t.Context(), client.ObjectKeyFromObject(got), got); err != nil {
			return err
		}

		found := meta.FindStatusCondition(got.Status.Conditions, condition)
		for _, part := range parts {
			if found == nil || !strings.Contains(found.Message, part) {
				return fmt.Errorf("condition %s is %+v; want %q in its message", condition, found, part)
			}
		}

		return nil
	})
}

// wantReadyWithout waits until the manager is ready and its report no longer names the missing rights.
func (m *manager) wantReadyWithout(t *testing.T, missing string) {
	t.Helper()
	apiserver.Eventually(t, func() error {
		got := m.get(t, "http://"+m.probes+"/readyz", "")
		if got.code != http.StatusOK || strings.Contains(got.body, missing) {
			return fmt.Errorf("GET /readyz = %d %s; want 200 without %s", got.code, got.body, missing)
		}

		return nil
	})
}

func (m *manager) wantLog(t *testing.T, part string) {
	t.Helper()

	if !strings.Contains(m.log.String(), part) {
		t.Errorf("the log does not contain %q", part)
	}
}

// proxy passes requests of the manager's user to the API server, except for requests that are to fail.
type proxy struct {
	*httptest.Server

	fail atomic.Pointer[string] // end of the paths that are answered 500
}

func (c *cluster) startProxy(t *testing.T) *proxy {
	t.Helper()

	user, err := rest.TransportFor(c.user.Config())
	if err != nil {
		t.Fatal(err)
	}

	target, err := url.Parse(c.user.Config().Host)
	if err != nil {
		t.Fatal(err)
	}

	p := &proxy{}
	pass := &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport:     user,
		FlushInterval: -1,
	}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if end := p.fail.Load(); end != nil && strings.HasSuffix(r.URL.Path, *end) {
			http.Error(w, "etcd is not available", http.StatusInternalServerError)

			return
		}

		pass.ServeHTTP(w, r)
	}))

	t.Cleanup(func() {
		p.CloseClientConnections()
		p.Close()
	})

	return p
}

// kubeconfig returns a client configuration that connects to the proxy.
func (p *proxy) kubeconfig() []byte {
	return []byte(fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: proxy
contexts: [{name: proxy, context: {cluster: proxy}}]
clusters: [{name: proxy, cluster: {server: %q}}]
`, p.URL))
}
