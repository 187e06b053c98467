// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package console

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
)

// MaxForm bounds a form that sends a message, in bytes. The page takes 16,000 characters, and a form has up to 9 bytes for each.
const MaxForm = 256 << 10

// actSend is the act that sends a text to a person.
const actSend = "send"

// readMessage keeps the message of a form that sends one, and its key. Each answer to the form has them until the receiver
// has confirmed the message. Of a form that is too large or did not arrive to its end, it keeps the beginning.
func (v *view) readMessage() {
	if v.request.Method != http.MethodPost || v.request.PathValue("act") != actSend {
		return
	}

	form, err := io.ReadAll(http.MaxBytesReader(v.writer, v.request.Body, MaxForm))

	switch _, isTooLarge := errors.AsType[*http.MaxBytesError](err); {
	case isTooLarge:
		v.cut = &apiError{status: http.StatusRequestEntityTooLarge, text: v.T("The text is too long. Only its beginning is below.")}
	case err != nil:
		v.cut = &apiError{status: http.StatusBadRequest, text: v.T("The text did not arrive to its end. Only its beginning is below.")}
	}

	if v.cut != nil {
		form = withoutPartOfEscape(form)
	}

	v.request.Body = io.NopCloser(bytes.NewReader(form))
	v.draft = strings.ToValidUTF8(v.request.PostFormValue("text"), "")
	v.key = v.request.PostFormValue("key")
}

// withoutPartOfEscape removes an incomplete %XX from the end of a truncated form. Otherwise the last field could not be
// decoded.
func withoutPartOfEscape(form []byte) []byte {
	const escape = len("%XX")

	if i := bytes.LastIndexByte(form, '%'); i >= 0 && i > len(form)-escape {
		return form[:i]
	}

	return form
}

// confirmation is the data of the page that asks before an act.
type confirmation struct {
	Question    string
	Consequence string
	Final       bool       // the act cannot be taken back
	Act         string     // the path to which the form is sent again
	Fields      url.Values // of the form that is sent again, besides those of the form that asked
}

// confirmed reports whether the person confirmed an act that cannot be taken back. If not, it asks.
func (v *view) confirmed(question, consequence string) bool {
	return v.confirms(confirmation{
		Question:    v.T(question),
		Consequence: v.T(consequence),
		Final:       true,
	})
}

// confirms reports whether the person confirmed an act. If not, it asks.
func (v *view) confirms(question confirmation) bool {
	if v.isConfirmed() {
		return true
	}

	v.ask(http.StatusOK, question)

	return false
}

// isConfirmed reports whether the person confirmed an act.
func (v *view) isConfirmed() bool { return v.request.PostFormValue("confirm") == "yes" }

// ask shows a question whose answer sends the form again.
func (v *view) ask(status int, question confirmation) {
	fields := url.Values{}
	if err := v.request.ParseForm(); err == nil {
		maps.Copy(fields, v.request.PostForm)
	}

	fields.Del("confirm")
	maps.Copy(fields, question.Fields)

	question.Act = v.request.URL.RequestURI()
	question.Fields = fields

	if back, err := url.Parse(localPath(v.request.PostFormValue("back"))); err == nil && v.request.PostFormValue("back") != "" {
		v.shown = back
	}

	v.render(status, "confirm", question)
}

// refused shows the page again with the reason why an act was refused, if the receiver named one. An act that the receiver
// could not finish, or did not answer, may have been done.
func (v *view) refused(err error, show func(status int) error) error {
	known, ok := errors.AsType[*apiError](err)
	if !ok {
		v.isUnknown = true

		return err
	}

	v.Notice = v.T("Not done: %s", known.text)

	if known.status >= http.StatusInternalServerError {
		v.isUnknown = true
		v.Notice = v.T("Not confirmed: %s.", known.text) + " " + v.unknownText()
	}

	if show(known.status) == nil {
		return nil
	}

	v.Notice = "" // the page of the error says it

	return err
}

// unknownText says what to do after an act that may have been done.
func (v *view) unknownText() string {
	if v.draft != "" {
		return v.T("It may have been sent nevertheless. Send it again as it is: the person gets it once.")
	}

	return v.T("It may have been done nevertheless. Look before you do it again.")
}

// failure is the data of a page that cannot be shown, or of an act that failed.
type failure struct {
	Text    string
	Back    string // of an act: the page to go back to
	Unknown string // what to do after an act that may have been done; empty if it was not done
	Draft   string // of a message that was not confirmed
	Key     string // by which the receiver recognizes the message
	Again   string // the path that sends the message again; empty if that does not help
}
