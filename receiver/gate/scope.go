// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"slices"
	"strings"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
)

// Target is the other side of a call. Each has a circuit breaker.
type Target string

// The targets.
const (
	Graph Target = "graph" // Meta's Graph API
	AI    Target = "bird"
	Files Target = "files" // the servers of Meta that hold files, and the spool
)

// The names of scopes that have no id.
const (
	scopeApp      = "app"
	scopeAI       = "bird"
	scopeDownload = "files:download"
	scopeUpload   = "files:upload"
)

// Scope is one scope that a call belongs to.
type Scope struct {
	Kind failure.Scope
	Name string // unique among all scopes, such as number:106540352242922
}

// Call describes a call that may have to wait.
type Call struct {
	Target Target
	Scopes []Scope // from the widest to the narrowest
	// Queued reports whether the event waited for one of the scopes. Other events wait behind the queue.
	Queued bool

	names []string // of the scopes that can be closed: the circuit breaker of the target comes first
}

func newCall(target Target, scopes ...Scope) Call {
	call := Call{Target: target, Scopes: scopes}
	call.names = append(make([]string, 0, len(scopes)+1), call.circuit())

	for _, scope := range scopes {
		if !slices.Contains(call.names, scope.Name) {
			call.names = append(call.names, scope.Name)
		}
	}

	return call
}

// passes reports whether the call is made although a scope is closed. A closed method of the AI holds back only the events that
// it refused before.
func (c Call) passes(s *state) bool {
	return s.kind == failure.ScopeAIMethod && !c.Queued && c.isAsk()
}

// isAsk reports whether the call asks the AI about a message.
func (c Call) isAsk() bool { return c.Target == AI && c.circuit() == scopeAI }

// Send returns a send from a phone number of a business account in a conversation, which lane names. It also waits for a
// limit of the person that was met under one of the aliases, before the names were joined.
func Send(businessAccount, number, lane string, aliases ...string) Call {
	scopes := graphScopes(businessAccount, number, lane)
	for _, alias := range aliases {
		scopes = append(scopes, Scope{failure.ScopePair, PairScope(alias)})
	}

	return newCall(Graph, scopes...)
}

// Report returns the scopes of an error that Meta reports about a phone number outside a conversation.
func Report(businessAccount, number string) Call {
	return newCall(Graph, graphScopes(businessAccount, number, "")[:3]...)
}

// Lookup returns a call to the Graph API that is not a send.
func Lookup(businessAccount string) Call {
	return newCall(Graph, graphScopes(businessAccount, "", "")[:2]...)
}

// Download returns the call for the download of a person's file. It has its own circuit breaker: an outage of Meta's media
// hosts does not concern texts.
func Download() Call { return newCall(Files, Scope{failure.ScopeFiles, scopeDownload}) }

// Upload returns the call for the upload of a file to Meta. It has its own circuit breaker.
func Upload() Call { return newCall(Files, Scope{failure.ScopeFiles, scopeUpload}) }

// PairScope returns the name of the scope of the sends to the person whose conversation has a name.
func PairScope(conversation string) string { return pairPrefix + conversation }

// pairPrefix begins the names of scopes that name a person.
const pairPrefix = "pair:"

func graphScopes(businessAccount, number, lane string) []Scope {
	pair := PairScope(lane)

	return []Scope{
		{failure.ScopeApp, scopeApp},
		{failure.ScopeBusinessAccount, "business_account:" + businessAccount},
		{failure.ScopeNumber, "number:" + number},
		{failure.ScopePair, pair},
		{failure.ScopeRecipient, pair}, // a receiver knows a recipient only as the person of a conversation
	}
}

// Ask returns a request to a method of the AI.
func Ask(method string) Call { return aiCall(scopeAI, scopeAI+":"+method) }

// Notify returns a call to a method of the AI with its own circuit breaker. Failed statuses do not stop messages, and failed
// messages do not stop statuses.
func Notify(method string) Call { return aiCall(scopeAI+":"+method, scopeAI+":"+method) }

func aiCall(circuit, method string) Call {
	return newCall(AI, Scope{failure.ScopeAI, circuit}, Scope{failure.ScopeAIMethod, method})
}

// name returns the name of the call's scope of a kind; empty if it has none.
func (c Call) name(kind failure.Scope) string {
	for _, scope := range c.Scopes {
		if scope.Kind == kind {
			return scope.Name
		}
	}

	return ""
}

// Method returns the name of the scope of the call's AI method, or "" if it has none.
func (c Call) Method() string { return c.name(failure.ScopeAIMethod) }

// circuit returns the name of the scope whose circuit breaker protects the target of the call.
func (c Call) circuit() string {
	switch c.Target {
	case Graph:
		return string(Graph)
	case Files:
		return c.name(failure.ScopeFiles)
	}

	return c.name(failure.ScopeAI) // none for the places of media
}

// belongsTo reports whether a scope is on the side of a target.
func belongsTo(name string, target Target) bool {
	isBird := name == scopeAI || strings.HasPrefix(name, scopeAI+":")

	return isBird == (target == AI)
}

// isPersonal reports whether a scope concerns one conversation. Its lane waits for a time, not for the scope.
func isPersonal(name string) bool { return strings.HasPrefix(name, pairPrefix) }

// kindOf returns the kind of a scope by its name.
func kindOf(name string) failure.Scope {
	kind, _, isNamed := strings.Cut(name, ":")
	if kind == scopeAI && isNamed {
		return failure.ScopeAIMethod
	}

	return failure.Scope(kind)
}
