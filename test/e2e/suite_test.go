// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

// Package e2e tests the operator and its receivers on a real node: installed with Helm, applied with kubectl, and disturbed
// under load. 'make e2e' runs it.
package e2e

import (
	"context"
	"embed"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/wawebhook/whatsapp-webhook-operator/test/e2e/kube"
	"github.com/wawebhook/whatsapp-webhook-operator/test/e2e/standins"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin/meta"
)

const (
	chart           = "../../charts/whatsapp-webhook-operator"
	release         = "whatsapp-webhook-operator"
	systemNamespace = "whatsapp-webhook-system"
	namespace       = "messaging" // of the WhatsAppWebhooks
	// waitTimeout bounds every wait. It is long because the machine may be slow.
	waitTimeout = 10 * time.Minute
	timeFormat  = "15:04:05.0"
)

//go:embed testdata
var testdata embed.FS

// suite is the state that the scenarios share. They run in order, each on the state that the one before left.
type suite struct {
	*kube.Cluster
	all       *testing.T // the test of all scenarios
	standins  *standins.StandIns
	appSecret string // with which Meta signs
	logs      string // folder of all logs
	rows      []row
}

// row is a scenario in the final table. It counts messages of people.
type row struct {
	scenario     string
	took         time.Duration
	acknowledged int // deliveries answered 200
	repeated     int // deliveries not answered 200, and repeated
	stored       int // messages in requests to Bird
	sent         int // answers
	duplicates   int // answers beyond the first to a message
	missing      int // messages without an answer
}

func TestCluster(t *testing.T) {
	log.SetLogger(logr.Discard()) // of the installation of Flux's kinds

	cluster, err := kube.Open()
	if err != nil {
		t.Fatal(err)
	}

	s := &suite{
		Cluster:   cluster,
		all:       t,
		appSecret: standins.AppSecret,
	}
	if s.logs, err = os.MkdirTemp("", "e2e-logs-"); err != nil { //nolint:usetesting // the folder remains after a failed test
		t.Fatal(err)
	}

	t.Logf("logs are written to %s, and removed if all scenarios pass", s.logs)
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
		{"the tool", (*suite).useTool},
		{"the console", (*suite).visitConsole},
		{"every protocol", (*suite).everyProtocol},
		{"receiver killed", (*suite).receiverKilled},
		{"receiver rolled", (*suite).receiverRolled},
		{"app secret rotated", (*suite).appSecretRotated},
		{"configuration changed", (*suite).configurationChanged},
		{"Bird down for a minute", (*suite).birdDown},
		{"kubelet restarted", (*suite).kubeletRestarted},
		{"operator killed, upgraded", (*suite).operatorUpgraded},
		{"reconciliation suspended", (*suite).suspended},
		{"scaled to zero and back", (*suite).scaledToZero},
		{"deleted and applied again", (*suite).deletedAndApplied},
		{"volume retained, restored", (*suite).volumeRetained},
		{"number moved", (*suite).numberMoved},
		{"ten receivers upgraded", (*suite).fleetUpgraded},
		{"kept by Flux", (*suite).keptByFlux},
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

			break // the next scenarios need its result
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
		sum.duplicates += r.duplicates
		sum.missing += r.missing
	}

	sum.scenario = "in all"
	sum.write(w)
	_ = w.Flush() // writing to a strings.Builder cannot fail

	return text.String()
}

func (r row) write(w *tabwriter.Writer) {
	fmt.Fprintf(w, "%s\t%.0f\t%d\t%d\t%d\t%d\t%d\t%d\t\n",
		r.scenario, r.took.Seconds(), r.acknowledged, r.repeated, r.stored, r.sent, r.duplicates, r.missing)
}

// logStep logs a step of a scenario with the time of day.
func logStep(t *testing.T, format string, args ...any) {
	t.Helper()
	t.Logf("%s  %s", time.Now().Format(timeFormat), fmt.Sprintf(format, args...))
}

// kubectl runs kubectl in the namespace of the WhatsAppWebhooks and returns its output.
func (s *suite) kubectl(t *testing.T, args ...string) string {
	t.Helper()

	printed, err := s.Kubectl(t.Context(), append([]string{"--namespace=" + namespace}, args...)...)
	if err != nil {
		t.Fatal(err)
	}

	return strings.TrimSpace(printed)
}

// patch applies a merge patch to an object.
func (s *suite) patch(t *testing.T, object, patch string) {
	t.Helper()
	s.kubectl(t, "patch", object, "--type=merge", "--patch="+patch)
}

func (s *suite) helm(t *testing.T, args ...string) string {
	t.Helper()

	printed, err := s.Helm(t.Context(), append(args, "--namespace="+systemNamespace)...)
	if err != nil {
		t.Fatal(err)
	}

	return printed
}

// apply applies a file of testdata in the namespace of the WhatsAppWebhooks.
func (s *suite) apply(t *testing.T, file string) {
	t.Helper()
	s.applyTo(t, namespace, file)
}

// eventually waits until check returns nil.
func (s *suite) eventually(t *testing.T, check func(context.Context) error) {
	t.Helper()

	if err := kube.Eventually(t.Context(), waitTimeout, check); err != nil {
		t.Fatal(err)
	}
}

// deliverTo sets the WhatsAppWebhook to which Meta delivers, signed with the current app secret.
func (s *suite) deliverTo(t *testing.T, webhook string) {
	t.Helper()

	to := meta.Callback{
		URL:       "http://" + webhook + "." + namespace + ".svc/webhooks/whatsapp",
		AppSecret: s.appSecret,
	}
	if err := s.standins.DeliverTo(t.Context(), to); err != nil {
		t.Fatal(err)
	}
}
