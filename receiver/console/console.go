// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package console serves the pages by which people see and repair what receivers do: all resources, one resource, its
// conversations, events and dead letters. It reads and changes everything through the console API, so a page can do nothing
// that the API cannot.
//
// The pages are HTML from the server and work without JavaScript. A small script only refreshes them.
package console

import (
	"context"
	"embed"
	"errors"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/consoleapi"
)

// Prefix is the beginning of the paths of all pages.
const Prefix = "/console"

// resourcePrefix is the beginning of the paths of one resource's pages.
const resourcePrefix = Prefix + "/r/"

//go:embed assets templates
var files embed.FS

// Dependencies are the dependencies of the console. All are required.
type Dependencies struct {
	Source Source
	Clock  clockwork.Clock
	Log    *slog.Logger
}

type console struct {
	Dependencies
	// templates returns the templates by page. They are parsed when the first page is shown: most receivers show none.
	templates func() (map[string]*template.Template, error)
}

// New returns the handler of the pages. The caller refuses requests with another host than localhost, and changes by other
// sites. Their links may lead to a page, but not to an export nor to personal data, which the audit log would have as asked for
// by the person.
func New(dependencies Dependencies) (http.Handler, error) {
	c := &console{Dependencies: dependencies, templates: sync.OnceValues(parseTemplates)}

	assets, err := fs.Sub(files, "assets")
	if err != nil {
		return nil, err
	}

	mux := http.NewServeMux()
	mux.Handle("GET "+Prefix+"/assets/", http.StripPrefix(Prefix+"/assets/", http.FileServerFS(assets)))
	mux.HandleFunc("POST "+Prefix+"/language", chooseLanguage)
	mux.HandleFunc("GET "+Prefix+"/{$}", c.fleet)

	const resource = resourcePrefix + "{namespace}/{name}"

	for path, serve := range map[string]func(*view) error{
		"GET " + resource + "/{$}":                                 c.overview,
		"GET " + resource + "/conversations":                       c.conversations,
		"GET " + resource + "/conversations/{conversation}":        c.conversation,
		"GET " + resource + "/events":                              c.events,
		"GET " + resource + "/events/{id}":                         c.event,
		"GET " + resource + "/dead-letters":                        c.deadLetters,
		"GET " + resource + "/jobs/{job}":                          c.job,
		"GET " + resource + "/doctor":                              c.doctorPage,
		"POST " + resource + "/doctor":                             c.runDoctor,
		"GET " + resource + "/configuration":                       c.configuration,
		"POST " + resource + "/conversations/{conversation}/{act}": c.changeConversation,
		"POST " + resource + "/events/{id}/{act}":                  c.changeEvent,
		"POST " + resource + "/dead-letters/{act}":                 c.changeSelected,
		"POST " + resource + "/jobs/{job}/{act}":                   c.changeJob,
	} {
		mux.Handle(path, refuseForeignReveals(c.page(serve)))
	}

	mux.Handle("GET "+resource+"/conversations/{conversation}/export", consoleapi.RefuseForeign(c.page(c.export)))

	return secure(timed(mux)), nil
}

// refuseForeignReveals refuses requests of other sites for pages with personal data. The answer is not a page of the console, whose
// script would load it again as the console's own.
func refuseForeignReveals(next http.Handler) http.Handler {
	refuse := consoleapi.RefuseForeign(next)

	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if reveals(r.URL) {
			refuse.ServeHTTP(w, r)
			return
		}

		next.ServeHTTP(w, r)
	})
}

// secure sets the headers of all answers. Nothing is loaded from elsewhere, and no script or style stands in a page.
func secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy",
			"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "+
				"base-uri 'none'; frame-ancestors 'none'")
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		header.Set("Cache-Control", "no-store")

		if strings.HasPrefix(r.URL.Path, Prefix+"/assets/") {
			header.Set("Cache-Control", "max-age=300")
		}

		next.ServeHTTP(w, r)
	})
}

// chooseLanguage remembers a language, and returns to the page.
func chooseLanguage(w http.ResponseWriter, r *http.Request) {
	if language := r.PostFormValue("language"); isLanguage(language) {
		http.SetCookie(w, &http.Cookie{ //nolint:gosec // the console is served by plain HTTP on the loopback interface
			Name:     languageCookie,
			Value:    language,
			Path:     Prefix,
			MaxAge:   365 * 24 * 3600,
			HttpOnly: true,
			SameSite: http.SameSiteStrictMode,
		})
	}

	http.Redirect(w, r, localPath(r.PostFormValue("back")), http.StatusSeeOther) //nolint:gosec // a local path
}

// localPath returns the path if it is a page of the console, and the first page otherwise.
func localPath(path string) string {
	u, err := url.Parse(path)
	if err != nil || u.Host != "" || u.Scheme != "" || !strings.HasPrefix(u.Path, Prefix+"/") {
		return Prefix + "/"
	}

	return u.RequestURI()
}

// page serves a page of a resource. An error becomes a page too.
func (c *console) page(serve func(*view) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v := c.newView(w, r)
		v.readMessage()

		api, err := c.Source.Open(r.Context(), v.Namespace, v.Name)
		if err == nil {
			v.api = api.calledBy(r)
			err = v.serve(serve)
		}

		if err != nil {
			v.fail(err)
		}
	}
}

// serve serves a page, unless the request changes data and the person has read-only access.
func (v *view) serve(serve func(*view) error) error {
	if v.api.ReadOnly != "" && v.request.Method != http.MethodGet {
		return &apiError{status: http.StatusForbidden, text: v.T("Not done: %s", v.api.ReadOnly)}
	}

	return serve(v)
}

// fail answers with the page of an error.
func (v *view) fail(err error) {
	status := http.StatusBadGateway
	text := v.T("The receiver cannot be reached.")

	if v.request.Method != http.MethodPost {
		text = v.T("The receiver cannot be reached. The page tries again by itself.")
	}

	if known, ok := errors.AsType[*apiError](err); ok {
		status = known.status
		text = known.text
	}

	if known, ok := errors.AsType[*ProblemError](err); ok {
		text = known.Text
	}

	if errors.Is(err, ErrNoResource) {
		status = http.StatusNotFound
		text = v.T("There is no such resource, or you may not see it.")
	}

	// A browser that has left the page is not a failure.
	if status == http.StatusBadGateway && !errors.Is(err, context.Canceled) {
		v.console.Log.Warn("console page failed", "path", v.request.Pattern, "error", err)
	}

	failed := failure{Text: text}

	if v.request.Method == http.MethodPost {
		failed.Back = v.Here()
		failed.Draft = v.draft
		failed.Key = v.key
	}

	if v.isUnknown {
		failed.Unknown = v.unknownText()
	}

	if status >= http.StatusInternalServerError && v.draft != "" && v.cut == nil {
		failed.Again = v.request.URL.RequestURI()
	}

	v.render(status, "error", failed)
}
