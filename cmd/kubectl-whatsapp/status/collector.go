// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package status

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/cluster"
	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
)

const (
	// reportTimeout bounds how long one receiver may take. A resource whose receiver does not answer is shown without it.
	reportTimeout = 15 * time.Second
	// fleetTimeout bounds a look at all resources, and fleetReportTimeout how long one receiver of them may take, so that some that
	// hang leave time for the others. A page of the console gives up after 20 s.
	fleetTimeout       = 8 * time.Second
	fleetReportTimeout = 4 * time.Second
	// maxReport bounds the body of a report.
	maxReport = 1 << 20
	// parallel is the number of receivers that are asked at a time. It is less than the number of forwards that a pool keeps open.
	parallel = 32
	// adminStatusURL is the report of a receiver in a cluster.
	adminStatusURL = "http://localhost:9090/status"
)

// Collector reads the status of the resources of a cluster.
type Collector struct {
	cluster  *cluster.Cluster
	forwards *cluster.Pool
}

// NewCollector returns a collector that reaches receivers by the forwards of a pool.
func NewCollector(c *cluster.Cluster, forwards *cluster.Pool) *Collector {
	return &Collector{
		cluster:  c,
		forwards: forwards,
	}
}

// One returns the status of a resource of the namespace of the flags. It waits for a receiver that is just replaced.
func (c *Collector) One(ctx context.Context, name string) (Status, error) {
	webhook, err := c.cluster.Webhook(ctx, name)
	if err != nil {
		return Status{}, err
	}

	return read(ctx, webhook, func(ctx context.Context, webhook *v1alpha1.WhatsAppWebhook) (*health.Report, string, error) {
		forward := c.forwards.Forward(webhook.Namespace, webhook.Name)
		report, err := Read(ctx, forward.Client(), adminStatusURL)

		return report, forward.Pod(), err
	}), nil
}

// All returns the status of all resources of a namespace, or of all namespaces for "", the most urgent first. It makes one attempt
// at each receiver, and takes fleetTimeout at most: resources whose receivers have not answered by then are shown without them.
func (c *Collector) All(ctx context.Context, namespace string) ([]Status, error) {
	bounded, cancel := context.WithTimeout(ctx, fleetTimeout)
	defer cancel()

	webhooks, err := c.cluster.Webhooks(bounded, namespace)
	if err != nil {
		return nil, err
	}

	all := readAll(bounded, webhooks, func(ctx context.Context, webhook *v1alpha1.WhatsAppWebhook) (*health.Report, string, error) {
		ctx, cancel := context.WithTimeout(ctx, fleetReportTimeout)
		defer cancel()

		forward := c.forwards.Forward(webhook.Namespace, webhook.Name)
		report, err := Read(ctx, forward.ClientOnce(), adminStatusURL)

		return report, forward.Pod(), err
	})

	return all, ctx.Err()
}

// asker asks a receiver of a resource for its report. It returns the name of the pod too.
type asker func(context.Context, *v1alpha1.WhatsAppWebhook) (*health.Report, string, error)

// readAll returns the status of resources, the most urgent first. It asks no receiver after the end of ctx.
func readAll(ctx context.Context, webhooks []v1alpha1.WhatsAppWebhook, ask asker) []Status {
	all := make([]Status, len(webhooks))

	var group errgroup.Group

	group.SetLimit(parallel)

	for i := range webhooks {
		group.Go(func() error {
			all[i] = read(ctx, &webhooks[i], ask)

			return nil
		})
	}

	_ = group.Wait()

	Sort(all)

	return all
}

// errNotAsked is why a resource is shown without its receiver when others took all the time.
var errNotAsked = errors.New("the receiver was not asked: too many others did not answer in time")

// read returns the status of a resource, with what its receiver says.
func read(ctx context.Context, webhook *v1alpha1.WhatsAppWebhook, ask asker) Status {
	s := ofResource(webhook)

	var (
		report *health.Report
		pod    string
	)

	err := errNotAsked
	if ctx.Err() == nil {
		report, pod, err = ask(ctx, webhook)
	}

	switch {
	case errors.Is(err, context.DeadlineExceeded):
		s.Unreachable = "the receiver did not answer in time"
	case err != nil:
		s.Unreachable = err.Error()
	default:
		s.Pod = pod
		s.add(report, time.Now())
	}

	s.finish()

	return s
}

// OfReceiver returns the status of a receiver without a cluster, by its report at an address.
func OfReceiver(ctx context.Context, client *http.Client, name, address string) (Status, error) {
	report, err := Read(ctx, client, address)
	if err != nil {
		return Status{}, output.Unreachable(
			"Check that a receiver listens there: its console port is listen.console of its configuration.",
			"read the status of the receiver: %w", err)
	}

	s := Status{Name: name}
	s.add(report, time.Now())
	s.finish()

	return s, nil
}

// Read reads the report of a receiver.
func Read(ctx context.Context, client *http.Client, address string) (*health.Report, error) {
	ctx, cancel := context.WithTimeout(ctx, reportTimeout)
	defer cancel()

	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("prepare a call: %w", err)
	}

	response, err := client.Do(request)
	if call, ok := errors.AsType[*url.Error](err); ok {
		return nil, call.Err // without the address, which means nothing to people
	}

	if err != nil {
		return nil, err
	}

	defer response.Body.Close()

	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s", request.URL.Path, response.Status)
	}

	report := &health.Report{}
	if err := json.NewDecoder(io.LimitReader(response.Body, maxReport)).Decode(report); err != nil {
		return nil, fmt.Errorf("read the report: %w", err)
	}

	return report, nil
}

// plural returns one for 1, and many with the number for any other.
func plural(n int64, one, many string) string {
	if n == 1 {
		return one
	}

	return fmt.Sprintf(many, n)
}
