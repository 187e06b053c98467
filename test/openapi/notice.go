// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package openapi

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

const (
	typePrefix    = "dev.wawebhook."
	schemaSuffix  = ".v1.json"
	accountPrefix = "account."
)

// Notices checks notices by the schemas of docs/schemas. It is safe for concurrent use.
type Notices struct {
	schemas map[string]*jsonschema.Schema // by the type without its prefix
}

// LoadNotices compiles the schema of each type of notices.
func LoadNotices() (*Notices, error) {
	files, err := filepath.Glob(filepath.Join(Folder("schemas"), "*"+schemaSuffix))
	if err != nil {
		return nil, err
	}

	n := &Notices{schemas: map[string]*jsonschema.Schema{}}
	compiler := newCompiler()

	for _, file := range files {
		kind := strings.TrimSuffix(filepath.Base(file), schemaSuffix)
		if n.schemas[kind], err = compiler.Compile("file://" + file); err != nil {
			return nil, fmt.Errorf("compile the schema of %s: %w", kind, err)
		}
	}

	return n, nil
}

// Check reports how a notice violates the schema of its type.
func (n *Notices) Check(body []byte) error {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return errors.New("the notice is not JSON")
	}

	object, _ := value.(map[string]any)
	name, _ := object["type"].(string)

	kind := strings.TrimPrefix(name, typePrefix)
	if strings.HasPrefix(kind, accountPrefix) {
		kind = strings.TrimSuffix(accountPrefix, ".")
	}

	schema := n.schemas[kind]
	if schema == nil {
		return fmt.Errorf("there is no schema of the notice %q", name)
	}

	return describe("notice "+kind, schema.Validate(value))
}
