// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package bridgetest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/folder"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/probe"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

const (
	// repetitionTimeout is how much longer than for the first post the test waits for a second one.
	repetitionTimeout = time.Second
	// maxPosted bounds the posts that are kept, and maxPostBytes the bytes read of each.
	maxPosted    = 100
	maxPostBytes = 1 << 20
	// shutdownTimeout bounds the end of the messages API.
	shutdownTimeout = 5 * time.Second

	// testFailed is the fix of a failure that is not of the bridge.
	testFailed = "This is no fault of the bridge: run the test again, and report it as a bug if it comes back."
)

// laterAnswer checks that the bridge posts an answer to the messages API.
func (t *tester) laterAnswer(ctx context.Context, check *Check) {
	if t.LaterURL == "" {
		check.note(OK, "not tested without --later-url",
			"Start the bridge with the URL and the key of a messages API, such as http://127.0.0.1:9092, and give the same with --later-url and --later-key.")
		check.State = Skipped

		return
	}

	l, err := t.openLater(ctx)
	if err != nil {
		check.note(Failure, "the messages API cannot be opened: "+err.Error(),
			"Give a free port of this machine in --later-url. The receiver behind it needs 512 MiB of disk in the folder for temporary files.")

		return
	}
	defer l.close(ctx)

	body := standin.TextDelivery(number, t.person.number, "Ana", t.person.common().MessageID, t.LaterText, time.Now())

	status, _, err := standin.Deliver(ctx, &http.Client{Transport: t.wire.next}, l.Local.WebhookURL(), folder.AppSecret, body)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("HTTP %d", status)
	}

	if err != nil {
		check.note(Failure, "the receiver that the test runs took no message: "+err.Error(), testFailed)
		return
	}

	t.follow(ctx, check, l)
}

// follow waits for the question, the post and the message.
func (t *tester) follow(ctx context.Context, check *Check, l *later) {
	ctx, cancel := context.WithTimeout(ctx, t.LaterWithin)
	defer cancel()

	var question exchange

	select {
	case question = <-l.asked:
	case <-ctx.Done():
		check.note(Failure, fmt.Sprintf("the receiver that the test runs did not ask the bridge within %s", seconds(t.LaterWithin)), testFailed)
		return
	}

	askedAt := time.Now()

	if t.isAnswered(question) {
		check.note(OK, fmt.Sprintf("the bridge answers the text %q at once", t.LaterText), "Give a text that the bridge answers later with --later-text.")
		check.State = Skipped

		return
	}

	var post posted

	select {
	case post = <-l.posts:
	case <-ctx.Done():
		check.note(Failure, fmt.Sprintf("the bridge answered the question HTTP %d, and posted no answer within %s", question.status, seconds(t.LaterWithin)),
			"Let the bridge post to "+t.LaterURL+"/v1/messages, with in_reply_to and an Idempotency-Key (docs/answer-later.md).")

		return
	}

	took := time.Since(askedAt)

	check.Sent = "question " + excerpt(question.body)
	check.Came = fmt.Sprintf("POST %s %s, answered HTTP %d %s", post.path, post.sent, post.status, excerpt(post.body))
	check.Milliseconds = took.Milliseconds()

	if post.status != http.StatusAccepted {
		t.checkPost(check, post)
		return
	}

	if err := probe.WaitFor(ctx, t.LaterWithin, "a message", func() bool { return len(l.Graph.Sent()) > 0 }); err != nil {
		check.note(Failure, "the messages API took the later answer, and no message of it was sent", "WhatsApp refuses it: look at what was posted.")
		return
	}

	check.note(OK, fmt.Sprintf("posted after %s, and sent to a stand-in for Meta: %s", seconds(took), l.Graph.Sent()[0].Type), "")
	t.repeatLater(ctx, check, l, question, post, took)
}

// isAnswered reports whether a question was answered at once.
func (t *tester) isAnswered(question exchange) bool {
	isEmpty := t.live.Current().Bird.EmptyAnswer == config.EmptyLater && question.status == http.StatusOK

	return question.status != http.StatusAccepted && !isEmpty
}

// checkPost records why the messages API refused a post.
func (t *tester) checkPost(check *Check, post posted) {
	var problem struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}

	_ = json.Unmarshal(post.body, &problem) // a refusal without a reason has its status

	fix := "Post as docs/answer-later.md says."
	if post.status == http.StatusUnauthorized {
		fix = "Give the key with which the bridge posts with --later-key or $MESSAGES_KEY; it is sent as a bearer token."
	}

	said := strings.TrimSpace(problem.Code + " " + problem.Message)
	check.note(Failure, strings.TrimSuffix(fmt.Sprintf("the messages API refuses the later answer: HTTP %d: %s", post.status, said), ": "), fix)
}

// repeatLater repeats the question as after a timeout, and records an answer that is posted once more.
func (t *tester) repeatLater(ctx context.Context, check *Check, l *later, question exchange, first posted, took time.Duration) {
	request := question.request.Clone(ctx)
	request.RequestURI = ""
	request.Body = io.NopCloser(bytes.NewReader(question.body))
	request.Header.Set("X-Attempt", "2")

	address, err := url.Parse(l.bridge.URL)
	if err != nil {
		return // of a server of this test
	}

	request.URL.Scheme = address.Scheme
	request.URL.Host = address.Host

	response, err := t.wire.next.RoundTrip(request)
	if err != nil {
		check.note(Failure, "the repetition of the question is not answered", "Look for a crash in the bridge's log.")
		return
	}

	_ = response.Body.Close()

	wait := time.NewTimer(took + repetitionTimeout)
	defer wait.Stop()

	for {
		select {
		case again := <-l.posts:
			if again.idempotencyKey != first.idempotencyKey {
				check.note(Failure, "the repetition of the question makes the bridge post a second answer, with another Idempotency-Key",
					"Derive the Idempotency-Key of the post from event_id, or do not work on a known Idempotency-Key again.")

				return
			}
		case <-wait.C:
			return
		case <-ctx.Done():
			return
		}
	}
}
