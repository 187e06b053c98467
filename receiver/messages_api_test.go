// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/signature"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/openapi"
	"github.com/wawebhook/whatsapp-webhook-operator/test/pgtest"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/folder"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

const anaHandler = "/v1/conversations/" + number + ":" + ana + "/handler"

// withMessages lets the AI answer later and people post messages, without typing indicators.
func withMessages(c *config.Config) {
	withoutTyping(c)
	withMessagesAPI(c)
}

// receiverAPI is the published description of the messages API.
var receiverAPI = sync.OnceValues(func() (*openapi.Document, error) { return openapi.Load(openapi.ReceiverAPI) })

// apiAnswer is an answer of the messages API.
type apiAnswer struct {
	status int
	header http.Header
	body   map[string]any
	raw    string
}

// messagesCall makes a request to the messages API, and checks its answer against the published description.
func (h *harness) messagesCall(key, method, path, body string, headers ...string) apiAnswer {
	h.t.Helper()

	published, err := receiverAPI()
	if err != nil {
		h.t.Fatal(err)
	}

	r, err := http.NewRequestWithContext(h.t.Context(), method, h.Local.MessagesURL()+path, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}

	r.Header.Set("Content-Type", "application/json")

	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}

	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}

	response, err := h.client.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	defer response.Body.Close()

	raw, err := io.ReadAll(response.Body)
	if err != nil {
		h.t.Fatal(err)
	}

	if err := published.CheckResponse(r, response.StatusCode, response.Header, raw); err != nil {
		h.t.Error(err)
	}

	answer := apiAnswer{
		status: response.StatusCode,
		header: response.Header,
		raw:    string(raw),
	}
	if err := json.Unmarshal(raw, &answer.body); err != nil {
		h.t.Fatalf("answered %d %q: %v", answer.status, raw, err)
	}

	return answer
}

// postMessage posts a message and checks the status of the answer.
func (h *harness) postMessage(want int, key, idempotencyKey, body string) apiAnswer {
	h.t.Helper()

	answer := h.messagesCall(key, http.MethodPost, "/v1/messages", body, "Idempotency-Key", idempotencyKey)
	if answer.status != want {
		h.t.Fatalf("answered %d %s, want %d", answer.status, answer.raw, want)
	}

	return answer
}

// messageState returns the state of a message that was posted.
func (h *harness) messageState(accepted apiAnswer) string {
	h.t.Helper()

	answer := h.messagesCall(folder.AssistantKey, http.MethodGet, fmt.Sprint("/v1/messages/", accepted.body["id"]), "")
	if answer.status != http.StatusOK {
		h.t.Fatalf("answered %d %s, want the state", answer.status, answer.raw)
	}

	return fmt.Sprint(answer.body["state"])
}

func (h *harness) waitState(accepted apiAnswer, want string) {
	h.t.Helper()
	h.waitFor("the message is "+want, func() bool { return h.messageState(accepted) == want })
}

func toAna(text string) string {
	return fmt.Sprintf(`{"conversation_key":"%s:%s","response":%q}`, number, ana, text)
}

// TestAnswerByTheMessagesAPI answers a question later by the event_id that the AI was given, in two messages.
func TestAnswerByTheMessagesAPI(t *testing.T) {
	h := newHarness(t, func(c *config.Config) { withFallback(c); withMessages(c) })
	h.reply = answersLater
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "how much is it?"))
	h.waitAsked("wamid.1")

	question := h.birdRequests()[0].Payload["event_id"]
	h.postMessage(http.StatusAccepted, folder.AssistantKey, "1",
		fmt.Sprintf(`{"in_reply_to":%q,"response":"Let me look.","final":false}`, question))

	accepted := h.postMessage(http.StatusAccepted, folder.AssistantKey, "2",
		fmt.Sprintf(`{"in_reply_to":%q,"response":["**Ten** euros.",{"type":"image","media_id":"1"}]}`, question))
	h.waitState(accepted, "sent")

	sent := h.waitSent(3)
	if diff := cmp.Diff([]string{"Let me look.", "*Ten* euros.", ""}, sentTexts(sent)); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}

	if sent[0].ContextID != "wamid.1" {
		t.Errorf("the first message quotes %q, want the question", sent[0].ContextID)
	}

	for i, status := range []string{"delivered", "read"} {
		h.deliver(http.StatusOK, standin.StatusDelivery(number, sent[1].ID, status, ana, sent[1].Callback, time.Now()))
		h.deliver(http.StatusOK, standin.StatusDelivery(number, sent[2].ID, "delivered", ana, sent[2].Callback, time.Now()))
		h.waitState(accepted, "delivered") // the part that is least far

		if i == 1 {
			h.deliver(http.StatusOK, standin.StatusDelivery(number, sent[2].ID, "read", ana, sent[2].Callback, time.Now()))
		}
	}

	h.waitState(accepted, "read")
	h.waitDeadline("wamid.1")
	h.waitIdle()
	h.waitSent(3)
}

