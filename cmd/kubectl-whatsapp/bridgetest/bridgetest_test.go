// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package bridgetest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/test/openapi"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/port"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	testKey     = "bridge-key"
	messagesKey = "messages-key"
	waitLimit   = 2 * time.Minute
)

// bridge is a bridge that does all as it should, unless a test changes it.
type bridge struct {
	fault

	t *testing.T
	// messagesURL is the messages API for the text "later".
	messagesURL string
	later       func(b *bridge, eventID string)

	mu      sync.Mutex
	answers map[string]string
	posting sync.WaitGroup
}

// fault is what a bridge does otherwise.
type fault struct {
	// first, if set, may answer a request in place of the bridge: it reports whether it did.
	first func(w http.ResponseWriter, r *http.Request, body map[string]any) bool
	// reply, if set, is the body of the answer to a message.
	reply   func(body map[string]any) string
	forgets bool // Idempotency-Keys
	anyKey  bool
}

// ServeHTTP implements http.Handler.
func (b *bridge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}

	var body map[string]any

	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
		r.Body = io.NopCloser(bytes.NewReader(raw))
		if err := r.ParseMultipartForm(8 << 20); err != nil {
			b.t.Error(err)
		}

		raw = []byte(r.FormValue("payload"))
	}

	if err := json.Unmarshal(raw, &body); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}

	if r.Header.Get("Authorization") != "AccessKey "+testKey && !b.anyKey {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}

	if b.first != nil && b.first(w, r, body) {
		return
	}

	key := r.Header.Get("Idempotency-Key")

	b.mu.Lock()
	known, isKnown := b.answers[key]
	b.mu.Unlock()

	switch {
	case isKnown && !b.forgets:
	case body["method"] == "notify_bird_status_change":
		w.WriteHeader(http.StatusNoContent)
		return
	case body["text"] == "later" && b.messagesURL != "":
		known = `{"accepted":true}`

		b.posting.Go(func() { b.later(b, body["event_id"].(string)) })
	case b.reply != nil:
		known = b.reply(body)
	default:
		known = fmt.Sprintf(`{"response":"You wrote: %v"}`, body["method"])
	}

	b.mu.Lock()
	b.answers[key] = known
	b.mu.Unlock()

	w.Header().Set("Content-Type", "application/json")

	if strings.HasPrefix(known, `{"accepted"`) {
		w.WriteHeader(http.StatusAccepted)
	}

	fmt.Fprint(w, known)
}

// post posts a later answer.
func (b *bridge) post(key, idempotencyKey, body string) {
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.messagesURL+"/v1/messages", strings.NewReader(body))
	if err != nil {
		b.t.Error(err)
		return
	}

	r.Header.Set("Authorization", "Bearer "+key)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", idempotencyKey)

	transport := &http.Transport{}
	defer transport.CloseIdleConnections()

	response, err := transport.RoundTrip(r)
	if err != nil {
		b.t.Log(err)
		return
	}

	response.Body.Close()
}

func laterJSON(eventID string) string {
	return fmt.Sprintf(`{"in_reply_to":%q,"response":"That took a while."}`, eventID)
}

func (b *bridge) start() string {
	b.answers = map[string]string{}
	server := httptest.NewServer(b)

	b.t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		b.posting.Wait()
	})

	return server.URL
}

// findings returns the states of the checks that are neither ok nor skipped.
func findings(r *Report) map[string]State {
	found := map[string]State{}

	for _, check := range r.Checks {
		if check.State == Warning || check.State == Failure {
			found[check.Name] = check.State
		}
	}

	return found
}

func test(t *testing.T, o Options) *Report {
	t.Helper()

	if o.LaterWithin == 0 {
		o.LaterWithin = waitLimit
	}

	o.LaterText = "later"
	o.LaterKey = messagesKey

	report, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}

	for _, check := range report.Checks {
		if (check.State == Failure || check.State == Warning) && (check.Detail == "" || check.Fix == "") {
			t.Errorf("%s has the detail %q and the fix %q, want both", check.Name, check.Detail, check.Fix)
		}
	}

	if t.Failed() {
		t.Logf("%+v", report)
	}

	return report
}

// unusedURL returns an address on which nothing listens.
func unusedURL(t *testing.T) string {
	t.Helper()

	return "http://" + port.Address(t)
}

