// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package openai

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/answer"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/httpclient"
)

func answerOf(body string) (answer.Answer, error) {
	return Driver{}.Answer(nil, textRequest("hola"), &httpclient.Response{Status: http.StatusOK, Body: []byte(body)})
}

// called returns a completion that calls functions, each with a name and its arguments.
func called(content string, calls ...[2]string) string {
	list := make([]string, 0, len(calls))
	for i, call := range calls {
		list = append(list, fmt.Sprintf(`{"id":"%d","type":"function","function":{"name":%q,"arguments":%s}}`, i, call[0], call[1]))
	}

	return fmt.Sprintf(`{"choices":[{"message":{"content":%s,"tool_calls":[%s]},"finish_reason":"tool_calls"}]}`,
		content, strings.Join(list, ","))
}

func text(text string) answer.Reply { return answer.Reply{Kind: answer.KindText, Text: text} }

func buttons(text string, titles ...string) answer.Reply {
	reply := answer.Reply{Kind: answer.KindButtons, Text: text}
	for _, title := range titles {
		reply.Buttons = append(reply.Buttons, answer.Option{ID: title, Title: title})
	}

	return reply
}

// TestManyChoices offers more choices than any person reads. Their number must not decide how long that takes.
func TestManyChoices(t *testing.T) {
	const count = 100_000

	titles := make([]string, count)
	for i := range titles {
		titles[i] = strconv.Itoa(i)
	}

	got, err := choices("", "¿Cuál?", titles)
	if err != nil {
		t.Fatal(err)
	}

	want := text("¿Cuál?\n- " + strings.Join(titles[:maxLines], "\n- "))
	if diff := cmp.Diff(answer.Answer{Replies: []answer.Reply{want}}, got); diff != "" {
		t.Errorf("choices() (-want +got):\n%s", diff)
	}
}

