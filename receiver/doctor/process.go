// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const (
	// backlogWarning and backlogFailure are the ages of the oldest waiting message. Meta's typing indicator ends after 25 s.
	backlogWarning = time.Minute
	backlogFailure = 10 * time.Minute
	// waitWarning is how long a person may wait for people.
	waitWarning = 15 * time.Minute
)

// checkReceiver checks the running receiver and its store.
func (r *run) checkReceiver(ctx context.Context) {
	if r.Process == nil {
		r.skipRest(groupReceiver, "the receiver does not run here: doctor NAME asks the running one")
		return
	}

	ctx, cancel := r.call(ctx)
	defer cancel()

	r.set(checkHealthPath, r.diagnoseHealthPath(ctx))
	r.set(checkProblems, diagnoseProblems(r.Process.Problems()))
	r.set(checkCircuits, diagnoseCircuits(r.Process.ClosedScopes()))

	f := r.diagnoseStore(ctx)
	r.set(checkStore, f)

	now := r.Clock.Now()

	stats, err := r.Process.Store.Stats(ctx, now)
	if err != nil {
		r.skipRest(groupReceiver, "the store cannot be read")
		return
	}

	if f.state == OK {
		r.set(checkStore, diagnoseDamage(stats, f))
	}

	r.set(checkDisk, r.diagnoseDisk())
	r.set(checkBacklog, diagnoseBacklog(stats, now))
	r.set(checkDeadLetters, r.diagnoseDeadLetters(ctx))
	r.set(checkQuarantine, r.diagnoseQuarantine(ctx))
	r.set(checkHandedOver, r.diagnoseHandedOver(ctx, now))
}

// diagnoseHealthPath makes the requests of load balancers at the webhook port itself.
func (r *run) diagnoseHealthPath(ctx context.Context) finding {
	if r.settings.Webhook.MutualTLS != nil {
		return skip("with mutual TLS load balancers check the port by TCP")
	}

	for _, path := range []string{"/", r.settings.Webhook.HealthPath} {
		address := "http://" + loopback(r.Process.WebhookAddr) + path

		request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
		if err != nil {
			return fail("correct webhook.healthPath", "webhook.healthPath is not a path")
		}

		answer, err := do(r.Network.client(nil), request)

		switch {
		case err != nil:
			return fail("look at the log of the receiver", "GET %s on the webhook port: %s", path, reason(err))
		case answer.status != http.StatusOK:
			return fail("look at what listens on the webhook port", "GET %s on the webhook port is answered with HTTP %d", path, answer.status)
		}
	}

	return ok("GET / and GET %s are answered with 200", r.settings.Webhook.HealthPath)
}

// loopback returns an address that this machine can connect to, for an address that it listens on.
func loopback(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return listen
	}

	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}

	return net.JoinHostPort(host, port)
}

func diagnoseProblems(problems map[string]string) finding {
	all := make([]finding, 0, len(problems))

	for _, operation := range slices.Sorted(maps.Keys(problems)) {
		all = append(all, fail("correct what the problem names: the receiver tries again by itself", "%s: %s", operation, problems[operation]))
	}

	return merge(ok("none"), all...)
}

func diagnoseCircuits(scopes []health.ClosedScope) finding {
	all := make([]finding, 0, len(scopes))

	for _, s := range scopes {
		detail := fmt.Sprintf("%s is closed since %s: %s; the next probe is at %s",
			s.Scope, s.Since.UTC().Format(time.RFC3339), s.Cause, s.Until.UTC().Format(time.RFC3339))

		if s.Reason == reasonRateLimited {
			all = append(all, warn("wait, and send less: docs/scale.md", "%s", detail))
			continue
		}

		all = append(all, fail("fix the cause: waiting events continue at the next probe", "%s", detail))
	}

	return merge(ok("none is closed"), all...)
}

// reasonRateLimited is the reason of a scope that only waits for the end of a rate limit.
const reasonRateLimited = "rate_limited"

func (r *run) diagnoseStore(ctx context.Context) finding {
	err := r.Process.Store.Ping(ctx)

	if migrating, ok := errors.AsType[*store.MigratingError](err); ok {
		return warn("wait for its end; Meta redelivers the deliveries that are refused meanwhile", "%s", migrating.Error())
	}

	switch {
	case err == nil:
		return ok("it takes events")
	case errors.Is(err, store.ErrDiskFull):
		return fail("enlarge the volume (store.embedded.size), or shorten store.retentionDays: the next purge, within 10 minutes, makes room",
			"%s, and deliveries are refused", store.ErrDiskFull)
	case errors.Is(err, store.ErrKey):
		return fail("correct the keys in the Secrets of store.encryption.keySecretRefs", "%s, and deliveries are refused", store.KeyProblem(err))
	case r.settings.Store.PostgreSQL != nil:
		return fail("check that the database runs, the secret database-url, NetworkPolicies, and the number of its connections; the log of the "+
			"receiver says why", "the database takes no events, and deliveries are refused")
	}

	return fail("look at the volume and its mount: kubectl describe pod; the log of the receiver says why",
		"the store takes no events, and deliveries are refused")
}