func TestAGoodBridgePasses(t *testing.T) {
	document, err := openapi.Load(openapi.BirdBridge)
	if err != nil {
		t.Fatal(err)
	}

	b := &bridge{t: t, messagesURL: unusedURL(t), answers: map[string]string{}}
	b.later = func(b *bridge, eventID string) { b.post(messagesKey, "answer-"+eventID, laterJSON(eventID)) }

	server := httptest.NewServer(document.Observe(b, openapi.Report{
		Request: func(err error) {
			if !strings.Contains(err.Error(), "property_of_a_later_version") {
				t.Error(err)
			}
		},
		Response: func(err error) { t.Error(err) },
	}))
	defer server.Close()
	defer b.posting.Wait()

	var done int

	report := test(t, Options{
		URL:      server.URL,
		Key:      testKey,
		LaterURL: b.messagesURL,
		Done:     func(Check) { done++ },
	})

	if diff := cmp.Diff(map[string]State{}, findings(report)); diff != "" || !report.Passed {
		t.Errorf("passed %t, findings (-want +got):\n%s", report.Passed, diff)
		t.Logf("%+v", report.Checks)
	}

	var skipped []string

	for _, check := range report.Checks {
		if check.State == Skipped {
			skipped = append(skipped, check.Name)
		}
	}

	want := []string{"process_other_message", "analyze_image", "transcribe_audio", "analyze_video", "parse_document"}
	if diff := cmp.Diff(want, skipped); diff != "" {
		t.Errorf("skipped (-want +got):\n%s", diff)
	}

	if l := report.Latency; l.Requests < 20 || l.MinMilliseconds > l.MedianMilliseconds || l.P95Milliseconds > l.MaxMilliseconds {
		t.Errorf("latency = %+v", l)
	}

	if done != len(report.Checks) {
		t.Errorf("%d checks were reported as they ended, want %d", done, len(report.Checks))
	}
}

// on answers the requests of a method with a status and a body.
func on(method string, status int, body string) func(http.ResponseWriter, *http.Request, map[string]any) bool {
	return when(func(asked map[string]any) bool { return asked["method"] == method }, status, body)
}

// when answers some requests with a status and a body.
func when(applies func(map[string]any) bool, status int, body string) func(http.ResponseWriter, *http.Request, map[string]any) bool {
	return func(w http.ResponseWriter, _ *http.Request, asked map[string]any) bool {
		if !applies(asked) {
			return false
		}

		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		fmt.Fprint(w, body)

		return true
	}
}

func always(map[string]any) bool { return true }

func textHas(part string) func(map[string]any) bool {
	return func(asked map[string]any) bool {
		text, ok := asked["text"].(string)
		return ok && asked["method"] == "process_text_message" && strings.Contains(text, part)
	}
}

// onLocation answers process_location_message.
func onLocation(body string) func(http.ResponseWriter, *http.Request, map[string]any) bool {
	return on("process_location_message", http.StatusOK, body)
}

func rows(n int) string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf(`{"id":"%d","title":"row %d"}`, i, i))
	}

	return `{"response":{"type":"list","text":"?","sections":[{"title":"s","rows":[` + strings.Join(all, ",") + `]}]}}`
}

