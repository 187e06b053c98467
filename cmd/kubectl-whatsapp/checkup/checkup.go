// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package checkup collects the checks of the command doctor: the checks of the API server's objects with the rights of the
// user, of the public URL from this machine, and of a receiver. A check without the needed right is skipped, and names the
// right.
package checkup

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/cluster"
	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/receiverapi"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/doctor"
)

// Names returns the names of all groups and checks.
func Names() []string {
	var names []string

	for _, check := range Catalog() {
		if !slices.Contains(names, check.Group) {
			names = append(names, check.Group)
		}

		names = append(names, check.Name)
	}

	return names
}

// Catalog returns all checks without results.
func Catalog() []doctor.Check {
	return slices.Concat(catalog, doctor.OutsideCatalog(), doctor.Catalog())
}

// known returns those names that are in a catalog.
func known(names []string, in []doctor.Check) []string {
	unknown := doctor.Unknown(in, names)
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(unknown, name) })
}

// ReceiverMakes reports whether a receiver makes at least one of the checks. It makes some if there are no names.
func ReceiverMakes(only []string) bool { return wants(only, doctor.Catalog()) }

// wants reports whether a check of a catalog was asked for.
func wants(only []string, in []doctor.Check) bool { return len(only) == 0 || len(known(only, in)) > 0 }

// connections is the number of idle connections to Meta: as many as the doctor makes calls at a time.
const connections = 8

// OfFile runs the checks that need no running receiver, with a configuration file. The folder of secrets defaults to that of
// the file.
func OfFile(ctx context.Context, file, secrets, version string, only []string) (doctor.Report, error) {
	settings, err := config.Load(file)
	if err != nil {
		return doctor.Report{}, output.Failed("Correct the file; receiver --check explains more.", "%w", err)
	}

	if secrets != "" {
		settings.SecretsDir = secrets
	}

	values, err := config.ReadSecrets(settings.SecretsDir)
	if err != nil {
		return doctor.Report{}, output.Failed("Correct the folder, or name another with --secrets.", "%w", err)
	}

	clock := clockwork.NewRealClock()
	live := config.Fixed(settings, values)

	graph := cloudapi.NewClient(live, connections, clock)
	defer graph.Close()

	return doctor.New(doctor.Dependencies{
		Live:    live,
		Graph:   graph,
		Clock:   clock,
		Version: version,
	}).Run(ctx, doctor.Request{Only: only}), nil
}

// OfReceiver lets a receiver run its checks.
func OfReceiver(ctx context.Context, api *receiverapi.Client, only []string) (doctor.Report, error) {
	return api.Doctor(ctx, doctor.Request{Only: known(only, doctor.Catalog())})
}

// OfResource checks a resource from the API server, its public URL from this machine, and lets one of its receivers check
// the rest.
func OfResource(
	ctx context.Context,
	c *cluster.Cluster,
	name string,
	api *receiverapi.Client,
	version string,
	only []string,
) (doctor.Report, error) {
	began := time.Now()

	checks, webhook, err := examine(ctx, c, name, began)
	if err != nil {
		return doctor.Report{}, err
	}

	request := doctor.Request{
		Only:        known(only, doctor.Catalog()),
		MessagesURL: fmt.Sprintf("http://%s:9092", resources.MessagesServiceName(name)+"."+c.Namespace),
	}
	address := ""

	if webhook != nil {
		address = webhook.Status.URL
		request.PublicURL = address
	}

	var (
		running         sync.WaitGroup
		outside, inside []doctor.Check
		answers         = result(checkReceiver, doctor.Skipped, "it was not asked", "")
	)

	if wants(only, doctor.OutsideCatalog()) {
		running.Go(func() { outside = doctor.Outside(ctx, address, doctor.Network{}, began) })
	}

	if wants(only, slices.Concat(doctor.Catalog(), catalog)) {
		running.Go(func() {
			report, err := api.Doctor(ctx, request)
			inside = report.Checks
			answers = diagnoseReceiver(err)
		})
	}

	running.Wait()

	if ctx.Err() != nil {
		return doctor.Report{}, ctx.Err()
	}

	all := slices.Concat(checks, []doctor.Check{answers}, outside, inside)
	compare(all)

	selected := doctor.Select(all, only)
	if len(inside) == 0 && !slices.Contains(selected, answers) && wants(only, doctor.Catalog()) {
		selected = append([]doctor.Check{answers}, selected...) // why the others are missing
	}

	return newReport(version, began, selected), nil
}

func newReport(version string, began time.Time, selected []doctor.Check) doctor.Report {
	report := doctor.Report{
		Version: version,
		TookMS:  time.Since(began).Milliseconds(),
		Checks:  selected,
	}
	report.Count()

	return report
}

// diagnoseReceiver checks whether a receiver could be asked.
func diagnoseReceiver(err error) doctor.Check {
	known, isKnown := errors.AsType[*output.Error](err)

	switch {
	case err == nil:
		return result(checkReceiver, doctor.OK, "it ran its checks", "")
	case isKnown && cluster.IsForbidden(err):
		return result(checkReceiver, doctor.Skipped, "you may not connect to pods, so the checks of the receiver are missing", known.Fix)
	case isKnown:
		return result(checkReceiver, doctor.Failure, err.Error(), known.Fix)
	}

	return result(checkReceiver, doctor.Failure, err.Error(), "look at the pods and their logs")
}
