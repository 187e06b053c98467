// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package status describes the state of resources and their receivers, the most urgent first.
package status

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
)

// Status is the state of a resource. Fields that only a receiver knows are absent while none answers.
type Status struct {
	Namespace string    `json:"namespace,omitempty"`
	Name      string    `json:"name"`
	Severity  Severity  `json:"severity"`
	Ready     Condition `json:"ready"`
	Findings  []Finding `json:"findings"`
	URL       string    `json:"url,omitempty"`
	Receivers string    `json:"receivers,omitempty"` // ready and wanted, such as 1/1

	Pending     *int64 `json:"pending,omitempty"`
	DeadLetters *int64 `json:"dead_letters,omitempty"`

	// Report is the report of the receiver Pod.
	Report *health.Report `json:"report,omitempty"`
	Pod    string         `json:"pod,omitempty"`
	// Unreachable says why there is no report. It is empty for a resource that is scaled to 0.
	Unreachable string `json:"unreachable,omitempty"`
}

// Condition is the summary of the operator.
type Condition struct {
	Status  metav1.ConditionStatus `json:"status"`
	Reason  string                 `json:"reason"`
	Message string                 `json:"message,omitempty"`
}

// Finding is something that needs attention.
type Finding struct {
	Severity Severity `json:"severity"`
	Subject  string   `json:"subject"` // a condition of the resource, or what the receiver reports
	Text     string   `json:"text"`
}

// Severity says how urgent something is.
type Severity string

// The severities.
const (
	Failing Severity = "failing" // messages are not answered
	Warning Severity = "warning" // something waits for a person
	Fine    Severity = "fine"
)

// rank orders severities, the most urgent first.
var rank = map[Severity]int{
	Failing: 0,
	Warning: 1,
	Fine:    2,
}

// tokenWarning is how long before its end a token needs attention. The operator warns at the same time.
const tokenWarning = 7 * 24 * time.Hour

// alarming are the conditions that are findings if they are false, and whether messages are not answered then.
var alarming = []struct {
	condition string
	severity  Severity
}{
	{v1alpha1.ConditionSecretsAvailable, Failing},
	{v1alpha1.ConditionSubscribed, Failing},
	{v1alpha1.ConditionResponding, Failing},
	{v1alpha1.ConditionOperational, Failing},
	{v1alpha1.ConditionExposed, Warning},
	{v1alpha1.ConditionExtensionsAvailable, Warning},
}

// ofResource returns the status by what the operator wrote.
func ofResource(webhook *v1alpha1.WhatsAppWebhook) Status {
	s := Status{
		Namespace:   webhook.Namespace,
		Name:        webhook.Name,
		URL:         webhook.Status.URL,
		Receivers:   webhook.Status.Receivers,
		Pending:     webhook.Status.Pending,
		DeadLetters: webhook.Status.DeadLetters,
		Ready: Condition{
			Status:  metav1.ConditionUnknown,
			Reason:  "NotReconciled",
			Message: "the operator has not seen the resource yet",
		},
	}

	conditions := webhook.Status.Conditions

	if ready := meta.FindStatusCondition(conditions, v1alpha1.ConditionReady); ready != nil {
		s.Ready = Condition{
			Status:  ready.Status,
			Reason:  ready.Reason,
			Message: ready.Message,
		}
	}

	for _, known := range alarming {
		found := meta.FindStatusCondition(conditions, known.condition)
		if found == nil || found.Status != metav1.ConditionFalse || found.Reason == v1alpha1.ReasonNotRequested ||
			found.Reason == v1alpha1.ReasonSubscriptionPending || found.Message == s.Ready.Message {
			continue
		}

		s.find(known.severity, known.condition, found.Message)
	}

	if token := meta.FindStatusCondition(conditions, v1alpha1.ConditionSecretsAvailable); token != nil &&
		token.Reason == v1alpha1.ReasonTokenExpiring {
		s.find(Warning, "token", token.Message)
	}

	return s
}

// IsScaledToZero reports whether no receiver runs because someone wants it so.
func (s *Status) IsScaledToZero() bool { return s.Ready.Reason == v1alpha1.ReasonScaledToZero }

func (s *Status) find(severity Severity, subject, text string) {
	s.Findings = append(s.Findings, Finding{
		Severity: severity,
		Subject:  subject,
		Text:     text,
	})
}

// add adds what a receiver says of itself.
func (s *Status) add(report *health.Report, now time.Time) {
	s.Report = report

	if s.Namespace == "" { // without a cluster, nothing else has these
		s.addProblems(report, now)
	}

	for _, scope := range report.ClosedScopes {
		s.find(Warning, "paused", scope.Scope+" is "+scope.Reason+" until "+scope.Until.UTC().Format(time.RFC3339))
	}

	if report.Backlog == nil {
		return
	}

	s.Pending = &report.Pending
	s.DeadLetters = &report.DeadLetters

	var waiting int64
	if report.WaitingForPeople != nil {
		waiting = report.WaitingForPeople.Conversations
	}

	for _, count := range []struct {
		n       int64
		subject string
		one     string
		many    string
	}{
		{report.DeadLetters, "dead letters", "1 event failed permanently", "%d events failed permanently"},
		{report.Quarantined, "quarantine", "1 event is of a phone number that is not served", "%d events are of phone numbers that are not served"},
		{waiting, "people", "1 person waits for people to answer", "%d persons wait for people to answer"},
	} {
		if count.n > 0 {
			s.find(Warning, count.subject, plural(count.n, count.one, count.many))
		}
	}
}

// addProblems adds what the operator reports as conditions.
func (s *Status) addProblems(report *health.Report, now time.Time) {
	if report.Token == health.TokenRefused {
		s.find(Failing, "token", "Meta refuses the access token")
	}

	if end := report.TokenExpiresAt; end != nil && end.Sub(now) < tokenWarning {
		s.find(Warning, "token", "the access token expires at "+end.UTC().Format(time.RFC3339))
	}

	if report.Subscription.State == health.SubscriptionFailed {
		s.find(Failing, v1alpha1.ConditionSubscribed, report.Subscription.Problem)
	}

	for _, role := range report.MissingSecrets {
		s.find(Failing, "secrets", "no value for "+role)
	}

	for _, operation := range slices.Sorted(maps.Keys(report.Problems)) {
		s.find(Failing, operation, report.Problems[operation])
	}

	s.Ready = Condition{
		Status: metav1.ConditionTrue,
		Reason: report.Status,
	}

	if report.Status == health.StatusStarting {
		s.Ready.Status = metav1.ConditionFalse
	}
}

// finish sorts the findings and decides the severity of all.
func (s *Status) finish() {
	if s.Findings == nil {
		s.Findings = []Finding{}
	}

	slices.SortStableFunc(s.Findings, func(a, b Finding) int { return cmp.Compare(rank[a.Severity], rank[b.Severity]) })

	switch {
	case s.Ready.Status != metav1.ConditionTrue && !s.IsScaledToZero():
		s.Severity = Failing
	case len(s.Findings) > 0:
		s.Severity = s.Findings[0].Severity
	case s.Unreachable != "":
		s.Severity = Warning
	default:
		s.Severity = Fine
	}
}

// Sort sorts by urgency, then by namespace and name.
func Sort(all []Status) {
	slices.SortFunc(all, func(a, b Status) int {
		return cmp.Or(
			cmp.Compare(rank[a.Severity], rank[b.Severity]),
			cmp.Compare(a.Namespace, b.Namespace),
			cmp.Compare(a.Name, b.Name),
		)
	})
}
