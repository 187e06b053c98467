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
	// fleetReportTimeout is how long one receiver may take when all resources are read, so that receivers that hang delay the
	// others little.
	fleetReportTimeout = 4 * time.Second
	// pageTime is how long Page asks further receivers. With fleetReportTimeout after it, the call ends before the page gives
	// up, which it does after 20 s.
	pageTime = 8 * time.Second
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
	turns    turns
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
		return c.ask(ctx, webhook, reportTimeout, (*cluster.Forward).Client)
	}), nil
}

// All returns the status of all resources of a namespace, or of all namespaces for "", the most urgent first. It makes one attempt
// at each receiver: resources whose receivers do not answer in time are shown without them.
func (c *Collector) All(ctx context.Context, namespace string) ([]Status, error) {
	webhooks, err := c.cluster.Webhooks(ctx, namespace)
	if err != nil {
		return nil, err
	}

	return readAll(ctx, webhooks, c.askOnce), ctx.Err()
}

// Page is All for a page that is read again every few seconds. It asks receivers for pageTime: resources whose receivers
// were not asked by then are shown without them, and are asked first in the next call.
func (c *Collector) Page(ctx context.Context, namespace string) ([]Status, error) {
	end := time.Now().Add(pageTime)

	bounded, cancel := context.WithDeadline(ctx, end)
	defer cancel()

	webhooks, err := c.cluster.Webhooks(bounded, namespace)
	if err != nil {
		return nil, err
	}

	c.turns.sort(webhooks)

	return readAll(ctx, webhooks, c.turns.until(end, c.askOnce)), ctx.Err()
}

// asker asks a receiver of a resource for its report. It returns the name of the pod too.
type asker func(context.Context, *v1alpha1.WhatsAppWebhook) (*health.Report, string, error)

// ask is an asker with a client of the forward to the receiver. The timeout begins when there is room for the forward.
func (c *Collector) ask(
	ctx context.Context,
	webhook *v1alpha1.WhatsAppWebhook,
	timeout time.Duration,
	client func(*cluster.Forward) *http.Client,
) (*health.Report, string, error) {
	forward, release, err := c.forwards.Use(ctx, webhook.Namespace, webhook.Name)
	if err != nil {
		return nil, "", fmt.Errorf("connect to a receiver: %w", err)
	}
	defer release()

	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()

	report, err := Read(ctx, client(forward), adminStatusURL)

	return report, forward.Pod(), err
}

// askOnce is an asker that makes one attempt and takes fleetReportTimeout at most.
func (c *Collector) askOnce(ctx context.Context, webhook *v1alpha1.WhatsAppWebhook) (*health.Report, string, error) {
	return c.ask(ctx, webhook, fleetReportTimeout, (*cluster.Forward).ClientOnce)
}

// readAll returns the status of resources, the most urgent first. It asks their receivers in the order of the resources.
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

// read returns the status of a resource, with what its receiver says.
func read(ctx context.Context, webhook *v1alpha1.WhatsAppWebhook, ask asker) Status {
	s := ofResource(webhook)

	report, pod, err := ask(ctx, webhook)

	switch {
	case err != nil && s.IsScaledToZero(): // Ready says why no receiver answers
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