func diagnoseDamage(stats store.Stats, good finding) finding {
	const fix = "check the file with POST /store/check on the console port, check the disk, and restart the receiver to retry them: " +
		"docs/receiver.md"

	switch {
	case stats.Damaged > 0:
		return fail(fix, "the file of the store is damaged, and %d lanes are blocked", stats.Damaged)
	case stats.DamagedEvents > 0:
		return warn(fix, "the file of the store is damaged, and %d finished events cannot be purged", stats.DamagedEvents)
	}

	return good
}

// diagnoseDisk checks the disk of the embedded store.
func (r *run) diagnoseDisk() finding {
	const fix = "enlarge the volume (store.embedded.size), or shorten store.retentionDays"

	disk, known := r.Process.Store.(store.Disk)
	if !known || r.settings.Store.PostgreSQL != nil {
		return skip("only the embedded store has a disk of its own")
	}

	switch space := disk.Space(); {
	case space.Total == 0:
		return skip("the system does not report the free space of the disk")
	case space.Free < space.Reserved:
		return fail(fix+": the next purge, within 10 minutes, makes room", "%d MiB are free of the %d MiB that must be, and deliveries are refused",
			max(space.Free, 0)>>20, space.Reserved>>20)
	case space.Free < 2*space.Reserved || space.Free < space.Total/10:
		return warn(fix, "%d MiB of %d MiB are free", space.Free>>20, space.Total>>20)
	default:
		return ok("%d MiB of %d MiB are free", space.Free>>20, space.Total>>20)
	}
}

func diagnoseBacklog(stats store.Stats, now time.Time) finding {
	const fix = "look at the AI (ai, circuits), and at the load: docs/scale.md"

	age := stats.OldestPendingAge(now).Round(time.Second)

	switch {
	case age > backlogFailure:
		return fail(fix, "%d messages wait, the oldest for %s", stats.Pending, age)
	case age > backlogWarning:
		return warn(fix, "%d messages wait, the oldest for %s", stats.Pending, age)
	}

	return ok("%d messages wait or are being processed", stats.Pending)
}

// diagnoseDeadLetters names the dead letters by their causes.
func (r *run) diagnoseDeadLetters(ctx context.Context) finding {
	causes, err := r.Process.Store.Causes(ctx, store.Selection{States: []store.State{store.Dead}})
	if err != nil {
		return skip("the store cannot be read")
	}

	counts := map[string]int64{}
	for _, cause := range causes {
		counts[cause.Code] += cause.Count
	}

	codes := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		if counts[a] != counts[b] {
			return int(counts[b] - counts[a])
		}

		return strings.Compare(a, b)
	})
	all := make([]finding, 0, len(codes))

	for _, code := range codes {
		all = append(all, warn("fix the cause, then replay or discard them: whatsapp-webhook dead-letters list --by-cause",
			"%d with %s", counts[code], meaningOfCode(code)))
	}

	return merge(ok("none"), all...)
}

// meaningOfCode names the code of a failure, with its meaning if it is one of Meta's.
func meaningOfCode(code string) string {
	if code == "" {
		return "no code"
	}

	if n, err := strconv.Atoi(code); err == nil {
		return code + " (" + cloudapi.Meaning(n) + ")"
	}

	return code
}

// diagnoseQuarantine lists the phone numbers of the quarantined events.
func (r *run) diagnoseQuarantine(ctx context.Context) finding {
	causes, err := r.Process.Store.Causes(ctx, store.Selection{States: []store.State{store.Quarantined}})
	if err != nil {
		return skip("the store cannot be read")
	}

	all := make([]finding, 0, len(causes))
	for _, cause := range causes {
		all = append(all, warn("add the id to cloudAPI.phoneNumberIDs if the number is yours, and replay the events. 123456123 is that of the tests in "+
			"Meta's dashboard: discard those", "%d events of phone number %s, which is not configured", cause.Count, cause.PhoneNumberID))
	}

	return merge(ok("none"), all...)
}

// diagnoseHandedOver looks for people who wait for a colleague.
func (r *run) diagnoseHandedOver(ctx context.Context, now time.Time) finding {
	waiting, err := store.CountWaiting(ctx, r.Process.Store, now)
	if err != nil {
		return skip("the store cannot be read")
	}

	atLeast := ""
	if waiting.IsCut {
		atLeast = "at least "
	}

	if waiting.Longest > waitWarning {
		return warn("answer them, or give them back to the AI: whatsapp-webhook conversations list; handoff.url connects your desk",
			"the AI is silent in %s%d conversations that people have; in %s%d of them the person waits, the longest for %s",
			atLeast, waiting.TakenOver, atLeast, waiting.Conversations, waiting.Longest.Round(time.Second))
	}

	return ok("people have %s%d conversations, in which the AI is silent", atLeast, waiting.TakenOver)
}
