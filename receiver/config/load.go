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
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxFileBytes is the maximum size of the configuration file. A ConfigMap holds at most 1 MiB.
const maxFileBytes = 1 << 20

// Load reads, completes and validates the file at path.
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

// Parse decodes one YAML document, fills the defaults and validates the result. The error lists every problem, with its line
// or key. An unknown key is such a problem, or ends up in Config.Ignored if unknownKeys is Ignore.
func Parse(data []byte) (Config, error) {
	if len(data) > maxFileBytes {
		return Config{}, fmt.Errorf("larger than %d bytes", maxFileBytes)
	}

	var c Config

	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)

	if err := decoder.Decode(&c); err != nil {
		if err := c.ignoreUnknownKeys(err); err != nil {
			return Config{}, err
		}
	}

	if err := decoder.Decode(new(Config)); !errors.Is(err, io.EOF) {
		return Config{}, errors.New("more than one YAML document; the receiver accepts exactly one")
	}

	c = c.WithDefaults()
	if err := c.validate(); err != nil {
		return Config{}, err
	}

	return c, nil
}

// ignoreUnknownKeys moves the unknown keys that decoding reported to c.Ignored, if c allows it and nothing else is wrong.
// The decoder has filled all known keys by then.
func (c *Config) ignoreUnknownKeys(err error) error {
	typeError, ok := errors.AsType[*yaml.TypeError](err)

	ignorable := ok && c.UnknownKeys == UnknownKeysIgnore &&
		!slices.ContainsFunc(typeError.Errors, func(problem string) bool { return !unknownField.MatchString(problem) })
	if !ignorable {
		return readable(err)
	}

	for _, problem := range typeError.Errors {
		c.Ignored = append(c.Ignored, unknownField.FindStringSubmatch(problem)[1])
	}

	return nil
}

var unknownField = regexp.MustCompile(`field (\S+) not found in type \S+`)

// readable rewrites the decoder's errors in terms of the file instead of Go types.
func readable(err error) error {
	if errors.Is(err, io.EOF) {
		return errors.New("empty; at least bird.baseURL, or openAI, must be set")
	}

	typeError, ok := errors.AsType[*yaml.TypeError](err)
	if !ok {
		return err
	}

	problems := make([]string, 0, len(typeError.Errors))
	for _, problem := range typeError.Errors {
		problems = append(problems, unknownField.ReplaceAllString(problem, `unknown key "$1"; docs/receiver.md lists all keys`))
	}

	return errors.New(strings.Join(problems, "\n"))
}
