// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package openapi checks requests, responses and notices in tests against the published documents: docs/openapi and
// docs/schemas.
package openapi

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"sigs.k8s.io/yaml"

	documents "github.com/wawebhook/whatsapp-webhook-operator/docs/openapi"
)

// The documents.
const (
	BirdBridge  = "bird-bridge.v1.yaml"
	ReceiverAPI = "receiver-api.v1.yaml"
	ConsoleAPI  = "console-api.v1.yaml"
)

// Folder returns a folder of docs/.
func Folder(name string) string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..", "docs", name)
}

// Document is an OpenAPI 3.1 document. It is safe for concurrent use.
type Document struct {
	operations []*operation
	webhooks   map[string]*Document
}

// operation is a method of a path.
type operation struct {
	method     string
	path       string
	id         string
	security   [][]credential // one of them has to be complete
	parameters []parameter
	request    map[string]*jsonschema.Schema // by media type; empty: no body
	responses  map[string]*response          // by status, such as 200, 2XX or default
}

// credential is a header that carries one.
type credential struct {
	header string
	prefix string
}

type parameter struct {
	name     string
	in       string
	required bool
	schema   *jsonschema.Schema
}

type response struct {
	headers []parameter
	content map[string]*jsonschema.Schema // by media type; a nil schema allows any body
	// mayBeEmpty allows a response without a body in spite of content.
	mayBeEmpty bool
}

// Load reads a document of docs/openapi, which this program contains, and compiles the schemas of its operations.
func Load(name string) (*Document, error) {
	r := &reader{address: "document:///" + name, compiler: newCompiler()}

	root, err := documentLoader{}.Load(r.address)
	if err != nil {
		return nil, err
	}

	r.root, _ = root.(map[string]any)

	paths, err := r.properties(node{value: r.root["paths"], pointer: "/paths"})
	if err != nil {
		return nil, fmt.Errorf("paths of %s: %w", name, err)
	}

	document := &Document{webhooks: map[string]*Document{}}

	for path, item := range paths {
		operations, err := r.pathItem(path, item)
		if err != nil {
			return nil, fmt.Errorf("%s of %s: %w", path, name, err)
		}

		document.operations = append(document.operations, operations...)
	}

	webhooks, err := r.properties(node{value: r.root["webhooks"], pointer: "/webhooks"})
	if err != nil {
		return nil, fmt.Errorf("webhooks of %s: %w", name, err)
	}

	for webhook, item := range webhooks {
		operations, err := r.pathItem(anyPath, item)
		if err != nil {
			return nil, fmt.Errorf("%s of %s: %w", webhook, name, err)
		}

		document.webhooks[webhook] = &Document{operations: operations}
	}

	// A path without a parameter comes before a path with one, if both match.
	slices.SortFunc(document.operations, func(a, b *operation) int {
		return cmp.Or(strings.Compare(a.path, b.path), strings.Compare(a.method, b.method))
	})

	return document, nil
}

// Webhook returns a webhook of the document, whose requests may have any path.
func (d *Document) Webhook(name string) *Document { return d.webhooks[name] }

// Paths returns the paths of the document by operationId.
func (d *Document) Paths() map[string]string {
	paths := map[string]string{}
	for _, o := range d.operations {
		paths[o.id] = o.path
	}

	return paths
}

// find returns the operation of a request.
func (d *Document) find(method, path string) (*operation, error) {
	var allowed []string

	for _, o := range d.operations {
		if !matches(o.path, path) {
			continue
		}

		if o.method == method {
			return o, nil
		}

		allowed = append(allowed, o.method)
	}

	if len(allowed) > 0 {
		return nil, errMethod
	}

	return nil, errors.New("the document has no such path")
}

var errMethod = errors.New("the document has no such method of the path")

// anyPath is the template of all paths.
const anyPath = "*"

// matches reports whether a path is one of a template.
func matches(template, path string) bool {
	if template == anyPath {
		return true
	}

	want := strings.Split(template, "/")
	got := strings.Split(path, "/")

	if len(want) != len(got) {
		return false
	}

	for i, segment := range want {
		if !strings.HasPrefix(segment, "{") && segment != got[i] || got[i] == "" && segment != "" {
			return false
		}
	}

	return true
}

// newCompiler returns a compiler of JSON Schema 2020-12, the dialect of OpenAPI 3.1, that reads the OpenAPI
// documents and local files.
func newCompiler() *jsonschema.Compiler {
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	compiler.AssertFormat()
	compiler.UseLoader(jsonschema.SchemeURLLoader{
		"document": documentLoader{},
		"file":     fileLoader{},
	})

	return compiler
}

type documentLoader struct{}

// Load implements jsonschema.URLLoader.
func (documentLoader) Load(address string) (any, error) {
	name := path.Base(address)

	raw, err := documents.Files.ReadFile(name)
	if err != nil {
		return nil, err
	}

	return decodeYAML(name, raw)
}

type fileLoader struct{}

// Load implements jsonschema.URLLoader.
func (fileLoader) Load(address string) (any, error) {
	file, err := jsonschema.FileLoader{}.ToFile(address)
	if err != nil {
		return nil, err
	}

	return readYAML(file)
}

// readYAML reads a YAML or JSON file as a tree of JSON.
func readYAML(file string) (any, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}

	return decodeYAML(filepath.Base(file), raw)
}

// decodeYAML decodes the content of a file as a tree of JSON.
func decodeYAML(name string, raw []byte) (any, error) {
	encoded, err := yaml.YAMLToJSONStrict(raw)
	if err != nil {
		return nil, fmt.Errorf("decode %s: %w", name, err)
	}

	return jsonschema.UnmarshalJSON(strings.NewReader(string(encoded)))
}

// methods are the methods that a path item may have.
var methods = map[string]string{
	"get":    http.MethodGet,
	"put":    http.MethodPut,
	"post":   http.MethodPost,
	"delete": http.MethodDelete,
	"patch":  http.MethodPatch,
}
