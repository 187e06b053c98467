// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

// Package e2e tries the operator and its receivers on a real node, as people run them: installed by Helm, declared by
// kubectl, and disturbed while people write. 'make e2e' runs it.
package e2e

import (
	"context"
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/test/e2e/kube"
	"github.com/wawebhook/whatsapp-webhook-operator/test/e2e/standins"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin/meta"
)

const (
	chart           = "../../charts/whatsapp-webhook-operator"
	release         = "whatsapp-webhook-operator"
	systemNamespace = "whatsapp-webhook-system"
	namespace       = "messaging" // of the WhatsAppWebhooks
	// patience is how long anything may take that has no time of its own. The machine may be slow.
	patience = 3 * time.Minute
	clock    = "15:04:05.0"
)

//go:embed testdata
var testdata embed.FS

// suite is what the scenarios share. They build on each other and run in order.
type suite struct {
	*kube.Cluster
	whole     *testing.T // all scenarios together
	standins  *standins.StandIns
	appSecret string // by which Meta signs now
	logs      string // folder of all logs
	rows      []row
}

// row is a scenario in the table at the end. Its figures are of messages from people: how many deliveries were answered
// 200 and how many not, which were repeated; how many messages Bird was asked about, how many replies were sent, how many
// of them were second ones, and how many messages got none.
type row struct {
	scenario                                             string
	took                                                 time.Duration
	acknowledged, repeated, stored, sent, twice, missing int
}

func TestCluster(t *testing.T) {
	cluster, err := kube.Open()
	if err != nil {
		t.Fatal(err)
	}

	s := &suite{
		Cluster:   cluster,
		whole:     t,
		appSecret: standins.AppSecret,
	}
	if s.logs, err = os.MkdirTemp("", "e2e-logs-"); err != nil { //nolint:usetesting // it outlives a test that failed
		t.Fatal(err)
	}

	t.Logf("logs are written to %s, and removed when everything went well", s.logs)
	ctx, cancel := context.WithCancel(t.Context())

	var following sync.WaitGroup
	following.Go(func() { s.FollowLogs(ctx, s.logs) })
	t.Cleanup(func() {
		cancel()
		following.Wait()

		if t.Failed() {
			t.Logf("logs and objects: %s", s.logs)
		} else if err := os.RemoveAll(s.logs); err != nil {
			t.Error(err)
		}
	})

	for _, scenario := range []struct {
		name string
		play func(*suite, *testing.T)
	}{
		{"install", (*suite).install},
		{"secret that comes later", (*suite).secretComesLater},
		{"one conversation", (*suite).oneConversation},
		{"receiver killed", (*suite).receiverKilled},
		{"receiver rolled", (*suite).receiverRolled},
		{"app secret rotated", (*suite).appSecretRotated},
		{"configuration changed", (*suite).configurationChanged},
		{"Bird down for a minute", (*suite).birdDown},
		{"kubelet restarted", (*suite).kubeletRestarted},
		{"operator killed, upgraded", (*suite).operatorUpgraded},
		{"scaled to zero and back", (*suite).scaledToZero},
		{"deleted and applied again", (*suite).deletedAndApplied},
		{"switched to PostgreSQL", (*suite).storeSwitched},
		{"one of two killed, rolled", (*suite).oneOfTwoKilled},
		{"autoscaled, node drained", (*suite).nodeDrained},
		{"uninstall", (*suite).uninstall},
	} {
		began := time.Now()

		s.rows = append(s.rows, row{scenario: scenario.name})
		passed := t.Run(scenario.name, func(t *testing.T) { scenario.play(s, t) })

		s.rows[len(s.rows)-1].took = time.Since(began)
		if !passed {
			if err := s.SaveState(t.Context(), s.logs); err != nil {
				t.Error(err)
			}

			break // the others build on it
		}
	}

	t.Log("\n" + s.table())
}

func (s *suite) table() string {
	var text strings.Builder

	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "scenario\tseconds\tacknowledged\trepeated\tstored\treplies\tduplicates\tlost\t")

	var sum row
	for _, r := range s.rows {
		r.write(w)
		sum.took += r.took
		sum.acknowledged += r.acknowledged
		sum.repeated += r.repeated
		sum.stored += r.stored
		sum.sent += r.sent
		sum.twice += r.twice
		sum.missing += r.missing
	}

	sum.scenario = "in all"
	sum.write(w)
	_ = w.Flush() // a Builder takes everything

	return text.String()
}

func (r row) write(w *tabwriter.Writer) {
	fmt.Fprintf(w, "%s\t%.0f\t%d\t%d\t%d\t%d\t%d\t%d\t\n", r.scenario, r.took.Seconds(), r.acknowledged, r.repeated, r.stored, r.sent, r.twice, r.missing)
}

// say tells what is done, and when.
func say(t *testing.T, format string, args ...any) {
	t.Helper()
	t.Logf("%s  %s", time.Now().Format(clock), fmt.Sprintf(format, args...))
}

// kubectl returns what kubectl prints, in the namespace of the WhatsAppWebhooks.
func (s *suite) kubectl(t *testing.T, args ...string) string {
	t.Helper()

	printed, err := s.Kubectl(t.Context(), append([]string{"--namespace=" + namespace}, args...)...)
	if err != nil {
		t.Fatal(err)
	}

	return strings.TrimSpace(printed)
}

func (s *suite) helm(t *testing.T, args ...string) string {
	t.Helper()

	printed, err := s.Helm(t.Context(), append(args, "--namespace="+systemNamespace)...)
	if err != nil {
		t.Fatal(err)
	}

	return printed
}

// apply applies a file of testdata.
func (s *suite) apply(t *testing.T, file string) {
	t.Helper()

	manifest, err := testdata.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}

	if err := s.Apply(t.Context(), namespace, string(manifest)); err != nil {
		t.Fatal(err)
	}
}

// eventually asks until there is no error.
func (s *suite) eventually(t *testing.T, ask func(context.Context) error) {
	t.Helper()

	if err := kube.Eventually(t.Context(), patience, ask); err != nil {
		t.Fatal(err)
	}
}

// deliverTo says which WhatsAppWebhook Meta delivers to, by the app secret of now.
func (s *suite) deliverTo(t *testing.T, webhook string) {
	t.Helper()

	to := meta.Callback{URL: "http://" + webhook + "." + namespace + ".svc/webhooks/whatsapp", AppSecret: s.appSecret}
	if err := s.standins.DeliverTo(t.Context(), to); err != nil {
		t.Fatal(err)
	}
}
