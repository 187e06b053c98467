// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/test/pgtest"
)

// storeSwitched moves a WhatsAppWebhook from the embedded store to PostgreSQL as docs/resource.md describes: it stops the
// deliveries until all events are processed, and then changes the store. Meta redelivers the messages of the meantime.
func (s *suite) storeSwitched(t *testing.T) {
	s.kubectl(t, "create", "secret", "generic", "orders-database", "--from-literal=url="+s.database())
	s.apply(t, "orders.yaml")
	s.pod(t, "orders")
	s.deliverTo(t, "orders")
	s.underLoad(t, "orders", func() {
		s.deliverTo(t, "absent") // a Service that does not exist
		logStep(t, "deliveries to orders are stopped")
		s.eventually(t, func(ctx context.Context) error {
			reported, err := s.status(ctx, "orders")
			if err == nil && reported.Pending > 0 {
				err = fmt.Errorf("%d events are pending", reported.Pending)
			}

			return err
		})
		logStep(t, "no event is pending; change the store to PostgreSQL, with two replicas")
		s.patch(t, "waw/orders", `{"spec":{
			"store":{"embedded":null,"postgreSQL":{"urlSecretRef":{"name":"orders-database","key":"url"}}},
			"receiver":{"replicas":2}
		}}`)
		s.newPods(t, 2, nil)
		s.deliverTo(t, "orders")
		logStep(t, "two receivers share a database:\n%s", s.kubectl(t, "get", "waw,pod"))
	})
}

// oneOfTwoKilled kills one of two receivers, and then rolls both. During the rolling update no delivery is refused.
func (s *suite) oneOfTwoKilled(t *testing.T) {
	before := s.newPods(t, 2, nil)
	s.underLoad(t, "orders", func() {
		s.kill(t, before[0])
		logStep(t, "kill -9 of one receiver")
		s.eventually(t, func(ctx context.Context) error {
			pods, err := s.pods(ctx, "orders")
			if err != nil {
				return err
			}

			for _, pod := range pods {
				restarted := restarts(pod) > restarts(before[0]) && ready(pod)
				if pod.UID == before[0].UID && !restarted {
					return fmt.Errorf("the receiver has not restarted: %s", phases(pods))
				}
			}

			return nil
		})
		logStep(t, "it has restarted")
		s.waitForMessages(t)

		refused := s.refusals(t)
		s.patch(t, "waw/orders", `{"spec":{"receiver":{"logLevel":"Debug"}}}`)
		s.newPods(t, 2, before)
		s.waitForMessages(t)

		if now := s.refusals(t); !maps.Equal(refused, now) {
			t.Errorf("deliveries were refused during the update: %v before, %v after", refused, now)
		}

		logStep(t, "a rolling update replaced both; no delivery was refused")
	})
}

func (s *suite) refusals(t *testing.T) map[string]int {
	t.Helper()

	load, err := s.standins.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	return load.Refusals
}

// newPods waits until orders has the given number of receivers, all ready and none of them among before.
func (s *suite) newPods(t *testing.T, number int, before []corev1.Pod) []corev1.Pod {
	t.Helper()

	var pods []corev1.Pod
	s.eventually(t, func(ctx context.Context) error {
		var err error
		if pods, err = s.pods(ctx, "orders"); err != nil {
			return err
		}

		if old := among(pods, before); len(old) > 0 {
			return fmt.Errorf("not replaced: %s", phases(old))
		}

		unready := func(pod corev1.Pod) bool { return !ready(pod) }
		if len(pods) != number || slices.ContainsFunc(pods, unready) {
			return fmt.Errorf("%d pods, want %d ready: %s", len(pods), number, phases(pods))
		}

		return nil
	})

	return pods
}

// among returns the pods that are also in before.
func among(pods, before []corev1.Pod) []corev1.Pod {
	return slices.DeleteFunc(slices.Clone(pods), func(pod corev1.Pod) bool {
		return !slices.ContainsFunc(before, func(former corev1.Pod) bool { return former.UID == pod.UID })
	})
}

// database runs a PostgreSQL server on this machine until all scenarios have ended, outside the cluster, and returns the
// URL of a user.
func (s *suite) database() string {
	t := s.all
	t.Helper()

	var nodes corev1.NodeList
	if err := s.List(t.Context(), &nodes); err != nil || len(nodes.Items) == 0 {
		t.Fatalf("%d nodes: %v", len(nodes.Items), err)
	}

	address := ""
	for _, a := range nodes.Items[0].Status.Addresses {
		if a.Type == corev1.NodeInternalIP {
			address = addressTowards(t, a.Address)
		}
	}

	// The server runs as another user, which cannot read files in t.TempDir.
	access, err := os.CreateTemp("", "e2e-pg-hba-")
	if err != nil {
		t.Fatal(err)
	}
	defer access.Close()

	t.Cleanup(func() { _ = os.Remove(access.Name()) })

	if err := access.Chmod(0o644); err != nil {
		t.Fatal(err)
	}

	if _, err := access.WriteString("host all all 0.0.0.0/0 scram-sha-256\n"); err != nil {
		t.Fatal(err)
	}

	server := pgtest.New(t, pgtest.Options{Settings: []string{
		"listen_addresses=127.0.0.1," + address,
		"hba_file=" + access.Name(),
	}})

	user, err := server.NewUser()
	if err != nil {
		t.Fatal(err)
	}

	target, err := url.Parse(user.URL)
	if err != nil {
		t.Fatal(err)
	}

	target.Host = net.JoinHostPort(address, target.Port())
	target.RawQuery = "sslmode=disable"

	return target.String()
}

// addressTowards returns the local address of connections to a node. Dialing UDP sends no packet.
func addressTowards(t *testing.T, node string) string {
	t.Helper()

	connection, err := new(net.Dialer).DialContext(t.Context(), "udp", net.JoinHostPort(node, "9"))
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()

	host, _, err := net.SplitHostPort(connection.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}

	return host
}
