// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

const (
	operatorRatio  = 1.25
	operatorMemory = 100 // MB
	// operatorWorkers is how many requests the plain client has in flight: as many as the operator has workers.
	operatorWorkers = 8
	plainOwner      = "bench"

	// operatedNamespace is the namespace of the resources that the manager reconciles.
	operatedNamespace = "operated"
)

// operator measures how long the real manager takes to bring new resources to a steady state at a real API server. The
// base line is a plain client that writes the same objects. It also counts the writes without any change to make.
func operator(ctx context.Context, count int, quiet time.Duration) (_ []figure, err error) {
	ctrl.SetLogger(logr.Discard())

	c, err := startCluster(ctx)
	if err != nil {
		return nil, err
	}

	defer func() { err = errors.Join(err, c.stop()) }()

	t := &operatorTrial{
		cluster: c,
		count:   count,
		quiet:   quiet,
	}
	defer func() { err = errors.Join(err, t.stopManager()) }()

	// The base line runs before and after, since the speed of the machine and the caches of the server change meanwhile.
	for _, step := range []func(context.Context) error{
		t.measureBase,
		t.reachSteadyState,
		t.countWritesAtRest,
		t.readMemory,
		t.countWritesOfResync,
		t.restart,
		t.restart,
		t.stopManagerBeforeBase,
		t.measureBase,
	} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}

	return t.figures(), nil
}

// operatorTrial is the state of the measurement, and its results.
type operatorTrial struct {
	*cluster
	count   int
	quiet   time.Duration
	manager *manager

	base         []time.Duration // of the plain client, by run
	baseSpent    spending        // in both runs
	baseRequests requests        // in its first run

	took           time.Duration // of the manager, to the steady state
	spent          spending      // meanwhile
	reconciledOnce int           // reconciliations until then

	requests       requests // until the steady state
	writesAtRest   int
	writesOfResync int
	reconciled     int   // reconciliations in the resync
	changed        []int // objects, by restart

	memory     int // MB
	peakMemory int // MB
}

func (t *operatorTrial) measureBase(ctx context.Context) error {
	namespace := fmt.Sprintf("plain-%d", len(t.base))

	took, spent, sent, err := t.timePlainClient(ctx, namespace, t.count)
	if err != nil {
		return err
	}

	t.base = append(t.base, took)
	t.baseSpent = t.baseSpent.plus(spent)

	if len(t.base) == 1 {
		t.baseRequests = sent
	}

	return nil
}

// reachSteadyState creates the resources, starts the manager and waits until all are steady and nothing is written.
func (t *operatorTrial) reachSteadyState(ctx context.Context) error {
	if _, err := t.makeResources(ctx, operatedNamespace, t.count); err != nil {
		return err
	}

	before, err := t.countRequests(ctx)
	if err != nil {
		return err
	}

	spent, err := spendings()
	if err != nil {
		return err
	}

	steadied := t.steady(ctx, operatedNamespace, t.count)
	began := time.Now()

	if t.manager, err = t.startManager(ctx); err != nil {
		return err
	}

	ended, err := steadied()
	if err != nil {
		return fmt.Errorf("wait for a steady state: %w\n%s", err, t.manager.log.String())
	}

	t.took = ended.Sub(began)

	spentNow, err := spendings()
	if err != nil {
		return err
	}

	t.spent = spentNow.since(spent)

	after, err := t.awaitNoWrites(ctx)
	if err != nil {
		return err
	}

	t.requests = after.since(before)
	t.reconciledOnce, err = t.manager.reconciliations(ctx)

	return err
}

func (t *operatorTrial) countWritesAtRest(ctx context.Context) error {
	before, err := t.countRequests(ctx)
	if err != nil {
		return err
	}

	if err := sleep(ctx, t.quiet); err != nil {
		return err
	}

	after, err := t.countRequests(ctx)
	t.writesAtRest = after.since(before).writes()

	return err
}

