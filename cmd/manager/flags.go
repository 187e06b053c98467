// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/wawebhook/whatsapp-webhook-operator/controllers"
)

// names is a flag with names separated by commas.
type names []string

// String implements flag.Value.
func (n *names) String() string { return strings.Join(*n, ",") }

// Set implements flag.Value.
func (n *names) Set(value string) error {
	*n = nil
	for name := range strings.SplitSeq(value, ",") {
		if name = strings.TrimSpace(name); name != "" {
			*n = append(*n, name)
		}
	}

	return nil
}

// disabledKinds is a flag with optional kinds separated by commas.
type disabledKinds struct{ names }

// Set implements flag.Value.
func (d *disabledKinds) Set(value string) error {
	var kinds names
	if err := kinds.Set(value); err != nil {
		return err
	}

	for _, kind := range kinds {
		if optional := controllers.OptionalKinds(); !slices.Contains(optional, kind) {
			return fmt.Errorf("%q cannot be disabled, only %s", kind, strings.Join(optional, ", "))
		}
	}

	d.names = kinds

	return nil
}

// selector is a flag with a label selector.
type selector struct{ value labels.Selector }

// String implements flag.Value.
func (s *selector) String() string { return s.labels().String() }

// Set implements flag.Value.
func (s *selector) Set(value string) error {
	parsed, err := labels.Parse(value)
	if err != nil {
		return err
	}

	s.value = parsed

	return nil
}

// labels returns the selector, which matches everything by default.
func (s *selector) labels() labels.Selector {
	if s.value == nil {
		return labels.Everything()
	}

	return s.value
}

// limit is a flag with a number that is not negative.
type limit int

// String implements flag.Value.
func (l *limit) String() string { return strconv.Itoa(int(*l)) }

// Set implements flag.Value.
func (l *limit) Set(value string) error {
	number, err := strconv.Atoi(value)
	if err != nil || number < 0 {
		return errors.New("must be a number from 0")
	}

	*l = limit(number)

	return nil
}
