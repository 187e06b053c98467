// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package openapi

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

const formData = "multipart/form-data"

// CheckRequest reports how a request with this body violates the document. A property that the document does not have is a
// violation too. An error names places, and never what the request says there.
func (d *Document) CheckRequest(r *http.Request, body []byte) error {
	o, err := d.find(r.Method, r.URL.Path)
	if err != nil {
		return fmt.Errorf("request %s %s: %w", r.Method, r.URL.Path, err)
	}

	if err := o.checkRequest(r, body); err != nil {
		return fmt.Errorf("request %s: %w", o.id, err)
	}

	return nil
}

func (o *operation) checkRequest(r *http.Request, body []byte) error {
	if err := checkCredentials(o.security, r.Header); err != nil {
		return err
	}

	query := r.URL.Query()

	for _, p := range o.parameters {
		var value string

		switch p.in {
		case "header":
			value = r.Header.Get(p.name)
		case "path":
			value = pathValue(o.path, r.URL.Path, p.name)
		case "query":
			value = query.Get(p.name)
			query.Del(p.name)
		default:
			return fmt.Errorf("parameter %s in %s is not supported by this check", p.name, p.in)
		}

		if err := p.check(value); err != nil {
			return err
		}
	}

	if o.path == anyPath {
		query = nil // the address of a webhook is another's, with its query
	}

	for name := range query {
		return fmt.Errorf("the document has no parameter %s", name)
	}

	if len(o.request) == 0 {
		if len(body) > 0 {
			return errors.New("it has a body")
		}

		return nil
	}

	return checkBody(o.request, r.Header.Get("Content-Type"), body)
}

// CheckResponse reports how the response to a request violates the document.
func (d *Document) CheckResponse(r *http.Request, status int, header http.Header, body []byte) error {
	o, err := d.find(r.Method, r.URL.Path)
	if err != nil {
		return fmt.Errorf("response to %s %s: %w", r.Method, r.URL.Path, err)
	}

	if err := o.checkResponse(status, header, body); err != nil {
		return fmt.Errorf("response %d to %s: %w", status, o.id, err)
	}

	return nil
}

func (o *operation) checkResponse(status int, header http.Header, body []byte) error {
	code := strconv.Itoa(status)

	documented := o.responses[code]
	for _, key := range []string{code[:1] + "XX", "default"} {
		if documented == nil {
			documented = o.responses[key]
		}
	}

	if documented == nil {
		return errors.New("the document has no such status")
	}

	for _, h := range documented.headers {
		if err := h.check(header.Get(h.name)); err != nil {
			return err
		}
	}

	switch {
	case len(body) == 0 && (len(documented.content) == 0 || documented.mayBeEmpty):
		return nil
	case len(body) == 0:
		return errors.New("it has no body")
	case len(documented.content) == 0:
		return errors.New("it has a body")
	}

	return checkBody(documented.content, header.Get("Content-Type"), body)
}

// pathValue returns the value of a parameter of a path.
func pathValue(template, path, name string) string {
	segments := strings.Split(path, "/")
	if i := slices.Index(strings.Split(template, "/"), "{"+name+"}"); i >= 0 && i < len(segments) {
		return segments[i]
	}

	return ""
}

// check reports why a value is none of the parameter. An empty value is a missing one.
func (p parameter) check(value string) error {
	switch {
	case value == "" && p.required:
		return fmt.Errorf("%s is missing", p.name)
	case value == "":
		return nil
	}

	err := p.schema.Validate(value)
	if scalar, failed := jsonschema.UnmarshalJSON(strings.NewReader(value)); err != nil && p.in == "query" && failed == nil {
		err = p.schema.Validate(scalar) // a number or a boolean
	}

	return describe(p.name, err)
}

func checkCredentials(alternatives [][]credential, header http.Header) error {
	isComplete := func(credentials []credential) bool {
		return !slices.ContainsFunc(credentials, func(c credential) bool {
			value, found := strings.CutPrefix(header.Get(c.header), c.prefix)
			return !found || value == ""
		})
	}

	if len(alternatives) == 0 || slices.ContainsFunc(alternatives, isComplete) {
		return nil
	}

	return errors.New("it has no credential")
}

// checkBody checks a body by the schema of its media type.
func checkBody(content map[string]*jsonschema.Schema, contentType string, body []byte) error {
	mediaType, parameters, err := mime.ParseMediaType(contentType)
	if err != nil {
		return fmt.Errorf("Content-Type %q: %w", contentType, err)
	}

	schema, documented := content[mediaType]
	if !documented {
		if _, isAny := content["*/*"]; isAny {
			return nil
		}

		return fmt.Errorf("the document has no %s", mediaType)
	}

	if mediaType == formData {
		if body, err = payloadOf(body, parameters["boundary"]); err != nil {
			return err
		}
	}

	if schema == nil {
		return nil
	}

	if mediaType == "text/plain" {
		return describe("body", schema.Validate(string(body)))
	}

	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return errors.New("the body is not JSON")
	}

	return describe("body", schema.Validate(value))
}

// payloadOf returns the part payload of a form, whose other part is media.
func payloadOf(body []byte, boundary string) ([]byte, error) {
	form, err := multipart.NewReader(bytes.NewReader(body), boundary).ReadForm(int64(len(body)) + 1<<20)
	if err != nil {
		return nil, fmt.Errorf("read the form: %w", err)
	}
	defer form.RemoveAll() //nolint:errcheck // the form is in memory

	if len(form.File["media"]) != 1 || len(form.Value["payload"]) != 1 || len(form.File)+len(form.Value) != 2 {
		return nil, errors.New("the form does not have the parts payload and media, and only these")
	}

	return []byte(form.Value["payload"][0]), nil
}

// read reads all of a body.
func read(body io.Reader) []byte {
	if body == nil {
		return nil
	}

	all, _ := io.ReadAll(body) // a body that breaks off is checked as far as it came

	return all
}
