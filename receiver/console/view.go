// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package console

import (
	"bytes"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/consoleapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// view is a request for a page, and the data of the page's template.
type view struct {
	console *console
	writer  http.ResponseWriter
	request *http.Request
	api     API
	shown   *url.URL // path and query of the page that the answer shows; GET leads there

	draft     string    // the text of a form that sends a message
	cut       *apiError // why the draft is only the beginning of the text; nil if it is all of it
	key       string    // by which the receiver recognizes the message
	isUnknown bool      // the act of the request failed, and may have been done

	Language  string
	Namespace string // empty on the page of all resources
	Name      string
	Page      string // name of the template
	Notice    string // of an act that was done or refused
	Body      any    // of the page
}

func (c *console) newView(w http.ResponseWriter, r *http.Request) *view {
	v := &view{
		console:   c,
		writer:    w,
		request:   r,
		shown:     pageOf(r),
		Language:  languageOf(r),
		Namespace: r.PathValue("namespace"),
		Name:      r.PathValue("name"),
	}

	if text, ok := doneTexts[r.URL.Query().Get("done")]; ok {
		v.Notice = v.T(text)
	}

	return v
}

// pageOf returns the path of the page that a request belongs to. An act has no page of its own: its page is that of the
// changed object, and its path has one segment more.
func pageOf(r *http.Request) *url.URL {
	if r.Method != http.MethodPost || r.PathValue("act") == "" {
		return r.URL
	}

	page, err := url.Parse(path.Dir(r.URL.EscapedPath()))
	if err != nil {
		return r.URL
	}

	return page
}

// doneTexts are the notices of acts that were done, by the parameter that a redirect carries.
var doneTexts = map[string]string{
	"replay":    "The event is processed again.",
	"discard":   "The event was discarded.",
	"take-over": "People have the conversation now. The AI stays silent.",
	"give-back": "The AI has the conversation again.",
	"send":      "The message is on its way. People have the conversation now.",
	"erase":     "The data of this person were erased. Erase once more on this page after a day: Meta may report about earlier messages until then.",
	eraseNone:   "Nothing is stored of this person, so that there was nothing to erase.",
	"cancel":    "The job ends after its current batch.",
}

// T translates a text.
func (v *view) T(text string, args ...any) string { return translate(v.Language, text, args...) }

// Home returns the path of the resource's first page.
func (v *view) Home() string {
	return resourcePrefix + url.PathEscape(v.Namespace) + "/" + url.PathEscape(v.Name)
}

// Here returns the path and query of the page that is shown. If an act was refused, it is that of the page, not of the act.
func (v *view) Here() string { return v.shown.RequestURI() }

// ReadOnly says why nothing can be changed; empty if everything can.
func (v *view) ReadOnly() string { return v.api.ReadOnly }

// Reveals reports whether the page shows personal data.
func (v *view) Reveals() bool { return reveals(v.shown) }

func reveals(page *url.URL) bool { return page.Query().Get("reveal") == "true" }

// RevealHere returns the link that switches the personal data of this page on or off.
func (v *view) RevealHere() string {
	query := v.shown.Query()
	if v.Reveals() {
		query.Del("reveal")
	} else {
		query.Set("reveal", "true")
	}

	return v.with(query)
}

// With returns this page with a parameter changed.
func (v *view) With(key, value string) string {
	query := v.shown.Query()
	query.Del("done")

	if value == "" {
		query.Del(key)
	} else {
		query.Set(key, value)
	}

	return v.with(query)
}

// with returns the page that is shown with another query.
func (v *view) with(query url.Values) string {
	page := *v.shown
	page.RawQuery = query.Encode()

	return page.RequestURI()
}

// Query returns a parameter of the page.
func (v *view) Query(key string) string { return v.shown.Query().Get(key) }

// Ago returns how long ago a time was.
func (v *view) Ago(at time.Time) string { return age(v.console.Clock.Since(at)) }

// In returns how long it is until a time.
func (v *view) In(at time.Time) string { return age(v.console.Clock.Until(at)) }

// Past reports whether a time has passed.
func (v *view) Past(at time.Time) bool { return !v.console.Clock.Now().Before(at) }

// Time returns a time as people read it, in UTC.
func (v *view) Time(at time.Time) string { return at.UTC().Format("2006-01-02 15:04:05.000") }

// Machine returns a time as the attribute datetime has it.
func (v *view) Machine(at time.Time) string { return at.UTC().Format(time.RFC3339) }

// revealed returns the query of an API request with the parameter that asks for personal data, if the page shows them.
func (v *view) revealed(query url.Values) url.Values {
	if query == nil {
		query = url.Values{}
	}

	if v.Reveals() {
		query.Set("reveal", "true")
	}

	return query
}

// render answers with a page.
func (v *view) render(status int, name string, body any) {
	v.Page = name
	v.Body = body

	var page bytes.Buffer

	templates, err := v.console.templates()
	if err == nil {
		err = templates[name].ExecuteTemplate(&page, "layout", v)
	}

	if err != nil {
		v.console.Log.Error("rendering a page of the console failed", "page", name, "error", err)
		http.Error(v.writer, "the page cannot be shown", http.StatusInternalServerError)

		return
	}

	v.writer.Header().Set("Content-Type", "text/html; charset=utf-8")
	v.writer.WriteHeader(status)
	_, _ = page.WriteTo(v.writer)
}

// redirect goes to a page with the notice of an act.
func (v *view) redirect(to, done string) error {
	target, err := url.Parse(to)
	if err != nil {
		return fmt.Errorf("redirect: %w", err)
	}

	query := target.Query()
	query.Set("done", done)
	target.RawQuery = query.Encode()

	http.Redirect(v.writer, v.request, target.RequestURI(), http.StatusSeeOther) //nolint:gosec // a local path

	return nil
}

// functions are what the templates call beside the methods of a view. The parts get the view with their own data.
var functions = template.FuncMap{
	"at": func(v *view, at any) (moment, error) {
		switch at := at.(type) {
		case time.Time:
			return moment{v, at}, nil
		case *time.Time:
			return moment{v, *at}, nil
		default:
			return moment{}, fmt.Errorf("%T is not a time", at)
		}
	},
	"pair":       func(v *view, c chart) shownChart { return shownChart{v, c} },
	"statuses":   func(v *view, s []consoleapi.Status) shownStatuses { return shownStatuses{v, s} },
	"replayable": func(s store.State) bool { return slices.Contains(store.Replayable, s) },
	"add":        func(a *int, b int) int { return *a + b },
	"value":      func(n *int64) int64 { return *n },
	// Ids come from receivers, some of which others control. As a segment of a path none leads to another resource.
	"segment": url.PathEscape,
}

// moment, shownChart and shownStatuses are the data of the parts.
type (
	moment struct {
		View *view
		At   time.Time
	}
	shownChart struct {
		View  *view
		Chart chart
	}
	shownStatuses struct {
		View     *view
		Statuses []consoleapi.Status
	}
)

// parseTemplates returns the template of each page, with the layout and the parts that pages share.
func parseTemplates() (map[string]*template.Template, error) {
	shared, err := template.New("").Funcs(functions).ParseFS(files, "templates/layout.html", "templates/parts.html")
	if err != nil {
		return nil, fmt.Errorf("parse the templates of the console: %w", err)
	}

	pages, err := files.ReadDir("templates")
	if err != nil {
		return nil, fmt.Errorf("list the templates of the console: %w", err)
	}

	all := map[string]*template.Template{}

	for _, file := range pages {
		name := strings.TrimSuffix(file.Name(), ".html")
		if name == "layout" || name == "parts" {
			continue
		}

		page, err := template.Must(shared.Clone()).ParseFS(files, path.Join("templates", file.Name()))
		if err != nil {
			return nil, fmt.Errorf("parse the template %s of the console: %w", name, err)
		}

		all[name] = page
	}

	return all, nil
}
