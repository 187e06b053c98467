// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/apiserver"
)

// cluster is an API server with the CRD, and a user without rights for the manager.
type cluster struct {
	*apiserver.Server

	binary string // of the manager
	user   *envtest.AuthenticatedUser
}

func startCluster(t *testing.T) *cluster {
	t.Helper()

	scheme, err := controllers.NewScheme()
	if err != nil {
		t.Fatal(err)
	}

	c := &cluster{
		Server: apiserver.Start(t, &envtest.Environment{
			Scheme: scheme,
			CRDDirectoryPaths: []string{
				"../../config/crd/bases",
				"../../controllers/testdata/crds/monitoring.coreos.com_servicemonitors.yaml",
			},
			ErrorIfCRDPathMissing: true,
		}),
		binary: filepath.Join(t.TempDir(), "manager"),
	}

	if c.user, err = c.Environment.AddUser(envtest.User{Name: "manager"}, nil); err != nil {
		t.Fatal(err)
	}

	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", c.binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}

	return c
}

// managerSubjects is the user as which the manager runs.
var managerSubjects = []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: "manager"}}

// grant binds the roles of a file to the manager's user: in the namespaces given, or else in the whole cluster.
func (c *cluster) grant(t *testing.T, file string, namespaces ...string) {
	t.Helper()

	for _, role := range roles(t, file) {
		meta := metav1.ObjectMeta{Name: role.Name}
		if len(namespaces) == 0 {
			c.MustCreate(t, &rbacv1.ClusterRole{ObjectMeta: meta, Rules: role.Rules})
			c.MustCreate(t, &rbacv1.ClusterRoleBinding{
				ObjectMeta: meta,
				Subjects:   managerSubjects,
				RoleRef: rbacv1.RoleRef{
					APIGroup: rbacv1.GroupName,
					Kind:     "ClusterRole",
					Name:     role.Name,
				},
			})
		}

		for _, namespace := range namespaces {
			c.grantRules(t, namespace, role.Name, role.Rules)
		}
	}
}

// grantRules binds rules to the manager's user in a namespace.
func (c *cluster) grantRules(t *testing.T, namespace, name string, rules []rbacv1.PolicyRule) {
	t.Helper()

	meta := metav1.ObjectMeta{Namespace: namespace, Name: name}
	c.MustCreate(t, &rbacv1.Role{ObjectMeta: meta, Rules: rules})
	c.MustCreate(t, &rbacv1.RoleBinding{
		ObjectMeta: meta,
		Subjects:   managerSubjects,
		RoleRef: rbacv1.RoleRef{
			APIGroup: rbacv1.GroupName,
			Kind:     "Role",
			Name:     name,
		},
	})
}

// roles returns the roles of a file with their rules.
func roles(t *testing.T, file string) []rbacv1.ClusterRole {
	t.Helper()

	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}

	var found []rbacv1.ClusterRole

	documents := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(data), 4096)
	for {
		role := rbacv1.ClusterRole{} // a Role has the same fields
		if err := documents.Decode(&role); errors.Is(err, io.EOF) {
			return found
		} else if err != nil {
			t.Fatalf("%s: %v", file, err)
		}

		if len(role.Rules) > 0 {
			found = append(found, role)
		}
	}
}

// managerRules returns the rules of the manager, split into the rules about the resource and all others.
func managerRules(t *testing.T, resource string) (concerning, others []rbacv1.PolicyRule) {
	t.Helper()

	for _, rule := range roles(t, "../../config/rbac/role.yaml")[0].Rules {
		if slices.Contains(rule.Resources, resource) {
			concerning = append(concerning, rule)
		} else {
			others = append(others, rule)
		}
	}

	return concerning, others
}

// token returns a token of a service account with the rules. It creates the account on first use.
func (c *cluster) token(t *testing.T, name string, rules []rbacv1.PolicyRule) string {
	t.Helper()

	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "home", Name: name}}
	if err := c.Get(t.Context(), client.ObjectKeyFromObject(account), account); err != nil {
		c.MustCreate(t, account)

		meta := metav1.ObjectMeta{Name: name}
		c.MustCreate(t, &rbacv1.ClusterRole{ObjectMeta: meta, Rules: rules})
		c.MustCreate(t, &rbacv1.ClusterRoleBinding{
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