func TestEachFaultIsFound(t *testing.T) {
	location := map[string]State{"process_location_message": Failure}
	locationWarning := map[string]State{"process_location_message": Warning}
	reachable := map[string]State{"reachable": Failure}

	for name, tc := range map[string]struct {
		fault   fault
		options Options
		want    map[string]State
		detail  string // a part of the detail of one finding
	}{
		"the key is refused":      {options: Options{Key: "another"}, want: reachable, detail: "HTTP 401"},
		"no path is known":        {fault: fault{first: when(always, 404, "")}, want: reachable, detail: "does not serve this path"},
		"redirects":               {fault: fault{first: when(always, 307, "")}, want: reachable, detail: "redirects"},
		"accepts every key":       {fault: fault{anyKey: true}, want: map[string]State{"wrong key": Failure}, detail: "anyone who reaches it"},
		"a boolean as answer":     {fault: fault{first: onLocation(`true`)}, want: location, detail: "neither a string nor an object"},
		"not JSON":                {fault: fault{first: onLocation(`<html>`)}, want: location, detail: "not JSON"},
		"words that no form has":  {fault: fault{first: onLocation(`{"result":"x"}`)}, want: location},
		"a type that is unknown":  {fault: fault{first: onLocation(`{"response":{"type":"poll","text":"?"}}`)}, want: location, detail: "not known"},
		"more than 1 MiB":         {fault: fault{first: onLocation(`{"response":"` + strings.Repeat("x", 1<<20) + `"}`)}, want: location, detail: "larger than"},
		"11 rows":                 {fault: fault{first: onLocation(rows(11))}, want: location, detail: "10"},
		"an id twice":             {fault: fault{first: onLocation(`{"response":{"type":"buttons","text":"?","buttons":[{"id":"a","title":"b"},{"id":"a","title":"c"}]}}`)}, want: location, detail: "WhatsApp would refuse"},
		"buttons above no text":   {fault: fault{first: onLocation(`{"response":{"type":"buttons","text":"","buttons":["a"]}}`)}, want: location},
		"a long title":            {fault: fault{first: onLocation(`{"response":{"type":"buttons","text":"?","buttons":["` + strings.Repeat("long ", 9) + `"]}}`)}, want: locationWarning, detail: "are cut"},
		"six messages":            {fault: fault{first: onLocation(`{"response":[` + strings.Repeat(`{"type":"sticker","media_id":"5"},`, 5) + `"x"]}`)}, want: locationWarning, detail: "sends the first 5"},
		"a long conversation id":  {fault: fault{first: onLocation(`{"response":"x","conversation_id":"` + strings.Repeat("x", 300) + `"}`)}, want: locationWarning, detail: "conversation_id"},
		"an error in one method":  {fault: fault{first: on("process_contacts_message", 500, "")}, want: map[string]State{"process_contacts_message": Failure}, detail: "HTTP 500"},
		"a method refused":        {fault: fault{first: on("process_list_interaction", 422, `{"code":"bad"}`)}, want: map[string]State{"process_list_interaction": Failure}, detail: "HTTP 422"},
		"no optional method":      {fault: fault{first: on("process_order", 404, "")}, want: map[string]State{"process_order": Warning}, detail: "which is optional"},
		"no status":               {fault: fault{first: when(func(a map[string]any) bool { return a["status"] == "failed" }, 400, "")}, want: map[string]State{"notify_bird_status_change: failed": Failure}},
		"no emoji":                {fault: fault{first: when(textHas("👍🏽"), 500, "")}, want: map[string]State{"text: emoji": Failure}},
		"no right to left":        {fault: fault{first: when(textHas("مرحبا"), 500, "")}, want: map[string]State{"text: right to left": Failure}},
		"no quotes":               {fault: fault{first: when(textHas(`"b"`), 500, "")}, want: map[string]State{"text: quotes and lines": Failure}},
		"no long text":            {fault: fault{first: when(func(a map[string]any) bool { text, _ := a["text"].(string); return len(text) > 10_000 }, 413, "")}, want: map[string]State{"text: longer than one message": Failure}, detail: "HTTP 413"},
		"no empty text":           {fault: fault{first: when(func(a map[string]any) bool { return a["text"] == "" && a["method"] == "process_text_message" }, 400, "")}, want: map[string]State{"text: empty": Failure}},
		"needs a phone number":    {fault: fault{first: when(func(a map[string]any) bool { return a["from"] == nil }, 500, "")}, want: map[string]State{"a person without a number": Failure}},
		"no groups":               {fault: fault{first: when(func(a map[string]any) bool { return a["group_id"] != nil }, 500, "")}, want: map[string]State{"a message in a group": Failure}},
		"no product in a group":   {fault: fault{first: when(func(a map[string]any) bool { return a["group_id"] != nil }, 200, `{"response":{"type":"product","catalog_id":"1","product_retailer_id":"2"}}`)}, want: map[string]State{"a message in a group": Failure}, detail: "groups take only"},
		"no referral":             {fault: fault{first: when(func(a map[string]any) bool { return a["referral"] != nil }, 500, "")}, want: map[string]State{"context, referral and a second attempt": Failure}},
		"strict about properties": {fault: fault{first: when(func(a map[string]any) bool { return a["property_of_a_later_version"] != nil }, 422, "")}, want: map[string]State{"unknown properties": Failure}},
		"forgets keys": {fault: fault{forgets: true, reply: func(a map[string]any) string {
			return fmt.Sprintf(`{"response":%q}`, fmt.Sprint("You wrote ", a["text"]))
		}}, want: map[string]State{"repeated key": Warning}, detail: "happens twice"},
		"random answers": {fault: fault{forgets: true, reply: func(map[string]any) string { return fmt.Sprintf(`{"response":"%d"}`, time.Now().UnixNano()) }}, want: map[string]State{"repeated key": Failure}, detail: "two answers"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			b := &bridge{t: t, fault: tc.fault}
			tc.options.URL = b.start()

			if tc.options.Key == "" {
				tc.options.Key = testKey
			}

			report := test(t, tc.options)
			if diff := cmp.Diff(tc.want, findings(report)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}

			if report.Passed != !slices.Contains(slices.Collect(maps.Values(tc.want)), Failure) {
				t.Errorf("passed = %t", report.Passed)
			}

			hasDetail := func(c Check) bool {
				return c.State != OK && c.State != Skipped && strings.Contains(c.Detail, tc.detail)
			}
			if !slices.ContainsFunc(report.Checks, hasDetail) {
				t.Errorf("no finding says %q: %+v", tc.detail, report.Checks)
			}
		})
	}
}

