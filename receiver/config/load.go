// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxFileBytes bounds the configuration file; a ConfigMap holds at most 1 MiB.
const maxFileBytes = 1 << 20

// Load reads, fills and checks the file at path.
func Load(path string) (Config, error) {
	f, err := os.Open(path)
	if err != nil {
		return Config{}, fmt.Errorf("open configuration: %w", err)
	}
	defer f.Close()

	data, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	if err != nil {
		return Config{}, fmt.Errorf("read configuration: %w", err)
	}

	c, err := Parse(data)
	if err != nil {
		return Config{}, fmt.Errorf("configuration %s: %w", path, err)
	}

	return c, nil
}

// Parse reads one YAML document strictly, fills what is absent and checks the result. The error names every fault it
// found, with the line or key.
func Parse(data []byte) (Config, error) {
	if len(data) > maxFileBytes {
		return Config{}, fmt.Errorf("larger than %d bytes", maxFileBytes)
	}

	var c Config

	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)

	if err := decoder.Decode(&c); err != nil {
		return Config{}, readable(err)
	}

	if err := decoder.Decode(new(Config)); !errors.Is(err, io.EOF) {
		return Config{}, errors.New("more than one YAML document; the receiver takes exactly one")
	}

	c = c.WithDefaults()
	if err := c.validate(); err != nil {
		return Config{}, err
	}

	return c, nil
}

var unknownField = regexp.MustCompile(`field (\S+) not found in type \S+`)

// readable puts the decoder's faults into words of the file rather than of the program.
func readable(err error) error {
	if errors.Is(err, io.EOF) {
		return errors.New("empty; at least bird.baseURL must be set")
	}

	typeError, ok := errors.AsType[*yaml.TypeError](err)
	if !ok {
		return err
	}

	faults := make([]string, 0, len(typeError.Errors))
	for _, fault := range typeError.Errors {
		faults = append(faults, unknownField.ReplaceAllString(fault, `unknown key "$1"; see docs/receiver.md for the keys there are`))
	}

	return errors.New(strings.Join(faults, "\n"))
}
