// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package openai

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
)

// problem is an error body, in lower case. Its texts can repeat the person's words: they decide what to do, and no failure
// contains them.
type problem struct {
	code, kind string // the type is the kind; numbers as texts
	codes      string // these with Gemini's status, and the codes and reasons in details
	message    string // with the parameter
	isFlagged  bool   // a filter names what it found
	retryDelay time.Duration
}

// readProblem reads an error body in any of its forms: {"error":{…}} of OpenAI, [{"error":{…}}] of Gemini, the error itself
// of older vLLM, {"error":"…"} and {"detail":…} of other servers. Anything else has no code.
func readProblem(body []byte) problem {
	var decoded any
	if json.Unmarshal(body, &decoded) != nil {
		return problem{}
	}

	if list, ok := decoded.([]any); ok && len(list) > 0 {
		decoded = list[0]
	}

	outer, _ := decoded.(map[string]any)

	inner, ok := outer["error"].(map[string]any)
	if !ok {
		inner = outer
	}

	p := problem{code: plain(inner["code"]), kind: plain(inner["type"])}
	p.codes = strings.Join([]string{p.code, p.kind, plain(inner["status"])}, "\n")
	p.message = strings.Join([]string{plain(inner["message"]), plain(inner["param"])}, "\n")

	if !ok {
		p.message += "\n" + plain(outer["error"]) + "\n" + plain(outer["detail"])
	}

	for _, further := range []string{"details", "innererror", "metadata"} {
		p.read(inner[further])
	}

	return p
}

// read reads what some providers add to an error.
func (p *problem) read(further any) {
	list, ok := further.([]any)
	if !ok {
		list = []any{further}
	}

	for _, element := range list {
		object, _ := element.(map[string]any)

		p.codes += "\n" + plain(object["reason"]) + "\n" + plain(object["code"])
		p.isFlagged = p.isFlagged || object["flagged_input"] != nil || object["reasons"] != nil

		if delay, err := time.ParseDuration(plain(object["retryDelay"])); err == nil && delay > 0 {
			p.retryDelay = min(delay, failure.MaxRetryAfter)
		}
	}
}

// plain returns a text or a number in lower case, and lists and objects as JSON.
func plain(value any) string {
	switch value := value.(type) {
	case nil:
		return ""
	case string:
		return strings.ToLower(value)
	case float64:
		return strconv.FormatFloat(value, 'f', -1, 64)
	default:
		encoded, _ := json.Marshal(value) // it was decoded

		return strings.ToLower(string(encoded))
	}
}

// names reports whether the problem contains one of the words.
func (p problem) names(words ...string) bool {
	return contains(p.codes, words) || contains(p.message, words)
}

func contains(text string, words []string) bool {
	return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(text, word) })
}