func TestAnswers(t *testing.T) {
	eleven, _ := json.Marshal(map[string]any{ // always encodes
		"text":    "¿Cuál?",
		"options": []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"},
	})

	for name, c := range map[string]struct {
		body string
		want answer.Answer
	}{
		"text": {
			`{"choices":[{"message":{"role":"assistant","content":" hola\n","refusal":null},"finish_reason":"stop"}],
				"usage":{"prompt_tokens":12,"completion_tokens":3}}`,
			answer.Answer{Replies: []answer.Reply{text("hola")}, Usage: answer.Usage{InputTokens: 12, OutputTokens: 3}},
		},
		"text at the limit of tokens": {
			`{"choices":[{"message":{"content":"hola, yo"},"finish_reason":"length"}]}`,
			answer.Answer{Replies: []answer.Reply{text("hola, yo")}, Usage: answer.Usage{Truncated: true}},
		},
		"text that a filter cut": {
			`{"choices":[{"message":{"content":"hola"},"finish_reason":"content_filter"}]}`,
			answer.Answer{Replies: []answer.Reply{text("hola")}},
		},
		"figures and remarks of other types beside the text": {
			`{"choices":[{"message":{"content":"hola","refusal":false,"tool_calls":{}},"finish_reason":1}],
				"usage":{"prompt_tokens":12.5,"completion_tokens":"3"}}`,
			answer.Answer{Replies: []answer.Reply{text("hola")}, Usage: answer.Usage{InputTokens: 12}},
		},
		"no figures": {
			`{"choices":[{"message":{"content":"hola"}}],"usage":[]}`,
			answer.Answer{Replies: []answer.Reply{text("hola")}},
		},
		"text after a byte order mark": {
			"\ufeff" + `{"choices":[{"message":{"content":"hola"}}]}`,
			answer.Answer{Replies: []answer.Reply{text("hola")}},
		},
		"list of texts": {
			`{"choices":[{"message":{"content":["ho","la",null]}}]}`,
			answer.Answer{Replies: []answer.Reply{text("hola")}},
		},
		"one part": {
			`{"choices":[{"message":{"content":{"type":"text","text":"hola"}}}]}`,
			answer.Answer{Replies: []answer.Reply{text("hola")}},
		},
		"part of the other API": {
			`{"choices":[{"message":{"content":[{"type":"output_text","text":"hola"}]}}]}`,
			answer.Answer{Replies: []answer.Reply{text("hola")}},
		},
		"choices that are numbers": {
			called("null", [2]string{toolChoices, `"{\"text\":\"¿Cuántos?\",\"options\":[1,2]}"`}),
			answer.Answer{Replies: []answer.Reply{buttons("¿Cuántos?", "1", "2")}},
		},
		"list of parts": {
			`{"choices":[{"message":{"content":[{"type":"thinking","text":"hm"},{"type":"text","text":"ho"},{"type":"text","text":"la"}]}}]}`,
			answer.Answer{Replies: []answer.Reply{text("hola")}},
		},
		"thoughts before the text": {
			`{"choices":[{"message":{"content":"<think>\nThey greet.\n</think>\n\nhola"}}]}`,
			answer.Answer{Replies: []answer.Reply{text("hola")}},
		},
		"thoughts that the prompt begins": {
			`{"choices":[{"message":{"content":"They greet.\n</think>\n\nhola"}}]}`,
			answer.Answer{Replies: []answer.Reply{text("hola")}},
		},
		"thoughts before a function": {
			called(`"They are angry.</think>Ya viene"`, [2]string{toolHandOff, `"{\"reason\":\"r\"}"`}),
			answer.Answer{Handoff: &answer.Handoff{Reason: "r", Text: "Ya viene"}},
		},
		"a text about thoughts": {
			`{"choices":[{"message":{"content":"Write <think> and </think> around it."}}]}`,
			answer.Answer{Replies: []answer.Reply{text("Write <think> and </think> around it.")}},
		},
		"several choices": {
			`{"choices":[{"message":{"content":"uno"}},{"message":{"content":"dos"}}]}`,
			answer.Answer{Replies: []answer.Reply{text("uno")}},
		},
		"handoff": {
			called(`"Ya viene"`, [2]string{toolHandOff, `"{\"reason\":\"wants a refund\"}"`}),
			answer.Answer{Handoff: &answer.Handoff{Reason: "wants a refund", Text: "Ya viene"}},
		},
		"handoff with its text in the call": {
			called("null", [2]string{toolHandOff, `"{\"reason\":\"r\",\"text\":\"Ya viene\"}"`}),
			answer.Answer{Handoff: &answer.Handoff{Reason: "r", Text: "Ya viene"}},
		},
		"handoff without a text, and with the arguments as an object": {
			called("null", [2]string{toolHandOff, `{"reason":"r"}`}),
			answer.Answer{Handoff: &answer.Handoff{Reason: "r"}},
		},
		"handoff without arguments": {
			called(`"Ya viene"`, [2]string{toolHandOff, `""`}),
			answer.Answer{Handoff: &answer.Handoff{Text: "Ya viene"}},
		},
		"choices": {
			called("null", [2]string{toolChoices, `"{\"text\":\"¿Talla?\",\"options\":[\"S\",\" M \",\"S\",\"\"]}"`}),
			answer.Answer{Replies: []answer.Reply{buttons("¿Talla?", "S", "M")}},
		},
		"choices after a text": {
			called(`"Hay dos."`, [2]string{toolChoices, `"{\"text\":\"¿Talla?\",\"options\":[\"S\",\"M\"]}"`}),
			answer.Answer{Replies: []answer.Reply{text("Hay dos."), buttons("¿Talla?", "S", "M")}},
		},
		"choices whose text is the content": {
			called(`"¿Talla?"`, [2]string{toolChoices, `"{\"text\":\"\",\"options\":[\"S\",\"M\"]}"`}),
			answer.Answer{Replies: []answer.Reply{buttons("¿Talla?", "S", "M")}},
		},
		"choices without options": {
			called("null", [2]string{toolChoices, `"{\"text\":\"¿Talla?\",\"options\":[]}"`}),
			answer.Answer{Replies: []answer.Reply{text("¿Talla?")}},
		},
		"more choices than WhatsApp shows": {
			called("null", [2]string{toolChoices, string(eleven)}),
			answer.Answer{Replies: []answer.Reply{text("¿Cuál?\n- 1\n- 2\n- 3\n- 4\n- 5\n- 6\n- 7\n- 8\n- 9\n- 10\n- 11")}},
		},
		"only the first call counts": {
			called("null", [2]string{toolHandOff, `"{\"reason\":\"r\"}"`}, [2]string{"unknown", `"{}"`}),
			answer.Answer{Handoff: &answer.Handoff{Reason: "r"}},
		},
		"a call of another shape after the first": {
			`{"choices":[{"message":{"tool_calls":[{"function":{"name":"` + toolHandOff + `"}},7]}}]}`,
			answer.Answer{Handoff: &answer.Handoff{}},
		},
	} {
		got, err := answerOf(c.body)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}

		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: answer (-want +got):\n%s", name, diff)
		}
	}
}

