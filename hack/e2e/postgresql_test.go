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
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/postgres/pgtest"
)

// postgreSQL runs two receivers on one database, kills one of them, and rolls both: of the latter nobody who delivers is
// to notice anything.
func (s *suite) postgreSQL(t *testing.T) {
	s.kubectl(t, "create", "secret", "generic", "orders-database", "--from-literal=url="+s.database(t))
	s.apply(t, "orders.yaml")
	before := s.twoPods(t, nil)
	say(t, "two receivers share a database:\n%s", s.kubectl(t, "get", "waw,pod"))
	s.deliverTo(t, "orders")
	s.underLoad(t, "orders", func() {
		s.kill(t, before[0])
		say(t, "kill -9 of one of them")
		s.eventually(t, func(ctx context.Context) error {
			pods, err := s.pods(ctx, "orders")
			for _, pod := range pods {
				if err == nil && pod.UID == before[0].UID && (restarts(pod) == restarts(before[0]) || !ready(pod)) {
					err = fmt.Errorf("it is not back: %s", phases(pods))
				}
			}
			return err
		})
		say(t, "it is back")
		s.more(t)

		refused := s.refusals(t)
		s.kubectl(t, "patch", "waw/orders", "--type=merge", `--patch={"spec":{"processing":{"retry":{"maxRetries":5}}}}`)
		s.twoPods(t, before)
		s.more(t)
		if now := s.refusals(t); !maps.Equal(refused, now) {
			t.Errorf("deliveries were refused during the update: %v before, %v after", refused, now)
		}
		say(t, "both are replaced by a rolling update, without a refused delivery")
	})
	s.kubectl(t, "delete", "waw/orders", "--wait")
	s.eventually(t, func(ctx context.Context) error {
		pods, err := s.pods(ctx, "orders")
		if err == nil && len(pods) > 0 {
			err = fmt.Errorf("there are pods: %s", phases(pods))
		}
		return err
	})
	s.deliverTo(t, "sales")
}

func (s *suite) refusals(t *testing.T) map[string]int {
	t.Helper()
	load, err := s.standins.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return load.Refusals
}

// twoPods waits for two receivers that are ready, and none of those before.
func (s *suite) twoPods(t *testing.T, before []corev1.Pod) []corev1.Pod {
	t.Helper()
	var two []corev1.Pod
	s.eventually(t, func(ctx context.Context) error {
		pods, err := s.pods(ctx, "orders")
		if err != nil {
			return err
		}
		for _, pod := range pods {
			for _, former := range before {
				if pod.UID == former.UID {
					return fmt.Errorf("%s is not replaced", pod.Name)
				}
			}
		}
		if len(pods) != 2 || !ready(pods[0]) || !ready(pods[1]) {
			return fmt.Errorf("there are %d pods: %s", len(pods), phases(pods))
		}
		two = pods
		return nil
	})
	return two
}

// database runs a PostgreSQL server on this machine, which pods reach as they reach anything outside of the cluster, and
// returns the URL of a user.
func (s *suite) database(t *testing.T) string {
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
	access, err := os.CreateTemp("", "e2e-pg-hba-") //nolint:usetesting // the server runs as another user, who cannot read in t.TempDir
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
	server := pgtest.New(t, pgtest.Options{Settings: []string{"listen_addresses=127.0.0.1," + address, "hba_file=" + access.Name()}})
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

// addressTowards returns the address of this machine that a node sees. Nothing is sent.
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
