// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// object is an object of config/ that becomes a template. Its YAML holds tokens, which template replaces by text for Helm.
// err is the first edit whose path was not found: config/ has changed in a way that the chart does not expect.
type object struct {
	root  *yaml.Node
	texts []string // the text for each token, by its number
	err   error
}

var (
	// valueToken is the token of a scalar.
	valueToken = regexp.MustCompile(`helm\.value\.(\d+)`)
	// linesToken is the token of complete lines: a key of a mapping or an element of a list.
	linesToken = regexp.MustCompile(`^( *)(?:- )?helm\.lines\.(\d+)(?:: null)?$`)
	indent     = regexp.MustCompile(`nindent \+(\d+)`)
)

// readObjects returns the objects of a stream by kind and name, as in "Deployment manager".
func readObjects(stream io.Reader) (map[string]*object, error) {
	objects := map[string]*object{}

	decoder := yaml.NewDecoder(stream)
	for {
		document := &yaml.Node{}
		if err := decoder.Decode(document); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}

		o := &object{root: document.Content[0]}
		name := strings.TrimPrefix(o.at("metadata", "name").Value, prefix)

		key := o.at("kind").Value + " " + name
		if o.err != nil {
			return nil, o.err
		}

		objects[key] = o
	}

	if len(objects) == 0 {
		return nil, errors.New("no objects")
	}

	return objects, nil
}

// at returns the node under the keys; a number is an index into a list.
func (o *object) at(path ...string) *yaml.Node {
	node := o.root
	for _, key := range path {
		if node = child(node, key); node == nil {
			o.fail(fmt.Errorf("no %s", strings.Join(path, ".")))
			return &yaml.Node{Kind: yaml.MappingNode}
		}
	}

	return node
}

func child(node *yaml.Node, key string) *yaml.Node {
	if node.Kind == yaml.SequenceNode {
		if i, err := strconv.Atoi(key); err == nil && i < len(node.Content) {
			return node.Content[i]
		}

		return nil
	}

	if i := keyIndex(node, key); i >= 0 {
		return node.Content[i+1]
	}

	return nil
}

// keyIndex returns the index of the key in the content of a mapping, in which keys and values alternate, or -1.
func keyIndex(mapping *yaml.Node, key string) int {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return i
		}
	}

	return -1
}

// fail records the first error.
func (o *object) fail(err error) {
	if o.err == nil {
		o.err = err
	}
}

// token returns a scalar that template replaces by the text. The kind is value or lines.
func (o *object) token(kind, text string) *yaml.Node {
	o.texts = append(o.texts, text)
	return &yaml.Node{Kind: yaml.ScalarNode, Value: "helm." + kind + "." + strconv.Itoa(len(o.texts)-1)}
}

// set replaces the value under the path by an expression.
func (o *object) set(expression string, path ...string) {
	*o.at(path...) = *o.token("value", expression)
}

// has reports whether the mapping under the path has the key.
func (o *object) has(key string, path ...string) bool {
	return keyIndex(o.at(path...), key) >= 0
}

// insert adds lines with a new key to the end of the mapping under the path. In them "nindent +2" means two columns deeper
// than the mapping's keys.
func (o *object) insert(lines, key string, path ...string) {
	if o.has(key, path...) {
		o.fail(fmt.Errorf("%s.%s exists", strings.Join(path, "."), key))
	}

	mapping := o.at(path...)
	mapping.Content = append(mapping.Content, o.token("lines", lines), null())
}

// replace replaces a key and its value by lines.
func (o *object) replace(lines, key string, path ...string) {
	mapping := o.at(path...)

	i := keyIndex(mapping, key)
	if i < 0 {
		o.fail(fmt.Errorf("no %s.%s", strings.Join(path, "."), key))
		return
	}

	mapping.Content[i] = o.token("lines", lines)
	mapping.Content[i+1] = null()
}

// remove removes a key and its value.
func (o *object) remove(key string, path ...string) {
	mapping := o.at(path...)

	i := keyIndex(mapping, key)
	if i < 0 {
		o.fail(fmt.Errorf("no %s.%s", strings.Join(path, "."), key))
		return
	}

	mapping.Content = slices.Delete(mapping.Content, i, i+2)
}

// replaceElement replaces an element of a list by lines, in which each element begins with a dash.
func (o *object) replaceElement(lines string, list *yaml.Node, i int) {
	list.Content[i] = o.token("lines", lines)
}

// appendElements adds lines with elements to the end of a list.
func (o *object) appendElements(lines string, list *yaml.Node) {
	list.Content = append(list.Content, o.token("lines", lines))
}

func null() *yaml.Node {
	return &yaml.Node{
		Kind:  yaml.ScalarNode,
		Tag:   "!!null",
		Value: "null",
	}
}

// template returns the text of the template.
func (o *object) template() (string, error) {
	if o.err != nil {
		return "", o.err
	}

	var b bytes.Buffer

	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	encoder.CompactSeqIndent()

	if err := errors.Join(encoder.Encode(o.root), encoder.Close()); err != nil {
		return "", err
	}

	// Braces in config/ are not meant for Helm.
	plain := strings.ReplaceAll(b.String(), "{{", `{{ "{{" }}`)

	var lines []string
	for line := range strings.Lines(plain) {
		lines = append(lines, o.line(strings.TrimSuffix(line, "\n")))
	}

	return strings.Join(lines, "\n") + "\n", nil
}

// line replaces the tokens of a line.
func (o *object) line(line string) string {
	if match := linesToken.FindStringSubmatch(line); match != nil {
		return indented(o.text(match[2]), len(match[1]))
	}

	return valueToken.ReplaceAllStringFunc(line, func(t string) string {
		return o.text(valueToken.FindStringSubmatch(t)[1])
	})
}

// text returns the text of the token with the number.
func (o *object) text(number string) string {
	i, err := strconv.Atoi(number)
	if err != nil || i >= len(o.texts) {
		return ""
	}

	return o.texts[i]
}

// indented indents lines to a column and resolves each "nindent +n".
func indented(lines string, column int) string {
	lines = indent.ReplaceAllStringFunc(lines, func(match string) string {
		further, err := strconv.Atoi(indent.FindStringSubmatch(match)[1])
		if err != nil {
			return match
		}

		return "nindent " + strconv.Itoa(column+further)
	})
	margin := strings.Repeat(" ", column)

	return margin + strings.ReplaceAll(lines, "\n", "\n"+margin)
}