func TestFaultsOfFilesAreFound(t *testing.T) {
	for name, tc := range map[string]struct {
		first func(w http.ResponseWriter, r *http.Request, body map[string]any) bool
		want  map[string]State
	}{
		"no forms": {
			func(w http.ResponseWriter, r *http.Request, _ map[string]any) bool {
				if !strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
					return false
				}

				w.WriteHeader(http.StatusUnsupportedMediaType)

				return true
			},
			map[string]State{
				"process_image_message: multipart":    Failure,
				"process_audio_message: multipart":    Failure,
				"process_video_message: multipart":    Failure,
				"process_document_message: multipart": Failure,
				"process_document_message: 5 MiB":     Failure,
			},
		},
		"no base64": {
			func(w http.ResponseWriter, _ *http.Request, body map[string]any) bool {
				data, ok := body["audio_data"].(string)
				if !ok {
					return false
				}

				if decoded, err := base64.StdEncoding.DecodeString(data); err != nil || !bytes.Equal(decoded, voice) {
					return false
				}

				w.WriteHeader(http.StatusBadRequest)

				return true
			},
			map[string]State{"process_audio_message: base64": Failure},
		},
		"a small limit": {
			func(w http.ResponseWriter, r *http.Request, _ map[string]any) bool {
				if r.ContentLength < 1<<20 {
					return false
				}

				w.WriteHeader(http.StatusRequestEntityTooLarge)

				return true
			},
			map[string]State{"process_document_message: 5 MiB": Failure},
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := &bridge{t: t, fault: fault{first: tc.first}}

			if diff := cmp.Diff(tc.want, findings(test(t, Options{URL: b.start(), Key: testKey}))); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLinkedFilesAreFetched(t *testing.T) {
	for name, tc := range map[string]struct {
		kind, path string
		want       State
		detail     string
	}{
		"a picture":           {"image", "/photo.jpg", OK, "would send: image"},
		"a page":              {"image", "/page", Failure, "text/html"},
		"nothing":             {"image", "/none", Failure, "HTTP 404"},
		"a sticker too large": {"sticker", "/large", Failure, "larger than"},
		"a private address":   {"image", "http://10.0.0.1/photo.jpg", Failure, "not public"},
	} {
		t.Run(name, func(t *testing.T) {
			b := &bridge{t: t}
			files := http.NewServeMux()
			files.HandleFunc("GET /photo.jpg", func(w http.ResponseWriter, _ *http.Request) { w.Write(photo) })
			files.HandleFunc("GET /page", func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/html")
				fmt.Fprint(w, "<html>please log in</html>")
			})
			files.HandleFunc("GET /large", func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, 1<<20)) })
			files.HandleFunc("GET /none", http.NotFound)
			files.Handle("POST /", b)

			server := httptest.NewServer(files)
			defer server.Close()

			b.answers = map[string]string{}
			link := tc.path

			if strings.HasPrefix(link, "/") {
				link = server.URL + link
			}

			b.first = onLocation(fmt.Sprintf(`{"response":{"type":%q,"url":%q}}`, tc.kind, link))

			report := test(t, Options{
				URL:     server.URL,
				Key:     testKey,
				Methods: []assistant.Method{assistant.ProcessLocation},
			})

			i := slices.IndexFunc(report.Checks, func(c Check) bool { return c.Name == "process_location_message" })
			if c := report.Checks[i]; c.State != tc.want || !strings.Contains(c.Detail, tc.detail) {
				t.Errorf("check = %+v, want %s with %q", c, tc.want, tc.detail)
			}
		})
	}
}

func TestABridgeThatDoesNotListen(t *testing.T) {
	report := test(t, Options{URL: unusedURL(t), Key: testKey})
	if diff := cmp.Diff(map[string]State{"reachable": Failure}, findings(report)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}

	if report.Skipped != len(report.Checks)-1 {
		t.Errorf("%d of %d checks are skipped, want all others", report.Skipped, len(report.Checks))
	}
}

