// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package console

import (
	"cmp"
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/consoleapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/logevent"
)

// pageSize is the number of entries of a page.
const pageSize = "50"

// conversationPage is the data of the list of conversations.
type conversationPage struct {
	State string
	Page  consoleapi.ConversationPage
}

func (c *console) conversations(v *view) error {
	state := v.Query("state")
	if !slices.Contains([]string{"taken_over", "waiting"}, state) {
		state = "all"
	}

	query := url.Values{"state": {state}, "limit": {pageSize}}
	if after := v.Query("after"); after != "" {
		query.Set("after", after)
	}

	page, err := Get[consoleapi.ConversationPage](v.request.Context(), v.api, "/conversations", v.revealed(query))
	if err != nil {
		return err
	}

	v.render(http.StatusOK, "conversations", conversationPage{State: state, Page: page})

	return nil
}

// thread is the data of the page of one conversation.
type thread struct {
	Conversation consoleapi.Conversation
	Messages     []shownMessage // the oldest first
	Older        int64          // the seq to continue before; 0 at the beginning of the conversation
	Draft        string         // a text that was refused, or that the receiver did not confirm
	Key          string         // by which the receiver recognizes the form if it is sent twice
}

// noConversation is the data of the page of a conversation of which the receiver has no state. Events of its person may be stored
// nevertheless, so that it can be erased and exported.
type noConversation struct {
	ID       string
	IsErased bool // nothing is stored of the person: an erasure has looked
}

// eraseNone is the notice of an erasure that found nothing.
const eraseNone = "erase-none"

func (c *console) conversation(v *view) error {
	return c.showConversation(v, http.StatusOK)
}

func (c *console) showConversation(v *view, status int) error {
	path := v.conversationPath()

	conversation, err := Get[consoleapi.Conversation](v.request.Context(), v.api, path, v.revealed(nil))

	missing, isAnswer := errors.AsType[*apiError](err)
	if err != nil && (!isAnswer || missing.status != http.StatusNotFound) {
		return err
	}

	query := url.Values{"limit": {pageSize}}

	if before, err := strconv.ParseInt(v.Query("before"), 10, 64); err == nil && before > 0 {
		query.Set("before", strconv.FormatInt(before, 10))
	}

	page, err := Get[struct {
		Messages []consoleapi.Message `json:"messages"`
		Next     int64                `json:"next"`
	}](v.request.Context(), v.api, path+"/messages", v.revealed(query))
	if err != nil {
		return err
	}

	switch {
	case missing == nil:
	case v.draft != "": // the page of an error keeps it
		return missing
	default: // the id is valid, since the receiver has looked for messages
		v.render(status, "no-conversation", noConversation{
			ID:       v.request.PathValue("conversation"),
			IsErased: v.Query("done") == eraseNone,
		})

		return nil
	}

	v.render(status, "conversation", thread{
		Conversation: conversation,
		Messages:     withChanges(page.Messages),
		Older:        page.Next,
		Draft:        v.draft,
		Key:          cmp.Or(v.key, rand.Text()),
	})

	return nil
}

func (v *view) conversationPath() string {
	return "/conversations/" + url.PathEscape(v.request.PathValue("conversation"))
}

// changeConversation sends a text to the person, takes a conversation over, gives it back, or erases the person's data.
func (c *console) changeConversation(v *view) error {
	act := v.request.PathValue("act")
	back := v.Home() + v.conversationPath()

	switch act {
	case actSend:
		return c.sendText(v, back)
	case "take-over", "give-back":
		if v.request.PostFormValue("back") != "" {
			return c.changeListed(v, act)
		}
	case "erase":
		return c.erase(v, back)
	default:
		return &apiError{status: http.StatusNotFound, text: v.T("There is no such action.")}
	}

	if _, err := call[any](v.request.Context(), v.api, http.MethodPost, v.conversationPath()+"/"+act, nil); err != nil {
		return v.refused(err, func(status int) error { return c.showConversation(v, status) })
	}

	return v.redirect(back, act)
}

// erase erases the person's data, after a question, and leads to the page of the conversation: it can erase once more, and is
// listed no more.
func (c *console) erase(v *view, back string) error {
	if !v.confirmed("Erase everything that is stored of this person?",
		"Messages, answers, media links and statuses are deleted. Backups, the AI, the desk, the sink and Meta keep what they have.") {
		return nil
	}

	erased, err := call[consoleapi.Erased](v.request.Context(), v.api, http.MethodDelete, v.conversationPath(), nil)
	if err != nil {
		return v.refused(err, func(status int) error { return c.showConversation(v, status) })
	}

	if erased.Events == 0 {
		return v.redirect(back, eraseNone)
	}

	return v.redirect(back, "erase")
}

// changeListed takes a conversation of the list over, or gives it back, after a question: a button of a list is easily missed.
func (c *console) changeListed(v *view, act string) error {
	conversation, err := Get[consoleapi.Conversation](v.request.Context(), v.api, v.conversationPath(), nil)
	if err != nil {
		return err
	}

	question := confirmation{
		Question:    v.T("Take over the conversation with %s?", conversation.Person),
		Consequence: v.T("The AI stays silent until you give the conversation back or its time is over."),
	}
	if act == "give-back" {
		question.Question = v.T("Give the conversation with %s back to the AI?", conversation.Person)
		question.Consequence = v.T("The AI answers the next message of the person.")
	}

	if !v.confirms(question) {
		return nil
	}

	if _, err := call[any](v.request.Context(), v.api, http.MethodPost, v.conversationPath()+"/"+act, nil); err != nil {
		return v.refused(err, func(status int) error { return c.showConversation(v, status) })
	}

	return v.redirect(localPath(v.request.PostFormValue("back")), act)
}

// sendText sends the text of a form to the person. If the receiver refuses it or does not confirm it, the form keeps the text
// and its key, so that the person gets the text once, however often the form is sent.
func (c *console) sendText(v *view, back string) error {
	if v.cut != nil {
		return v.refused(v.cut, func(status int) error { return c.showConversation(v, status) })
	}

	err := v.api.post(v.request.Context(), v.conversationPath()+"/messages", map[string]string{"text": v.draft}, v.key)
	if err == nil {
		return v.redirect(back, "send")
	}

	if known, ok := errors.AsType[*apiError](err); ok && known.status == http.StatusConflict {
		v.key = "" // another text was stored with it
		err = &apiError{status: known.status, text: v.T("The text before this one is on its way. Send this one only if it is to follow.")}
	}

	return v.refused(err, func(status int) error { return c.showConversation(v, status) })
}

// export streams everything that is stored of a person, as a file.
func (c *console) export(v *view) error {
	response, err := v.api.send(v.request.Context(), http.MethodGet, v.conversationPath()+"/export", nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()

	v.writer.Header().Set("Content-Type", "application/json")
	v.writer.Header().Set("Content-Disposition", `attachment; filename="person.json"`)

	if _, err := io.Copy(v.writer, response.Body); err != nil {
		c.Log.Log(v.request.Context(), logevent.AnswerLevel(v.request.Context(), err), "export interrupted", "error", err)
		panic(http.ErrAbortHandler) // closes the connection: else the browser saves a part of the document as all of it
	}

	return nil
}
