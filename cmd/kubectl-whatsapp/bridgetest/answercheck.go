// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package bridgetest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/answer"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant/contract"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant/flow"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/httpclient"
)

// reply is the outcome of a request.
type reply struct {
	request assistant.Request
	call    call // the last one
	answer  answer.Answer
	fault   *failure.Error // how the receiver classifies a missing or unusable response
}

// ask sends a request and returns what came of it.
func (t *tester) ask(ctx context.Context, ai assistant.AI, request assistant.Request, recorded *trace) reply {
	r := reply{request: request}
	ctx = traced(ctx, recorded)

	var err error

	switch request.Method {
	case assistant.NotifyStatus:
		err = ai.Notify(ctx, request)
	case assistant.AnalyzeImage, assistant.TranscribeAudio, assistant.AnalyzeVideo, assistant.ParseDocument:
		_, err = ai.Analyze(ctx, request)
	default:
		r.answer, err = ai.Ask(ctx, request)
	}

	if err != nil {
		fault := *failure.Of(err)
		fault.Text = strings.ReplaceAll(fault.Text, contract.Driver{}.Peer().Name, "the bridge") // whoever has built it

		r.fault = &fault
	}

	r.call = recorded.last()

	return r
}

// show writes the request and the response into a check.
func (r reply) show(check *Check) {
	check.Sent = r.call.described()
	check.Came = r.call.response()
	check.Milliseconds = r.call.took.Milliseconds()
}

// single sends a request, and checks and measures its answer.
func (t *tester) single(ctx context.Context, check *Check, ai assistant.AI, request assistant.Request) {
	r := t.ask(ctx, ai, request, &trace{})

	r.show(check)
	t.checkAnswer(ctx, check, r)

	if r.fault == nil {
		t.times = append(t.times, r.call.took)
	}
}

// checkAnswer records the faults of an answer.
func (t *tester) checkAnswer(ctx context.Context, check *Check, r reply) {
	violation := t.violation(r)

	if r.fault != nil {
		t.recordFault(check, r)

		if r.fault.Code == assistant.CodeBadResponse && violation == nil {
			check.note(Failure, "but docs/openapi/bird-bridge.v1.yaml permits this answer: please report it as a bug of the receiver", "")
		}

		return
	}

	if violation != nil {
		check.note(Warning, "the receiver reads the answer, but docs/openapi/bird-bridge.v1.yaml does not permit it: "+violation.Error(),
			"Answer in a form of docs/bird-contract.md, \"The answer\".")
	}

	t.checkTime(check, r)

	if isMessage(r.request.Method) {
		t.checkMessages(ctx, check, r)
	}
}

// isMessage reports whether the answer to a method has messages to a person.
func isMessage(m assistant.Method) bool { return strings.HasPrefix(string(m), "process_") }

// violation returns how a response violates the OpenAPI document, without the path of the bridge's own address.
func (t *tester) violation(r reply) error {
	if r.call.status == 0 {
		return nil
	}

	path := t.paths[string(r.request.Method)]
	err := t.document.CheckResponse(&http.Request{
		Method: http.MethodPost,
		URL:    &url.URL{Path: path},
	}, r.call.status, r.call.header, r.call.body)

	if cause := errors.Unwrap(err); cause != nil {
		return cause
	}

	return err
}

// recordFault records a response that the receiver cannot use.
func (t *tester) recordFault(check *Check, r reply) {
	f := r.fault

	if f.Code == assistant.CodeNoMethod {
		check.note(Warning, fmt.Sprintf("the bridge does not implement this method, which is optional (HTTP %d)", r.call.status),
			"Implement it, or set enabled: false for it in bird.endpoints.")

		return
	}

	detail := f.Text
	if r.call.status != 0 && (r.call.status < 200 || r.call.status > 299) {
		detail = fmt.Sprintf("HTTP %d: %s", r.call.status, f.Text)
	}

	check.note(Failure, detail, t.fix(r))
}

// fix returns how to fix the cause of a failure.
func (t *tester) fix(r reply) string {
	switch r.fault.Code {
	case httpclient.CodeNoConnection:
		return "Start the bridge, and check the host and the port of the URL. If it runs, look for a crash in its log."
	case httpclient.CodeTimeout:
		return "Answer sooner, or answer 202 and post the answer to the messages API (docs/answer-later.md)."
	case httpclient.CodeUntrusted:
		return "Give the certificate authority with --ca, or serve a certificate for the host of the URL."
	case assistant.CodeBadResponse:
		return "Answer JSON such as {\"response\": \"We open at ten.\"}: docs/bird-contract.md, \"The answer\"."
	}

	switch status := r.call.status; {
	case status == http.StatusUnauthorized, status == http.StatusPaymentRequired, status == http.StatusForbidden:
		return "Give the key that the bridge expects with --key or $BRIDGE_KEY, and its form with --auth-scheme."
	case status == http.StatusNotFound, status == http.StatusMethodNotAllowed, status == http.StatusNotImplemented:
		return t.fixAddress(r)
	case status == http.StatusRequestEntityTooLarge:
		return "Take bodies of up to 150 MB: files have up to 100 MiB, a third more in base64."
	case status == http.StatusUnsupportedMediaType:
		return "Take application/json, and multipart/form-data with the parts payload and media."
	case status >= 300 && status <= 399:
		return "Give the address to which the bridge redirects: the receiver follows no redirect."
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable:
		return "Take more requests at once. The receiver slows down, but people wait."
	case status >= 500:
		return "Look for the error in the bridge's log. The receiver repeats the request until it gives up."
	default:
		return "Answer 200. After this status the receiver gives the message up."
	}
}

func (t *tester) fixAddress(r reply) string {
	if t.Flow {
		return "Publish the flow, let its trigger take POST, and check the URL."
	}

	return "Serve POST " + t.paths[string(r.request.Method)] + " below the URL, or set its path in bird.endpoints."
}

// checkTime records an answer that took more than half of the time that the receiver waits.
func (t *tester) checkTime(check *Check, r reply) {
	limit := t.limit(r.request)
	if r.call.took > limit/2 {
		check.note(Warning, fmt.Sprintf("the answer took %s, and the receiver waits for %s at most", seconds(r.call.took), seconds(limit)),
			"Answer sooner, or answer 202 and post the answer to the messages API (docs/answer-later.md).")
	}
}

// limit returns the time that the receiver waits for an answer.
func (t *tester) limit(request assistant.Request) time.Duration {
	var driver assistant.Driver = contract.Driver{}
	if t.Flow {
		driver = flow.Driver{}
	}

	call, err := driver.Encode(t.live.Current(), request)
	if err != nil {
		return t.Timeout // the request was not sent either
	}

	return call.Timeout
}

// isLater reports whether an answer says that another one follows.
func (t *tester) isLater(given answer.Answer) bool {
	return given.Later || given.Empty && t.live.Current().Bird.EmptyAnswer == config.EmptyLater
}

// seconds formats a time for people.
func seconds(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}

	return strings.TrimSuffix(fmt.Sprintf("%.1f", d.Seconds()), ".0") + " s"
}