func TestSlowAnswers(t *testing.T) {
	released := make(chan struct{})

	b := &bridge{t: t, fault: fault{first: func(_ http.ResponseWriter, r *http.Request, body map[string]any) bool {
		if body["method"] == "process_button_interaction" {
			select {
			case <-r.Context().Done():
			case <-released:
			}
		}

		return false
	}}}

	defer close(released)

	report := test(t, Options{
		URL:     b.start(),
		Key:     testKey,
		Timeout: 5 * time.Second, // enough for the other requests on a slow machine
		Methods: []assistant.Method{assistant.ProcessButton},
	})
	if diff := cmp.Diff(map[string]State{"process_button_interaction": Failure}, findings(report)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

func TestConnectionsThatAreClosed(t *testing.T) {
	b := &bridge{t: t, fault: fault{first: func(w http.ResponseWriter, _ *http.Request, _ map[string]any) bool {
		w.Header().Set("Connection", "close")
		return false
	}}}

	report := test(t, Options{URL: b.start(), Key: testKey, Methods: []assistant.Method{assistant.ProcessLocation}})
	if diff := cmp.Diff(map[string]State{"connection reuse": Warning}, findings(report)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

func TestRequestsAtTheSameTime(t *testing.T) {
	for name, tc := range map[string]struct {
		wrap func(next http.Handler) http.Handler
		want map[string]State
	}{
		"one after the other": {
			func(next http.Handler) http.Handler {
				var mu sync.Mutex

				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					mu.Lock()
					defer mu.Unlock()

					timer := time.NewTimer(2 * noticeable) // a bridge that works
					defer timer.Stop()

					<-timer.C
					next.ServeHTTP(w, r)
				})
			},
			map[string]State{"concurrent requests": Warning},
		},
		"only one": {
			func(next http.Handler) http.Handler {
				var (
					busy    = make(chan struct{}, 1)
					refused = make(chan struct{})
					once    sync.Once
				)

				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					raw, _ := io.ReadAll(r.Body)
					r.Body = io.NopCloser(bytes.NewReader(raw))

					if !bytes.Contains(raw, []byte("at once")) {
						next.ServeHTTP(w, r)
						return
					}

					select {
					case busy <- struct{}{}:
						<-refused
						next.ServeHTTP(w, r)
					default:
						once.Do(func() { close(refused) })
						w.WriteHeader(http.StatusTooManyRequests)
					}
				})
			},
			map[string]State{"concurrent requests": Failure},
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := &bridge{t: t, answers: map[string]string{}}

			server := httptest.NewServer(tc.wrap(b))
			defer server.Close()

			report := test(t, Options{URL: server.URL, Key: testKey, Methods: []assistant.Method{assistant.ProcessText}})
			if diff := cmp.Diff(tc.want, findings(report)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLaterAnswers(t *testing.T) {
	for name, tc := range map[string]struct {
		later  func(b *bridge, eventID string)
		forget bool
		within time.Duration
		detail string
	}{
		"a wrong key": {later: func(b *bridge, id string) { b.post("wrong", id, laterJSON(id)) }, detail: "HTTP 401"},
		"no response": {later: func(b *bridge, id string) { b.post(messagesKey, id, fmt.Sprintf(`{"in_reply_to":%q}`, id)) }, detail: "does not say what"},
		"too many rows": {
			later: func(b *bridge, id string) {
				b.post(messagesKey, id, fmt.Sprintf(`{"in_reply_to":%q,%s`, id, rows(11)[1:]))
			},
			detail: "bad_content",
		},
		"another event": {later: func(b *bridge, _ string) { b.post(messagesKey, "1", laterJSON(strings.Repeat("0", 32))) }, detail: "unknown_event"},
		"never":         {later: func(*bridge, string) {}, within: 2 * time.Second, detail: "posted no answer"},
		"twice": {
			later: func(b *bridge, id string) {
				b.post(messagesKey, fmt.Sprint(time.Now().UnixNano()), laterJSON(id))
			},
			forget: true,
			detail: "second answer",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			b := &bridge{
				t:           t,
				messagesURL: unusedURL(t),
				later:       tc.later,
				fault:       fault{forgets: tc.forget},
			}

			report := test(t, Options{
				URL:         b.start(),
				Key:         testKey,
				LaterURL:    b.messagesURL,
				LaterWithin: tc.within,
				Methods:     []assistant.Method{assistant.ProcessText},
			})
			want := map[string]State{"later answer": Failure}

			if diff := cmp.Diff(want, findings(report)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}

			if !slices.ContainsFunc(report.Checks, func(c Check) bool { return c.State == Failure && strings.Contains(c.Detail, tc.detail) }) {
				t.Errorf("no finding says %q: %+v", tc.detail, report.Checks)
			}
		})
	}
}

func TestAnalyses(t *testing.T) {
	b := &bridge{t: t, fault: fault{
		first: on("transcribe_audio", http.StatusOK, `{"text":["a"],"confidence":1}`),
		reply: func(body map[string]any) string {
			if body["method"] == "analyze_image" {
				return `{"description":"a cat"}`
			}

			return `{"response":"hola"}`
		},
	}}

	report := test(t, Options{
		URL:     b.start(),
		Key:     testKey,
		Methods: []assistant.Method{assistant.AnalyzeImage, assistant.TranscribeAudio},
	})
	want := map[string]State{
		"transcribe_audio: base64":    Failure,
		"transcribe_audio: multipart": Failure,
	}

	if diff := cmp.Diff(want, findings(report)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

func TestFlows(t *testing.T) {
	document, err := openapi.Load(openapi.BirdBridge)
	if err != nil {
		t.Fatal(err)
	}

	for name, tc := range map[string]struct {
		handle http.HandlerFunc
		want   map[string]State
	}{
		"a good one": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `{"response":"hola"}`)
		}, map[string]State{}},
		"later":       {func(http.ResponseWriter, *http.Request) {}, map[string]State{}},
		"unpublished": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }, map[string]State{"reachable": Failure}},
		"a page": {func(w http.ResponseWriter, r *http.Request) {
			raw, _ := io.ReadAll(r.Body)

			w.Header().Set("Content-Type", "application/json")

			if bytes.Contains(raw, []byte("process_location_message")) {
				fmt.Fprint(w, "<html>")
				return
			}

			fmt.Fprint(w, `{"response":"hola"}`)
		}, map[string]State{"process_location_message": Failure}},
	} {
		t.Run(name, func(t *testing.T) {
			guarded := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Authorization") != "Bearer "+testKey {
					w.WriteHeader(http.StatusUnauthorized)
					return
				}

				tc.handle(w, r)
			})

			server := httptest.NewServer(document.Webhook("flow").Observe(guarded, openapi.Report{
				Request: func(err error) {
					if !strings.Contains(err.Error(), "property_of_a_later_version") {
						t.Error(err)
					}
				},
				Response: func(error) {}, // what the test is about
			}))
			defer server.Close()

			report := test(t, Options{
				URL:        server.URL + "/flow?id=1",
				Flow:       true,
				Key:        testKey,
				AuthScheme: config.AuthBearer,
			})
			if diff := cmp.Diff(tc.want, findings(report)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOptionsThatCannotBeUsed(t *testing.T) {
	for name, o := range map[string]Options{
		"no URL":           {URL: "bridge:8080"},
		"a user":           {URL: "http://a:b@bridge"},
		"no authorities":   {URL: "http://bridge", Authorities: "x"},
		"no key for later": {URL: "http://bridge", LaterURL: "http://127.0.0.1:1"},
	} {
		if _, err := Run(t.Context(), o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestJUnit(t *testing.T) {
	report := &Report{}
	report.add(Check{Name: "a"})
	report.add(Check{Name: "b", State: Failure, Detail: "d <e>", Fix: "m"})
	report.add(Check{Name: "c", State: Skipped, Detail: "s"})

	var written bytes.Buffer
	if err := report.WriteJUnit(&written); err != nil {
		t.Fatal(err)
	}

	var read suite
	if err := xml.Unmarshal(written.Bytes(), &read); err != nil {
		t.Fatal(err)
	}

	if read.Tests != 3 || read.Failures != 1 || read.Skipped != 1 || read.Cases[1].Failure.Message != "d <e>" {
		t.Errorf("read %+v of\n%s", read, written.String())
	}
}

func TestMethodsByShortName(t *testing.T) {
	for name, want := range map[string]assistant.Method{
		"image":                 assistant.ProcessImage,
		"process_image_message": assistant.ProcessImage,
		"order":                 assistant.ProcessOrder,
		"transcribe_audio":      assistant.TranscribeAudio,
		"poll":                  "",
	} {
		if got, _ := ParseMethod(name); got != want {
			t.Errorf("ParseMethod(%s) = %s, want %s", name, got, want)
		}
	}
}
