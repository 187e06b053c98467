// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"slices"
	"time"
)

// groupOutside is the group of the checks of a public URL that need no receiver.
const groupOutside = "outside"

// The names of these checks. A pod may see a host differently than the rest of the world, from which Meta comes.
const (
	CheckOutsideDNS        = "outside-dns"
	CheckOutsideConnection = "outside-connection"
	CheckOutsideTLS        = "outside-tls"
	CheckOutsideAnswer     = "outside-answer"
)

// The names of the same checks of a receiver.
const (
	CheckDNS        = checkDNS
	CheckConnection = checkConnection
)

var outsideCatalog = []Check{
	{Name: CheckOutsideDNS, Group: groupOutside, Title: "DNS"},
	{Name: CheckOutsideConnection, Group: groupOutside, Title: "Connection"},
	{Name: CheckOutsideTLS, Group: groupOutside, Title: "Certificate"},
	{Name: CheckOutsideAnswer, Group: groupOutside, Title: "Answer"},
}

// OutsideCatalog returns the checks of Outside without results.
func OutsideCatalog() []Check { return slices.Clone(outsideCatalog) }

// Outside checks the way to a public URL from this machine. It needs and sends no secret.
func Outside(ctx context.Context, address string, network Network, now time.Time) []Check {
	found := map[string]finding{}
	why := "an earlier check failed"

	s, f := newSite(address, network, now)

	switch {
	case address == "":
		why = "the public URL is not known: set ingress, gateway or cloudAPI.subscription.callbackURL"
	case f.state == Failure:
		found[CheckOutsideConnection] = f
	default:
		s.checkOutside(ctx, found)
	}

	all := OutsideCatalog()

	for i := range all {
		f, done := found[all[i].Name]
		if !done {
			f = skip("%s", why)
		}

		all[i].State = f.state
		all[i].Detail = f.detail
		all[i].Fix = f.fix
	}

	return all
}

func (s site) checkOutside(ctx context.Context, found map[string]finding) {
	f := s.resolve(ctx)
	found[CheckOutsideDNS] = f

	if f.state == Failure {
		return
	}

	reached, certificate := s.connect(ctx)
	found[CheckOutsideConnection] = reached

	if reached.state == Failure {
		return
	}

	found[CheckOutsideTLS] = certificate

	if certificate.state != Failure {
		found[CheckOutsideAnswer] = s.reach(ctx, s.verifying())
	}
}
