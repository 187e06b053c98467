// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/logevent"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/metrics"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const (
	// tokenWarning is the time before the expiry of the token from which the status is warning.
	tokenWarning = 7 * 24 * time.Hour
	// minSuccessRate is the percentage of processed messages down to which the status is warning, if at least minFailed
	// messages failed: one of two says little.
	minSuccessRate = 95
	minFailed      = 3
)

func (d Dependencies) status(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")

	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(d.Report(r.Context()))
}

// Report returns the report of GET /status. Each reason for the status warning is an entry of Warnings.
func (d Dependencies) Report(ctx context.Context) health.Report {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()

	now := d.Clock.Now()
	figures := d.Metrics.Figures()
	s := d.report(figures)
	lastMessage := figures.LastMessage

	if stats, err := d.Store.Stats(ctx, now); err != nil {
		d.Log.Log(ctx, logevent.RequestLevel(err), "status has no backlog: the store is unavailable", "error", err)

		s.Problems["store"] = "the store cannot be read"
	} else {
		s.Backlog = backlog(now, stats)
		s.DeadLettersExpireAt = d.deadLettersExpireAt(now, stats)
		s.WaitingForPeople = d.waitingForPeople(ctx, now)

		if problem := d.storeProblem(stats); problem != "" {
			s.Problems["store"] = problem
		}

		// The process knows its own messages to the second, the store also those before its start and of other receivers.
		if stats.LastMessageAt.After(lastMessage) {
			lastMessage = stats.LastMessageAt
		}
	}

	if !lastMessage.IsZero() {
		s.Metrics.LastMessageAgoMinutes = new(int64(now.Sub(lastMessage).Minutes()))
	}

	s.Status = health.StatusHealthy
	if s.Warnings = d.warnings(now, s); len(s.Warnings) > 0 {
		s.Status = health.StatusWarning
	}

	return s
}

// report returns the part of the report that does not need the store.
func (d Dependencies) report(figures metrics.Figures) health.Report {
	snapshot := d.Live.Current()

	s := health.Report{
		Version:        d.Version,
		MissingSecrets: snapshot.Missing(),
		Problems:       d.Problems(),
		ClosedScopes:   d.ClosedScopes(),
		Token:          d.Token(),
		Subscription:   d.Subscription(),
		Standby:        d.Standby(),
		Backup:         d.Backup(),
		Metrics: health.Figures{
			Since:               figures.Since,
			SuccessRate:         figures.SuccessRate(),
			MessagesReceived:    figures.MessagesReceived,
			MessagesProcessed:   figures.MessagesProcessed,
			MessagesFailed:      figures.MessagesFailed,
			AvgProcessingTimeMS: float64(figures.AvgProcessingTime.Microseconds()) / 1000,
			ErrorCounts:         figures.ErrorCounts,
		},
		Totals: health.Totals(figures.Totals),
	}
	if s.MissingSecrets == nil {
		s.MissingSecrets = []string{}
	}

	if snapshot.Problem != "" {
		s.Problems["configuration"] = snapshot.Problem
	}

	if at := d.TokenExpiresAt(); !at.IsZero() {
		s.TokenExpiresAt = &at
	}

	return s
}

func backlog(now time.Time, stats store.Stats) *health.Backlog {
	return &health.Backlog{
		Pending:             stats.Pending,
		PendingStatuses:     stats.PendingStatuses,
		PendingNotices:      stats.PendingNotices,
		OldestPendingSecs:   stats.OldestPendingAge(now).Seconds(),
		DeadLetters:         stats.DeadLetters,
		Quarantined:         stats.Quarantined,
		ActiveConversations: stats.ActiveConversations,
		HumanConversations:  stats.HumanConversations,
	}
}

// deadLettersExpireAt returns when the oldest dead letter or quarantined event is purged, or nil if there is none.
func (d Dependencies) deadLettersExpireAt(now time.Time, stats store.Stats) *time.Time {
	if stats.OldestDeadLetter.IsZero() {
		return nil
	}

	return new(d.DeadLettersExpireAt(stats.OldestDeadLetter, now).UTC())
}

// waitingForPeople counts the people who wait for a colleague. It returns nil if the store does not say.
func (d Dependencies) waitingForPeople(ctx context.Context, now time.Time) *health.WaitingForPeople {
	waiting, err := store.CountWaiting(ctx, d.Store, now)
	if err != nil {
		d.Log.Log(ctx, logevent.RequestLevel(err), "counting conversations that wait for people failed", "error", err)

		return nil
	}

	return &health.WaitingForPeople{
		Conversations: int64(waiting.Conversations),
		OldestSecs:    waiting.Longest.Seconds(),
		IsCut:         waiting.IsCut,
	}
}

// warnings returns the reasons for the status warning. The time of the last message is not a reason: a night without messages is
// normal.
func (d Dependencies) warnings(now time.Time, s health.Report) []string {
	found := []string{}

	for _, role := range s.MissingSecrets {
		found = append(found, "the secret "+role+" is missing")
	}

	for operation, problem := range s.Problems {
		found = append(found, operation+": "+problem)
	}

	if s.Subscription.State == health.SubscriptionFailed {
		found = append(found, "the webhook subscription at Meta is not as declared: "+s.Subscription.Problem)
	}

	if !d.Live.Current().Processing.PassThreadControl { // else it is expected
		for _, number := range s.Standby {
			found = append(found, fmt.Sprintf("messages of phone number %s go to another responder", number.PhoneNumberID))
		}
	}

	switch at := s.TokenExpiresAt; {
	case at == nil:
	case !at.After(now):
		found = append(found, "the access token has expired")
	case at.Sub(now) < tokenWarning:
		found = append(found, "the access token expires in less than 7 days")
	}

	if s.Metrics.MessagesFailed >= minFailed && s.Metrics.SuccessRate <= minSuccessRate {
		found = append(found, fmt.Sprintf("%d messages failed in the last hour", s.Metrics.MessagesFailed))
	}

	if s.Backlog != nil && s.DeadLetters > 0 {
		found = append(found, fmt.Sprintf("%d dead letters have to be replayed or discarded", s.DeadLetters))
	}

	if s.Backlog != nil && s.DeadLettersExpireAt != nil {
		if at := *s.DeadLettersExpireAt; at.Sub(now) <= d.Live.Current().Store.ExpiryNotice() {
			found = append(found, "dead letters or quarantined events are purged from "+at.UTC().Format(time.DateOnly)+" on")
		}
	}

	slices.Sort(found)

	return found
}