func (t *operatorTrial) readMemory(context.Context) (err error) {
	t.memory, t.peakMemory, err = t.manager.memory()
	return err
}

// countWritesOfResync installs an optional API, which makes the manager reconcile every resource again.
func (t *operatorTrial) countWritesOfResync(ctx context.Context) error {
	options := envtest.CRDInstallOptions{CRDs: []*crd{extensionCRD()}}
	if _, err := envtest.InstallCRDs(t.config, options); err != nil {
		return fmt.Errorf("install an optional API: %w", err)
	}

	before, err := t.countRequests(ctx)
	if err != nil {
		return err
	}

	if t.reconciled, err = t.manager.awaitReconciliations(ctx, t.count); err != nil {
		return err
	}

	after, err := t.countRequests(ctx)
	t.writesOfResync = after.since(before).writes()

	return err
}

// restart restarts the manager and counts the objects that it changes.
func (t *operatorTrial) restart(ctx context.Context) error {
	versions, err := t.versions(ctx, operatedNamespace)
	if err != nil {
		return err
	}

	if err := t.manager.stop(); err != nil {
		return err
	}

	if t.manager, err = t.startManager(ctx); err != nil {
		return err
	}

	if _, err := t.manager.awaitReconciliations(ctx, t.count); err != nil {
		return err
	}

	changed, err := t.changedSince(ctx, operatedNamespace, versions)
	t.changed = append(t.changed, changed)

	return err
}

func (t *operatorTrial) stopManagerBeforeBase(context.Context) error { return t.manager.stop() }

func (t *operatorTrial) stopManager() error {
	if t.manager == nil {
		return nil
	}

	return t.manager.stop()
}

func (t *operatorTrial) figures() []figure {
	base := (t.base[0] + t.base[1]) / 2
	ratio := t.took.Seconds() / base.Seconds()

	return []figure{
		{
			name:     fmt.Sprintf("plain client, %s resources, before and after", thousands(t.count)),
			measured: seconds(t.base[0]) + ", " + seconds(t.base[1]),
			verdict:  baseLine,
		},
		t.baseSpent.of(len(t.base)*t.count, spentByAPIServer, spentByEtcd, spentBySelf),
		t.baseRequests.of(t.count),
		{
			name:     fmt.Sprintf("operator, %s resources to steady state", thousands(t.count)),
			measured: seconds(t.took),
			target:   fmt.Sprintf("<= %.2f times", operatorRatio),
			ratio:    times(ratio),
			verdict:  verdict(ratio <= operatorRatio),
		},
		t.spent.of(t.count, spentByAPIServer, spentByEtcd, spentByManager),
		t.requests.of(t.count),
		{
			name:     "  reconciliations per resource",
			measured: fmt.Sprintf("%.2f", float64(t.reconciledOnce)/float64(t.count)),
		},
		zeroFigure(fmt.Sprintf("  writes during %s of quiet", t.quiet), t.writesAtRest),
		zeroFigure(
			fmt.Sprintf("  writes while every resource is reconciled again (%d)", t.reconciled),
			t.writesOfResync,
		),
		// The API server writes a claim when it is first applied again, even without a change.
		{name: "  objects changed by a first restart (claims)", measured: fmt.Sprint(t.changed[0])},
		zeroFigure("  objects changed by a second restart", t.changed[1]),
		{
			name:     "  memory of the manager, current and peak",
			measured: fmt.Sprintf("%d MB, %d MB", t.memory, t.peakMemory),
			target:   fmt.Sprintf("<= %d MB", operatorMemory),
			ratio:    times(float64(t.memory) / operatorMemory),
			verdict:  verdict(t.memory <= operatorMemory),
		},
	}
}

// zeroFigure returns a figure with the target 0.
func zeroFigure(name string, measured int) figure {
	return figure{
		name:     name,
		measured: fmt.Sprint(measured),
		target:   "0",
		verdict:  verdict(measured == 0),
	}
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
