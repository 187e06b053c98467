// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command demo shows the operator in a cluster: it installs it with Helm, applies config/samples/demo between stand-ins
// for Meta and Bird, delivers some messages and prints the answers. It leaves everything running for inspection, and can
// run again. 'make cluster-demo' runs it.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/test/e2e/kube"
	"github.com/wawebhook/whatsapp-webhook-operator/test/e2e/standins"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin/meta"
)

const (
	release         = "whatsapp-webhook-operator"
	systemNamespace = "whatsapp-webhook-system"
	namespace       = "demo" // config/samples/demo refers to the stand-ins in this namespace
	waitTimeout     = 5 * time.Minute
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Stdout)

	stop()

	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) error {
	cluster, err := kube.Open()
	if err != nil {
		return err
	}

	d := &demo{cluster: cluster, out: out}
	for _, step := range []struct {
		title string
		do    func(context.Context) error
	}{
		{"The operator, installed with Helm", d.install},
		{"Stand-ins for Meta and Bird", d.deploy},
		{"A WhatsAppWebhook and its Secrets from config/samples/demo", d.apply},
		{"Meta verifies the callback URL", d.handshake},
		{"People write, the AI answers", d.converse},
		{"The state in Kubernetes", d.observe},
	} {
		fmt.Fprintf(out, "\n== %s\n", step.title)

		if err := step.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.title, err)
		}
	}

	fmt.Fprint(out, nextSteps)

	return nil
}

// demo is the state that the steps share.
type demo struct {
	cluster  *kube.Cluster
	standins *standins.StandIns
	out      io.Writer
}

func (d *demo) line(format string, args ...any) {
	fmt.Fprintf(d.out, "   "+format+"\n", args...)
}

// kubectl prints the command and its output.
func (d *demo) kubectl(ctx context.Context, args ...string) error {
	d.line("$ kubectl %s", strings.Join(args, " "))

	printed, err := d.cluster.Kubectl(ctx, args...)
	for text := range strings.Lines(printed) {
		d.line("%s", strings.TrimRight(text, "\n"))
	}

	return err
}

func (d *demo) install(ctx context.Context) error {
	args := []string{
		"upgrade", "--install", release, "charts/whatsapp-webhook-operator",
		"--namespace=" + systemNamespace, "--create-namespace",
		"--wait", "--timeout=5m", "--set=image.tag=local", "--set=receiverImage.tag=local",
	}
	d.line("$ helm %s", strings.Join(args, " "))

	if _, err := d.cluster.Helm(ctx, args...); err != nil {
		return err
	}

	return d.kubectl(ctx, "--namespace="+systemNamespace, "get", "pods")
}

func (d *demo) deploy(ctx context.Context) (err error) {
	manifest := "apiVersion: v1\nkind: Namespace\nmetadata: {name: " + namespace + "}\n"
	if err := d.cluster.Apply(ctx, "default", manifest); err != nil {
		return err
	}

	if d.standins, err = standins.Deploy(ctx, d.cluster, namespace); err != nil {
		return err
	}

	return d.standins.DeliverTo(ctx, meta.Callback{
		URL:       "http://demo." + namespace + ".svc/webhooks/whatsapp",
		AppSecret: standins.AppSecret,
	})
}

func (d *demo) apply(ctx context.Context) error {
	if err := d.kubectl(ctx, "--namespace="+namespace, "apply", "--kustomize=config/samples/demo"); err != nil {
		return err
	}

	return d.kubectl(
		ctx,
		"--namespace="+namespace,
		"wait",
		"--for=condition=Ready",
		"waw/demo",
		"--timeout=5m",
	)
}

func (d *demo) observe(ctx context.Context) error {
	if err := d.kubectl(ctx, "--namespace="+namespace, "get", "waw,deployment,service,pvc,pod"); err != nil {
		return err
	}

	return d.kubectl(ctx, "--namespace="+namespace, "get", "waw/demo",
		`--output=jsonpath={range .status.conditions[*]}{.type}={.status}  {.reason}: {.message}{"\n"}{end}`)
}

const nextSteps = `
== Next steps
   eval "$(go run ./hack/cluster env)"              # KUBECONFIG and kubectl
   kubectl -n demo describe waw demo
   kubectl -n demo logs deployment/demo -f
   kubectl explain whatsappwebhook.spec

   kubectl -n demo port-forward deployment/demo 9091 9090 &
   curl localhost:9091/dead-letters                 # the console port: dead letters, to replay
   curl localhost:9090/status                       # the admin port; localhost:9090/metrics for Prometheus

   kubectl -n demo port-forward deployment/standin 8081 8082 &
   curl localhost:8081/_standin/sent                # messages sent to people
   curl localhost:8082/_standin/asked               # requests to Bird
   curl -d '{"status":503}' localhost:8082/_standin/faults   # Bird answers 503; curl -X DELETE … ends that

   make cluster-demo                                # run the demo again
   make cluster-down                                # delete the cluster
`
