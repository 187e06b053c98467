// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// diagnoseAppSecrets checks the proof of each app secret. Meta refuses a wrong one whether the app requires proofs or not.
func (r *run) diagnoseAppSecrets(ctx context.Context, a *account) finding {
	ctx, cancel := r.call(ctx)
	defer cancel()

	secrets := r.settings.Secrets.AppSecrets
	if len(secrets) == 0 {
		return skip("the secret app-secret is missing")
	}

	const fix = "store the secret of the app that is subscribed (App Dashboard > App settings > Basic > App secret): with another one " +
		"all deliveries are refused with 401"

	accepted := 0

	for _, secret := range secrets {
		works, err := r.Graph.AcceptsProof(ctx, secret)
		if err != nil {
			return skip("%s", failure.Of(err).Text)
		}

		if works {
			accepted++

			if a.app.Secret == "" {
				a.app.Secret = secret
			}
		}
	}

	if accepted > 0 {
		return ok("Meta accepts the proof of %d of %d", accepted, len(secrets))
	}

	if unproven, err := r.Graph.AcceptsProof(ctx, ""); err == nil && !unproven {
		return fail(fix+", and calls to Meta too, since the app requires a proof", "Meta refuses the proof of the app secret, and the app requires one")
	}

	return fail(fix+". If deliveries come from another app than the access token, mount the secret of that app and leave this as it is",
		"Meta refuses the proof of the app secret: it is not that of the token's app")
}

// diagnoseLive says whether the app is published, as far as that can be known: Meta has no API for it.
func (r *run) diagnoseLive(ctx context.Context) finding {
	const where = "look at App Dashboard > Publish (formerly the switch App Mode): an app in development gets no messages of people, only " +
		"the dashboard's tests"

	f := skip("Meta has no API for this")
	f.fix = where

	if r.Process == nil {
		return f
	}

	ctx, cancel := r.call(ctx)
	defer cancel()

	stats, err := r.Process.Store.Stats(ctx, r.Clock.Now())
	if err != nil || stats.LastMessageAt.IsZero() {
		return f
	}

	at := stats.LastMessageAt

	// The dashboard's test writes for one person, so that the newest conversation but one is a person's.
	newest, err := r.Process.Store.Recent(ctx, store.Position{}, 2)
	if err != nil {
		return f
	}

	if len(newest) > 0 && whatsapp.OfSample(newest[0].Name) {
		if len(newest) == 1 || newest[1].LastInboundAt.IsZero() {
			return f
		}

		at = newest[1].LastInboundAt
	}

	return ok("a person's message arrived on %s", at.UTC().Format(time.RFC3339))
}
