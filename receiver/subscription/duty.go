// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package subscription

import (
	"context"
	"encoding/json"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const (
	// dutyTerm is how long after its last word a receiver that died is waited for.
	dutyTerm = time.Minute
	// standByEvery is how soon a duty that was given back is taken, and what its holder found is told.
	standByEvery = 5 * time.Second
	// giveBackTimeout bounds the last call of a receiver that ends.
	giveBackTimeout = 2 * time.Second
)

// Duties are those of a store.Store.
type Duties interface {
	AcquireLeadership(ctx context.Context, duty, holder string, now, until time.Time) (held bool, note []byte, err error)
	PublishState(ctx context.Context, duty, holder string, note []byte) error
}

// finding is what the holder notes for the others, in JSON.
type finding struct {
	Subscription health.Subscription `json:"subscription"`
	Token        health.TokenState   `json:"token"`
	ExpiresAt    time.Time           `json:"expiresAt,omitzero"`
}

// hold tells whether this receiver keeps the subscription, from now on for a term; where another does, it tells what that
// one found.
func (k *Keeper) hold(ctx context.Context, term time.Duration) bool {
	now := k.Clock.Now()

	held, note, err := k.Duties.AcquireLeadership(ctx, store.JobSubscription, k.Holder, now, now.Add(term))
	if ctx.Err() != nil {
		return false // giveBack may still have to
	}

	k.held = held
	if err != nil {
		k.Log.Error("find out who keeps the webhook subscription", "error", err)
	} else if !held {
		k.follow(note)
	}

	return held
}

// follow tells what another receiver noted, when it is news.
func (k *Keeper) follow(note []byte) {
	var found finding
	if json.Unmarshal(note, &found) != nil || found.Subscription.State == "" {
		return // it has not found anything yet, or is of another release
	}

	news := outcome{
		subscription: found.Subscription,
		token:        found.Token,
		expiresAt:    found.ExpiresAt,
	}
	// What Meta said when this receiver sent a message stays, while the other has nothing new to say.
	if latest := k.last(); latest.subscription != news.subscription || latest.token != news.token || !latest.expiresAt.Equal(news.expiresAt) {
		news.sends = k.Sends()
		k.tell(news)
	}
}

// publish notes what was found for the others, and shortens the term, which was long enough for a check. It returns false
// when the check took even longer, and somebody else keeps the subscription now.
func (k *Keeper) publish(ctx context.Context) bool {
	latest := k.last()

	note, err := json.Marshal(finding{latest.subscription, latest.token, latest.expiresAt})
	if err == nil {
		err = k.Duties.PublishState(ctx, store.JobSubscription, k.Holder, note)
	}

	if err != nil && ctx.Err() == nil {
		k.Log.Error("note how the webhook subscription was found", "error", err)
	}

	return k.hold(ctx, dutyTerm)
}

// giveBack lets another receiver keep the subscription at once, when this one ends.
func (k *Keeper) giveBack(ctx context.Context) {
	if !k.held {
		return
	}

	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), giveBackTimeout)
	defer cancel()

	now := k.Clock.Now()
	if _, _, err := k.Duties.AcquireLeadership(ctx, store.JobSubscription, k.Holder, now, now); err != nil {
		k.Log.Error("give the webhook subscription over to another receiver", "error", err)
	}
}
