// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/apiserver"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/checkout"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/port"
)

// TestManagerWorksWithTheChartsRights runs the manager with exactly the arguments and rights of the chart.
func TestManagerWorksWithTheChartsRights(t *testing.T) {
	for _, test := range []struct {
		namespace  string
		values     []string
		everywhere bool
	}{
		{namespace: "cluster-wide", everywhere: true},
		{namespace: "namespaced", values: []string{"--set=namespaces={namespaced,namespaced-team}"}},
	} {
		t.Run(test.namespace, func(t *testing.T) {
			team := test.namespace + "-team"

			stranger := test.namespace + "-stranger"
			for _, namespace := range []string{test.namespace, team, stranger} {
				testCluster.MustCreate(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}})
			}

			testCluster.MustCreate(t, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: team, Name: "prometheus"}})
			testCluster.MustCreate(t, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: team, Name: "stranger"}})
			t.Cleanup(func() { removeCRD(t) })
			helm4.run(t, append([]string{
				"install", release, chart, "--namespace=" + test.namespace,
				"--set=metrics.readers[0].name=prometheus,metrics.readers[0].namespace=" + team,
				"--set=metrics.readerToken.create=true",
			}, test.values...)...)
			t.Cleanup(func() { helm4.run(t, "uninstall", release, "--namespace="+test.namespace) })

			account := client.ObjectKey{Namespace: test.namespace, Name: release + "-manager"}

			// The API server serves the kind with a delay. A manager that starts before ends, and its pod starts it again.
			for _, namespace := range []string{team, stranger} {
				webhook := sample(t, namespace)
				apiserver.Eventually(t, func() error { return testCluster.Create(t.Context(), webhook) })
			}

			metrics := startManager(t, account)

			apiserver.Eventually(t, func() error { return applied(t, team) })

			if test.everywhere {
				apiserver.Eventually(t, func() error { return applied(t, stranger) })
			} else if err := applied(t, stranger); err == nil {
				t.Error("the manager reconciles a namespace that it does not watch")
			}

			apiserver.Eventually(t, func() error {
				return scrape(t, metrics, client.ObjectKey{Namespace: team, Name: "prometheus"}, http.StatusOK)
			})

			// The Secret of the chart's own reader stays empty without a controller manager.
			reader := get(t, "v1", "Secret", test.namespace, release+"-metrics-reader-token").GetAnnotations()[corev1.ServiceAccountNameKey]
			if err := scrape(t, metrics, client.ObjectKey{Namespace: test.namespace, Name: reader}, http.StatusOK); err != nil {
				t.Error(err)
			}

			if err := scrape(t, metrics, client.ObjectKey{Namespace: team, Name: "stranger"}, http.StatusForbidden); err != nil {
				t.Error(err)
			}

			lease := authorizationv1.ResourceAttributes{
				Group:    "coordination.k8s.io",
				Resource: "leases",
				Verb:     "create",
			}
			deployments := authorizationv1.ResourceAttributes{
				Group:    "apps",
				Resource: "deployments",
				Verb:     "patch",
			}

			secrets := authorizationv1.ResourceAttributes{Resource: "secrets", Verb: "get"}
			for _, may := range []struct {
				what  authorizationv1.ResourceAttributes
				where string
				want  bool
			}{
				{lease, test.namespace, true},
				{lease, team, false},
				{deployments, team, true},
				{deployments, stranger, test.everywhere},
				{deployments, "", test.everywhere},
				{secrets, test.namespace, false},
				{secrets, team, false},
				{secrets, "", false},
			} {
				if got := allowed(t, account, may.what, may.where); got != may.want {
					t.Errorf("the manager may %s %s in %q: %v", may.what.Verb, may.what.Resource, may.where, got)
				}
			}
		})
	}
}

var buildManager = sync.OnceValues(func() (string, error) {
	// TestMain removes the folder of the kubeconfig.
	program := filepath.Join(filepath.Dir(testCluster.kubeconfig), "manager")

	out, err := exec.Command("go", "build", "-o", program, root+"/cmd/manager").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}

	return program, nil
})

