// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/status"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/apiserver"
)

// testFleet looks at all resources of a namespace through the console, and at one after its receiver was replaced.
func (c *testCluster) testFleet(t *testing.T) {
	r := openReceiver(t)
	ports := map[int]string{
		9090: r.Local.AdminAddr(),
		9091: r.Local.ConsoleAddr(),
	}
	c.kubelet.Run(t, c.namespace, "sales-6", resources.SelectorLabels("sales"), ports, "")

	tool := startTool(t, c.args("console")...)
	address := strings.TrimSpace(tool.out.waitFor(t, "http://.*\n")[0])

	get := func(path string) (int, string) {
		t.Helper()

		response, err := http.Get(address + path)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()

		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}

		return response.StatusCode, string(body)
	}

	resource := "/console/r/" + c.namespace + "/sales/"

	for path, want := range map[string]string{
		"/":                        c.namespace + "/sales",
		resource:                   "The last hour",
		resource + "conversations": "There is no such conversation.",
	} {
		if code, page := get(path); code != http.StatusOK || !strings.Contains(page, want) {
			t.Errorf("%s answers %d, want %q in:\n%s", path, code, want, page)
		}
	}

	for path, want := range map[string]string{
		"/console/r/" + c.namespace + "/other/": "there is no WhatsAppWebhook other",
		"/console/r/elsewhere/sales/":           "There is no such resource",
	} {
		if code, page := get(path); code == http.StatusOK || !strings.Contains(page, want) {
			t.Errorf("%s answers %d, want %q in:\n%s", path, code, want, page)
		}
	}

	c.kubelet.Kill(t, c.namespace, "sales-6")
	c.kubelet.Run(t, c.namespace, "sales-7", resources.SelectorLabels("sales"), ports, "")

	if code, page := get(resource + "events"); code != http.StatusOK || !strings.Contains(page, "No event matches.") {
		t.Errorf("after the receiver was replaced the page answers %d:\n%s", code, page)
	}

	if code := tool.stop(); code != 0 {
		t.Errorf("after Ctrl-C the exit code is %d: %s", code, tool.err.text.String())
	}

	c.kubelet.Kill(t, c.namespace, "sales-7")
}

// testFleetThatIsDown looks at resources whose receivers break each connection. A wait for their replacements would take longer than
// a page of the console waits.
func (c *testCluster) testFleetThatIsDown(t *testing.T) {
	down := *c
	down.namespace = c.NewNamespace(t)

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()

	var attempts atomic.Int64

	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}

			attempts.Add(1)

			_ = conn.Close()
		}
	}()

	const resourcesThatAreDown = 12

	sales := apiserver.MustGet(t, c.Server, &v1alpha1.WhatsAppWebhook{ObjectMeta: metav1.ObjectMeta{
		Namespace: c.namespace,
		Name:      "sales",
	}})

	for i := range resourcesThatAreDown {
		webhook := sales.DeepCopy()
		webhook.ObjectMeta = metav1.ObjectMeta{
			Namespace: down.namespace,
			Name:      fmt.Sprintf("down-%d", i),
		}
		c.MustCreate(t, webhook)
		c.kubelet.Run(t, down.namespace, webhook.Name+"-pod", resources.SelectorLabels(webhook.Name),
			map[int]string{9090: listener.Addr().String()}, "")
	}

	var document struct {
		Resources []status.Status `json:"resources"`
	}

	got := runTool(t, down.args("status", "-o", "json")...)
	if err := json.Unmarshal([]byte(got.out), &document); err != nil || len(document.Resources) != resourcesThatAreDown {
		t.Fatalf("status: %v, %+v", err, got)
	}

	for _, s := range document.Resources {
		if s.Unreachable == "" || s.Ready.Reason == "" {
			t.Errorf("status %+v, want what the resource says, and why no receiver answers", s)
		}
	}

	if n := attempts.Load(); n != resourcesThatAreDown {
		t.Errorf("%d receivers were called %d times, want each of them once", resourcesThatAreDown, n)
	}
}

// testReadOnly looks at the console as a user who may read resources and not connect to pods.
func (c *testCluster) testReadOnly(t *testing.T) {
	r := openReceiver(t)
	c.kubelet.Run(t, c.namespace, "sales-8", resources.SelectorLabels("sales"), map[int]string{
		9090: r.Local.AdminAddr(),
		9091: r.Local.ConsoleAddr(),
	}, "")
	c.allow(t, "viewer", rbacv1.PolicyRule{
		APIGroups: []string{"whatsapp.wawebhook.dev"},
		Resources: []string{"whatsappwebhooks"},
		Verbs:     []string{"get", "list"},
	}, rbacv1.PolicyRule{
		APIGroups: []string{""},
		Resources: []string{"pods"},
		Verbs:     []string{"get", "list"},
	})

	tool := startTool(t, c.args("console", "--as", "viewer")...)
	address := strings.TrimSpace(tool.out.waitFor(t, "http://.*\n")[0])
	resource := address + "/console/r/" + c.namespace + "/sales"

	for what, want := range map[string]struct {
		url    string
		form   url.Values // not nil for an act
		status int
		text   string
	}{
		"all resources": {address, nil, http.StatusOK, c.namespace + "/sales"},
		"a page":        {resource + "/events", nil, http.StatusBadGateway, "You can look, but change nothing: you may not connect to the pods"},
		"an act":        {resource + "/dead-letters/replay", url.Values{"state": {"dead"}}, http.StatusForbidden, "create on pods/portforward"},
	} {
		call := func() (*http.Response, error) { return http.Get(want.url) }
		if want.form != nil {
			call = func() (*http.Response, error) { return http.PostForm(want.url, want.form) }
		}

		response, err := call()
		if err != nil {
			t.Fatal(err)
		}

		page, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}

		_ = response.Body.Close()

		if response.StatusCode != want.status || !strings.Contains(string(page), want.text) {
			t.Errorf("%s answers %d, want %d and %q:\n%s", what, response.StatusCode, want.status, want.text, page)
		}
	}

	if code := tool.stop(); code != 0 {
		t.Errorf("after Ctrl-C the exit code is %d: %s", code, tool.err.text.String())
	}

	c.kubelet.Kill(t, c.namespace, "sales-8")
}

// allow gives a user rights in the namespace.
func (c *testCluster) allow(t *testing.T, user string, rules ...rbacv1.PolicyRule) {
	t.Helper()

	meta := metav1.ObjectMeta{Namespace: c.namespace, Name: user}
	c.MustCreate(t, &rbacv1.Role{ObjectMeta: meta, Rules: rules})
	c.MustCreate(t, &rbacv1.RoleBinding{
		ObjectMeta: meta,
		Subjects: []rbacv1.Subject{{
			Kind:     rbacv1.UserKind,
			APIGroup: rbacv1.GroupName,
			Name:     user,
		}},
		RoleRef: rbacv1.RoleRef{
			APIGroup: rbacv1.GroupName,
			Kind:     "Role",
			Name:     user,
		},
	})
}