// TestUnaskedMessages sends a template to a person who has never written, and a text once that person has.
func TestUnaskedMessages(t *testing.T) {
	h := newHarness(t, withMessages)
	h.start()
	h.postMessage(http.StatusUnprocessableEntity, folder.AssistantKey, "1", toAna("hello"))

	template := fmt.Sprintf(`{"conversation_key":"%s:%s","response":{"type":"template","name":"order_ready","language":"es"}}`, number, ana)
	h.waitState(h.postMessage(http.StatusAccepted, folder.AssistantKey, "2", template), "sent")

	if sent := h.waitSent(1)[0]; sent.Type != "template" || strings.TrimPrefix(sent.To, "+") != ana {
		t.Errorf("sent %+v, want the template to ana", sent)
	}

	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "thanks"))
	h.waitSent(2)
	h.waitState(h.postMessage(http.StatusAccepted, folder.AssistantKey, "3", toAna("You are welcome.")), "sent")

	if sent := h.waitSent(3)[2]; sent.Text != "You are welcome." || sent.ContextID != "" {
		t.Errorf("sent %+v, want a text that quotes nothing", sent)
	}

	h.clock.Advance(25 * time.Hour)
	closed := h.postMessage(http.StatusUnprocessableEntity, folder.AssistantKey, "4", toAna("Are you there?"))

	if closed.body["code"] != "window_closed" || closed.body["closed_at"] == nil {
		t.Errorf("answered %s, want window_closed and when it closed", closed.raw)
	}
}

// TestConcurrentRepetitionsAreSentOnce posts the same message from many callers at once.
func TestConcurrentRepetitionsAreSentOnce(t *testing.T) {
	h := newHarness(t, withMessages)
	h.start()
	h.begin()

	var (
		calls    sync.WaitGroup
		mu       sync.Mutex
		statuses []int
	)

	for range 8 {
		calls.Go(func() {
			answer := h.messagesCall(folder.AssistantKey, http.MethodPost, "/v1/messages", toAna("once"), "Idempotency-Key", "1")

			mu.Lock()
			defer mu.Unlock()

			statuses = append(statuses, answer.status)
		})
	}

	calls.Wait()
	slices.Sort(statuses)

	if diff := cmp.Diff(append(slices.Repeat([]int{200}, 7), 202), statuses); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}

	h.postMessage(http.StatusConflict, folder.AssistantKey, "1", toAna("twice"))
	h.waitSent(2)
	h.waitIdle()
	h.waitSent(2)
}

// TestRestartBeforeTheSend ends the receiver after a message was accepted and before Meta took it.
func TestRestartBeforeTheSend(t *testing.T) {
	h := newHarness(t, withMessages)
	h.start()
	h.begin()

	outage := h.Graph.Faults.Add(standin.Fault{PathPrefix: "/" + number + "/messages", Status: http.StatusServiceUnavailable})
	accepted := h.postMessage(http.StatusAccepted, folder.AssistantKey, "1", toAna("after the restart"))
	h.stop()
	h.Graph.Faults.Remove(outage)
	h.start()
	h.waitState(accepted, "sent")

	if diff := cmp.Diff("after the restart", h.waitSent(2)[1].Text); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}

	h.postMessage(http.StatusOK, folder.AssistantKey, "1", toAna("after the restart"))
	h.waitIdle()
	h.waitSent(2)
}

// TestRotatedKeys changes the keys while the receiver runs.
func TestRotatedKeys(t *testing.T) {
	h := newHarness(t, withMessages)
	h.start()
	h.begin()
	h.postMessage(http.StatusUnauthorized, "next", "1", toAna("hello"))
	h.writeSecret(config.RoleAssistantKey, "1", "next")
	h.Local.Live.Reload()
	h.postMessage(http.StatusAccepted, folder.AssistantKey, "1", toAna("hello"))
	h.postMessage(http.StatusAccepted, "next", "2", toAna("hello again"))
	h.writeSecret(config.RoleAssistantKey, "0", "next")
	h.Local.Live.Reload()
	h.postMessage(http.StatusUnauthorized, folder.AssistantKey, "3", toAna("too late"))
	h.postMessage(http.StatusAccepted, "next", "3", toAna("in time"))
	h.waitSent(4)
}

