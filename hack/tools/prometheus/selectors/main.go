// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command selectors parses queries as Prometheus does, and prints the metrics that each of them selects. It reads a JSON
// object of queries by name from standard input, and prints one of their selectors, or of the reason why Prometheus would
// refuse the query.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/prometheus/prometheus/promql/parser"
)

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "selectors:", err)
		os.Exit(1)
	}
}

// query is what Prometheus reads in a query.
type query struct {
	Error     string     `json:"error,omitempty"`
	Selectors []selector `json:"selectors"`
}

// selector selects the series of a metric.
type selector struct {
	Metric string `json:"metric"`
	// Matchers are by label: a value, which begins with ~, ! or !~ if it is not compared for equality.
	Matchers map[string]string `json:"matchers"`
}

func run(in io.Reader, out io.Writer) error {
	var texts map[string]string
	if err := json.NewDecoder(in).Decode(&texts); err != nil {
		return fmt.Errorf("read the queries: %w", err)
	}

	parsed := map[string]query{}
	for name, text := range texts {
		parsed[name] = parse(text)
	}

	return json.NewEncoder(out).Encode(parsed)
}

func parse(text string) query {
	expression, err := parser.NewParser(parser.Options{}).ParseExpr(text)
	if err != nil {
		return query{Error: err.Error()}
	}

	var found query

	parser.Inspect(expression, func(node parser.Node, _ []parser.Node) error {
		vector, ok := node.(*parser.VectorSelector)
		if !ok {
			return nil
		}

		matchers := map[string]string{}
		for _, matcher := range vector.LabelMatchers {
			matchers[matcher.Name] = comparison[matcher.Type.String()] + matcher.Value
		}

		found.Selectors = append(found.Selectors, selector{
			Metric:   vector.Name,
			Matchers: matchers,
		})

		return nil
	})

	return found
}

// comparison is what precedes the value of a matcher.
var comparison = map[string]string{
	"=":  "",
	"=~": "~",
	"!=": "!",
	"!~": "!~",
}