// TestAnswersThatCannotBeUsed checks that the person gets the fallback text in place of these, and that no failure repeats
// words of the answer.
func TestAnswersThatCannotBeUsed(t *testing.T) {
	for name, body := range map[string]string{
		"not JSON":                    `<html>secret</html>`,
		"no object":                   `"secret"`,
		"a stream":                    "data: {\"choices\":[{\"delta\":{\"content\":\"secret\"}}]}\n\ndata: [DONE]\n\n",
		"no choices":                  `{"choices":[]}`,
		"nothing":                     `{}`,
		"empty":                       `{"choices":[{"message":{"content":""}}]}`,
		"null":                        `{"choices":[{"message":{"content":null}}]}`,
		"blank":                       `{"choices":[{"message":{"content":" \n"}}]}`,
		"refusal":                     `{"choices":[{"message":{"content":null,"refusal":"secret"}}]}`,
		"filtered":                    `{"choices":[{"message":{"content":""},"finish_reason":"content_filter"}]}`,
		"thoughts only":               `{"choices":[{"message":{"content":"<think>secret"},"finish_reason":"length"}]}`,
		"the end of thoughts only":    `{"choices":[{"message":{"content":"secret</think>"},"finish_reason":"stop"}]}`,
		"unknown function":            called(`"secret"`, [2]string{"secret", `"{}"`}),
		"function without a name":     `{"choices":[{"message":{"tool_calls":[{}]}}]}`,
		"call of another shape":       `{"choices":[{"message":{"content":"secret","tool_calls":[{"function":"secret"}]}}]}`,
		"arguments that are not JSON": called("null", [2]string{toolHandOff, `"secret"`}),
		"arguments of another shape":  called("null", [2]string{toolChoices, `"{\"options\":\"secret\"}"`}),
		"choices without a text":      called("null", [2]string{toolChoices, `"{\"text\":\" \",\"options\":[\"secret\"]}"`}),
		"content of an unknown shape": `{"choices":[{"message":{"content":{"secret":1}}}]}`,
		"content with unknown parts":  `{"choices":[{"message":{"content":[{"type":"image","text":"secret"}]}}]}`,
	} {
		ai := aiOf(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(body)) }), nil)
		_, err := ai.Ask(t.Context(), textRequest("hola"))

		f := failure.Of(err)
		if f.Class != failure.Permanent || f.Code != assistant.CodeBadResponse || strings.Contains(f.Error(), "secret") {
			t.Errorf("%s: failure = %v, want a bad response", name, f)
		}
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"choices":[{"message":{"content":"hola"}}]}`))
	f.Add([]byte(`{"error":{"code":502,"message":"m"}}`))
	f.Add([]byte(called("null", [2]string{toolChoices, `"{\"text\":\"t\",\"options\":[\"a\"]}"`})))
	f.Fuzz(func(t *testing.T, body []byte) {
		given, err := answerOf(string(body))
		if err == nil && len(given.Replies) == 0 && given.Handoff == nil {
			t.Error("an answer without anything")
		}

		if err != nil && !slices.Contains(failure.Classes, failure.Of(err).Class) {
			t.Errorf("the failure %v has no class", err)
		}
	})
}