func TestSignedMessage(t *testing.T) {
	h := newHarness(t, withMessages)
	h.start()
	h.begin()

	body := toAna("signed")
	header := http.Header{}

	if err := signature.NewKey(folder.DeskKey).Sign(header, "msg_1", h.clock.Now(), []byte(body)); err != nil {
		t.Fatal(err)
	}

	signed := []string{
		"webhook-id", header.Get("Webhook-Id"),
		"webhook-timestamp", header.Get("Webhook-Timestamp"),
		"webhook-signature", header.Get("Webhook-Signature"),
	}

	for _, want := range []int{http.StatusAccepted, http.StatusOK} {
		if got := h.messagesCall("", http.MethodPost, "/v1/messages", body, signed...); got.status != want {
			t.Errorf("answered %d %s, want %d", got.status, got.raw, want)
		}
	}

	if got := h.messagesCall("", http.MethodPost, "/v1/messages", body+" ", signed...); got.status != http.StatusUnauthorized {
		t.Errorf("another body answered %d %s, want 401", got.status, got.raw)
	}

	h.waitSent(2)
}

// TestDeskAnswers takes a conversation over, answers in it, and gives it back with the last message.
func TestDeskAnswers(t *testing.T) {
	h := newHarness(t, withMessages)
	h.start()
	h.begin()

	taken := h.messagesCall(folder.DeskKey, http.MethodPut, anaHandler, `{"handler":"human","for":"2h","reason":"refund"}`)
	if taken.status != http.StatusOK || taken.body["handler"] != "human" || taken.body["reason"] != "refund" {
		t.Errorf("answered %d %s, want that people have the conversation", taken.status, taken.raw)
	}

	refused := h.postMessage(http.StatusConflict, folder.AssistantKey, "1", toAna("I can help"))
	if refused.body["code"] != "handed_off" || refused.body["until"] != taken.body["until"] {
		t.Errorf("answered %s, want handed_off until %v", refused.raw, taken.body["until"])
	}

	h.waitState(h.postMessage(http.StatusAccepted, folder.DeskKey, "2", toAna("Ana, this is Eva.")), "sent")

	if got := h.messagesCall(folder.AssistantKey, http.MethodGet, anaHandler, ""); got.body["by"] != "desk" || got.body["reason"] != "refund" {
		t.Errorf("answered %s, want the desk with its reason", got.raw)
	}

	h.deliver(http.StatusOK, textDelivery(ana, "wamid.2", "thanks, Eva"))
	h.waitFor("the message to Eva ends", func() bool { return h.record("wamid.2").Event.State == store.Human })

	returned := strings.TrimSuffix(toAna("Goodbye."), "}") + `,"handler":"ai"}`
	h.waitState(h.postMessage(http.StatusAccepted, folder.DeskKey, "3", returned), "sent")
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.3", "is it open?"))

	texts := sentTexts(h.waitSent(4))
	if diff := cmp.Diff([]string{"Ana, this is Eva.", "Goodbye."}, texts[1:3]); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}

	if asked := h.birdRequests(); len(asked) != 2 || asked[1].Payload["text"] != "is it open?" {
		t.Errorf("asked %v, want the first message and that after the return", asked)
	}
}

// TestTakeoverWithholdsAMessage lets people take the conversation over while an accepted message of the AI waits.
func TestTakeoverWithholdsAMessage(t *testing.T) {
	h := newHarness(t, withMessages)
	h.start()
	h.begin()

	outage := h.Graph.Faults.Add(standin.Fault{PathPrefix: "/" + number + "/messages", Status: http.StatusServiceUnavailable})
	accepted := h.postMessage(http.StatusAccepted, folder.AssistantKey, "1", toAna("I can help"))

	if got := h.messagesCall(folder.DeskKey, http.MethodPut, anaHandler, `{"handler":"human"}`); got.status != http.StatusOK {
		t.Fatalf("answered %d %s, want 200", got.status, got.raw)
	}

	// The outage lasts until then: an attempt that began before the takeover could be sent.
	h.waitState(accepted, "withheld")
	h.Graph.Faults.Remove(outage)
	h.waitIdle()
	h.waitSent(1)
}

// TestHandoffByTheMessagesAPI lets the AI hand a conversation off in a later answer.
func TestHandoffByTheMessagesAPI(t *testing.T) {
	h := newHarness(t, withMessages)
	h.reply = answersLater
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "a person, please"))

	question := h.waitAsked("wamid.1").Event.ID
	h.waitState(h.postMessage(http.StatusAccepted, folder.AssistantKey, "1",
		fmt.Sprintf(`{"in_reply_to":%q,"response":"One moment.","handoff":{"reason":"wants a person"}}`, question)), "sent")

	state := h.messagesCall(folder.DeskKey, http.MethodGet, "/v1/conversations/"+question.String()+"/handler", "")
	if state.body["by"] != "handed_off" || state.body["reason"] != "wants a person" {
		t.Errorf("answered %s, want a handoff with its reason", state.raw)
	}

	h.waitFor("the notice", func() bool { return len(h.sink.notices("conversation.handed_off")) == 1 })
}

