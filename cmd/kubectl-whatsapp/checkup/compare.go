// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package checkup

import (
	"slices"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/doctor"
)

// pairs are the checks of a receiver, and those of this machine that see the same from outside.
var pairs = map[string]string{
	doctor.CheckDNS:        doctor.CheckOutsideDNS,
	doctor.CheckConnection: doctor.CheckOutsideConnection,
}

// compare downgrades failures to warnings that only the pod reports: Meta comes from outside, as this machine does. In many
// networks, pods cannot reach the public address of their own cluster.
func compare(checks []doctor.Check) {
	state := func(name string) doctor.State {
		at := slices.IndexFunc(checks, func(c doctor.Check) bool { return c.Name == name })
		if at < 0 {
			return doctor.Skipped
		}

		return checks[at].State
	}

	for i := range checks {
		outside, paired := pairs[checks[i].Name]
		if !paired || checks[i].State != doctor.Failure || state(outside) != doctor.OK {
			continue
		}

		checks[i].State = doctor.Warning
		checks[i].Detail += "; from this machine it works"
		checks[i].Fix = "None for Meta, which comes from outside. The pod cannot reach the public address of its own cluster (no hairpin NAT, a " +
			"NetworkPolicy, or another DNS), so the checks through it are skipped: allow the connection, or rely on the checks of this machine."
	}
}