// startManager runs the manager with the arguments of its Deployment and as its ServiceAccount, until the test ends. It
// returns the address of the metrics. Leader election is disabled, because it needs the namespace of a pod.
func startManager(t *testing.T, account client.ObjectKey) (metrics string) {
	t.Helper()
	checkout.DependOn(t)

	program, err := buildManager()
	if err != nil {
		t.Fatalf("build the manager: %v", err)
	}

	metrics = port.Address(t)
	args := strings.Fields(arguments(t, get(t, "apps/v1", "Deployment", account.Namespace, account.Name)))
	args = append(args, "--leader-elect=false", "--metrics-bind-address="+metrics, "--health-probe-bind-address=127.0.0.1:0")

	var log bytes.Buffer

	manager := exec.Command(program, args...)

	manager.Env = append(os.Environ(), "KUBECONFIG="+kubeconfigOf(t, account), "POD_NAMESPACE="+account.Namespace)
	manager.Stderr = &log

	if err := manager.Start(); err != nil {
		t.Fatal(err)
	}

	ended := make(chan error, 1)
	go func() { ended <- manager.Wait() }()

	t.Cleanup(func() {
		if err := manager.Process.Signal(syscall.SIGTERM); err != nil {
			t.Errorf("stop the manager: %v", err)
		}

		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("the manager exited: %v", err)
			}
		case <-time.After(apiserver.Timeout):
			t.Errorf("the manager did not exit and was killed: %v", errors.Join(manager.Process.Kill(), <-ended))
		}

		if strings.Contains(log.String(), "forbidden: User") {
			t.Error("a request of the manager was forbidden")
		}

		if t.Failed() {
			t.Logf("log of the manager:\n%s", log.String())
		}
	})

	return metrics
}

// kubeconfigOf returns a kubeconfig file of a ServiceAccount for the test's cluster.
func kubeconfigOf(t *testing.T, account client.ObjectKey) string {
	t.Helper()

	config := clientcmdapi.NewConfig()
	config.Clusters["test"] = &clientcmdapi.Cluster{
		Server:                   testCluster.Admin.Host,
		CertificateAuthorityData: testCluster.Admin.CAData,
	}
	config.AuthInfos["account"] = &clientcmdapi.AuthInfo{Token: tokenOf(t, account)}
	config.Contexts["test"] = &clientcmdapi.Context{Cluster: "test", AuthInfo: "account"}
	config.CurrentContext = "test"

	file := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*config, file); err != nil {
		t.Fatal(err)
	}

	return file
}

// tokenOf returns a token of a ServiceAccount.
func tokenOf(t *testing.T, account client.ObjectKey) string {
	t.Helper()

	request := &authenticationv1.TokenRequest{}

	owner := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: account.Namespace, Name: account.Name}}
	if err := testCluster.SubResource("token").Create(t.Context(), owner, request); err != nil {
		t.Fatalf("get a token of %s: %v", account, err)
	}

	return request.Status.Token
}

// applied returns an error until the operator has applied the objects of the sample in the namespace.
func applied(t *testing.T, namespace string) error {
	t.Helper()

	webhook := sample(t, namespace)
	if err := testCluster.Get(t.Context(), client.ObjectKeyFromObject(webhook), webhook); err != nil {
		return err
	}

	conditions, _, err := unstructured.NestedSlice(webhook.Object, "status", "conditions")
	if err != nil {
		return err
	}

	for _, condition := range conditions {
		c, ok := condition.(map[string]any)
		if ok && c["type"] == v1alpha1.ConditionReady && c["reason"] == v1alpha1.ReasonProgressing {
			return nil
		}
	}

	return fmt.Errorf("the conditions of %s are %v", key(webhook), conditions)
}

// scrape reads the metrics as an account, and returns an error for any other status.
func scrape(t *testing.T, address string, account client.ObjectKey, want int) error {
	t.Helper()

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()

	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+address+"/metrics", http.NoBody)
	if err != nil {
		return err
	}

	request.Header.Set("Authorization", "Bearer "+tokenOf(t, account))

	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} // as the ServiceMonitor does
	defer transport.CloseIdleConnections()

	response, err := transport.RoundTrip(request)
	if err != nil {
		return err
	}

	response.Body.Close()

	if response.StatusCode != want {
		return fmt.Errorf("%s got %s from the metrics, want %d", account, response.Status, want)
	}

	return nil
}

// allowed reports whether the account has the right in the namespace.
func allowed(t *testing.T, account client.ObjectKey, what authorizationv1.ResourceAttributes, namespace string) bool {
	t.Helper()

	what.Namespace = namespace
	review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User:               "system:serviceaccount:" + account.Namespace + ":" + account.Name,
		ResourceAttributes: &what,
	}}
	testCluster.MustCreate(t, review)

	return review.Status.Allowed
}