func TestMessagesAPIIsOffByDefault(t *testing.T) {
	h := newHarness(t, nil)
	h.start()

	if got := h.Local.MessagesAddr(); got != "" {
		t.Errorf("the messages API listens on %s, want nothing to listen", got)
	}
}

// TestMessagesDespiteSlowClients connects more slow clients than the port allows connections.
func TestMessagesDespiteSlowClients(t *testing.T) {
	const (
		slow  = 100
		limit = 64 // the port's connection limit
	)

	const post = "POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n"

	for name, text := range map[string]string{
		"incomplete header":                post + "Authoriz",
		"incomplete body with a key":       post + "Authorization: Bearer " + folder.AssistantKey + "\r\n\r\n{",
		"incomplete body with a signature": post + "webhook-id: 1\r\nwebhook-signature: v1,x\r\n\r\n" + strings.Repeat(" ", 100_000),
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, withMessages)
			h.start()
			h.begin()

			clients := newSlowClients(h)
			clients.address = h.Local.MessagesAddr()

			defer clients.close()

			for range slow {
				clients.connect(text)
			}

			h.waitFor("surplus slow connections closed", func() bool { return clients.evicted() >= slow-limit })
			h.postMessage(http.StatusAccepted, folder.AssistantKey, "1", toAna("hello"))
			h.waitSent(2)
		})
	}
}

// TestNothingPersonalLeaksFromTheMessagesAPI searches the log and the metrics for what callers posted, and for their keys.
func TestNothingPersonalLeaksFromTheMessagesAPI(t *testing.T) {
	h := newHarness(t, withMessages)
	log := &logBuffer{}
	h.log = log
	h.start()
	h.begin()
	h.postMessage(http.StatusAccepted, folder.AssistantKey, "SECRETWORD", toAna("SECRETWORD"))
	h.waitSent(2)
	h.postMessage(http.StatusBadRequest, folder.AssistantKey, "SECRETWORD-2", strings.TrimSuffix(toAna("SECRETWORD"), "}")+`,"SECRETWORD":1}`)
	h.postMessage(http.StatusUnauthorized, "SECRETWORD", "3", toAna("SECRETWORD"))
	h.messagesCall(folder.DeskKey, http.MethodPut, anaHandler, `{"handler":"human","reason":"SECRETWORD"}`)
	h.waitIdle()

	_, metrics := h.adminPage("/metrics")
	_, figures := h.adminPage("/status")

	if want := `whatsapp_messages_api_requests_total{code="202",operation="send"} 1`; !strings.Contains(metrics, want) {
		t.Errorf("the metrics lack %s", want)
	}

	personal := regexp.MustCompile(`5730\d{8}|SECRETWORD|` + folder.AssistantKey + `|` + folder.DeskKey)
	for what, shown := range map[string]string{
		"log":     log.String(),
		"metrics": metrics,
		"status":  figures,
	} {
		if found := personal.FindAllString(shown, 5); found != nil {
			t.Errorf("%s shows %q", what, found)
		}
	}
}

// TestMessagesDuringADatabaseOutage posts a message at once several times, with a database that several receivers may share,
// and another one while it is away.
func TestMessagesDuringADatabaseOutage(t *testing.T) {
	server := pgtest.New(t, pgtest.Options{})

	user, err := server.NewUser()
	if err != nil {
		t.Fatal(err)
	}

	h := newHarness(t, func(c *config.Config) {
		withMessages(c)

		c.Store = config.Store{PostgreSQL: &config.PostgreSQLStore{}}
	})
	h.writeSecret(config.RoleDatabaseURL, "0", user.URL)
	h.start()
	h.waitReady()
	h.begin()

	var calls sync.WaitGroup

	for range 8 {
		calls.Go(func() {
			answer := h.messagesCall(folder.AssistantKey, http.MethodPost, "/v1/messages", toAna("once"), "Idempotency-Key", "1")
			if answer.status != http.StatusAccepted && answer.status != http.StatusOK {
				t.Errorf("answered %d %s, want 202 or 200", answer.status, answer.raw)
			}
		})
	}

	calls.Wait()
	h.waitSent(2)

	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}

	if refused := h.postMessage(http.StatusServiceUnavailable, folder.AssistantKey, "2", toAna("later")); refused.header.Get("Retry-After") == "" {
		t.Errorf("answered %s without Retry-After", refused.raw)
	}

	if err := server.Run(t.Context()); err != nil {
		t.Fatal(err)
	}

	h.waitReady()
	h.postMessage(http.StatusAccepted, folder.AssistantKey, "2", toAna("later"))
	h.waitSent(3)
}
