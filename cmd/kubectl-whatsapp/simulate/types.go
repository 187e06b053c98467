// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package simulate plays Meta: it makes deliveries of every kind and sends them, signed, to a receiver.
package simulate

import (
	"bytes"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp/testdata/deliveries"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

const (
	// failedPrefix and errorPrefix are followed by an error code, which may be one without a sample.
	failedPrefix = "status.failed."
	errorPrefix  = "error."
	// sampleError is the sample from which the deliveries of other codes are made, sampleErrorCode the code in it.
	sampleError     = "error.999999"
	sampleErrorCode = "999999"
	// firstMessageCode is the first error code that a status or a webhook reports. Smaller ones answer calls.
	firstMessageCode = 130000
)

// The number and the person of all samples.
const (
	SampleNumber = "100000000000042"
	SamplePerson = "573005550101"
)

// Type is a kind of delivery.
type Type struct {
	Name  string `json:"name"`
	About string `json:"about"`
}

// Types returns all types, by name.
func Types() []Type {
	all := maps.Clone(about)

	for _, code := range cloudapi.Codes() {
		if name := failedPrefix + strconv.Itoa(code); code >= firstMessageCode && all[name] == "" {
			all[name] = meaning(code)
		}
	}

	types := make([]Type, 0, len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		types = append(types, Type{Name: name, About: all[name]})
	}

	return types
}

// meaning returns what an error code says.
func meaning(code int) string {
	return cloudapi.Classify("", cloudapi.ReportedError{Code: code}, nil).Text
}

// Find returns the names of the types that a pattern names: a name, a name without its group such as text, the beginning
// of names such as interactive, a pattern such as 'message.*', or all, which leaves out the malformed ones.
func Find(pattern string) []string {
	var names, beginning []string

	for _, t := range Types() {
		group, short, _ := strings.Cut(t.Name, ".")
		matches := func(name string) bool {
			matched, err := path.Match(pattern, name)
			return matched && err == nil || pattern == name
		}

		switch {
		case matches(t.Name), matches(short), pattern == "all" && group != "odd":
			names = append(names, t.Name)
		case strings.HasPrefix(t.Name, pattern+"."), strings.HasPrefix(short, pattern+"."):
			beginning = append(beginning, t.Name)
		}
	}

	if len(names) == 0 {
		names = beginning
	}

	if len(names) == 0 {
		names = ofCode(pattern)
	}

	return names
}

// ofCode returns the name of a type with an error code that has no sample.
func ofCode(pattern string) []string {
	for _, group := range []string{failedPrefix, errorPrefix} {
		_, short, _ := strings.Cut(failedPrefix, ".")
		code := strings.TrimPrefix(strings.TrimPrefix(pattern, group), short)

		if _, err := strconv.ParseUint(code, 10, 31); err == nil && code != pattern {
			return []string{group + code}
		}
	}

	return nil
}

// Similar returns names that contain a part of a name.
func Similar(pattern string) []string {
	var names []string

	for _, t := range Types() {
		for part := range strings.SplitSeq(pattern, ".") {
			if len(part) > 2 && strings.Contains(t.Name, part) {
				names = append(names, t.Name)
				break
			}
		}
	}

	return names
}

// sample returns the delivery of a type as its sample has it.
func sample(name string) ([]byte, error) {
	if raw, err := deliveries.Files.ReadFile(name + ".json"); err == nil {
		return raw, nil
	}

	if text, ok := strings.CutPrefix(name, failedPrefix); ok {
		code, err := strconv.Atoi(text)
		if err != nil {
			return nil, fmt.Errorf("%s has no sample", name)
		}

		return standin.FailedDelivery(SampleNumber, "wamid.test.out.failed", SamplePerson, "", code, time.Unix(sampleTime, 0)), nil
	}

	if code, ok := strings.CutPrefix(name, errorPrefix); ok {
		raw, err := deliveries.Files.ReadFile(sampleError + ".json")

		return bytes.ReplaceAll(raw, []byte(sampleErrorCode), []byte(code)), err
	}

	return nil, fmt.Errorf("%s has no sample", name)
}

// sampleTime is the time of all samples, in seconds since 1970.
const sampleTime = 1795430400
