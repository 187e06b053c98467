// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

const (
	// maxNameLength leaves room in the 63 characters of a Service name for the suffixes below and for longer ones. It never
	// changes, since names are part of the Deployment's selector, which is immutable.
	maxNameLength = 52
	hashLength    = 10

	suffixConfig    = "-config"
	suffixStore     = "-store"
	suffixAdmin     = "-admin"
	suffixMessages  = "-messages"
	suffixDashboard = "-dashboard"
)

// suffixes are those of the names of objects. The list never grows, since the names of existing resources would change: a new
// suffix starts with two dashes, which a name without a hash never has.
var suffixes = []string{suffixConfig, suffixStore, suffixAdmin, suffixMessages, suffixDashboard}

// hashed matches a name that ends as those with a hash do. A hash has a letter, so that a phone number is none.
var hashed = regexp.MustCompile(`-[0-9a-f]{10}$`)

// Name returns the prefix of the names of all objects of a resource. It is the resource's name, if that is a valid name of a
// Service and cannot be the name of an object of another resource; otherwise a part of the name and a hash of all of it. So
// two resources of a namespace never have objects of the same name.
func Name(resource string) string {
	if len(resource) <= maxNameLength && len(validation.IsDNS1035Label(resource)) == 0 && !reserved(resource) {
		return resource
	}

	readable := strings.ReplaceAll(resource, ".", "-")
	if readable != "" && readable[0] >= '0' && readable[0] <= '9' {
		readable = "w" + readable
	}

	readable = readable[:min(len(readable), maxNameLength-hashLength-1)]

	return strings.TrimRight(readable, "-") + "-" + hash(resource)
}

// reserved reports whether the name may be that of an object of another resource: "sales-admin" is the name of a Service of
// the resource "sales".
func reserved(resource string) bool {
	return strings.Contains(resource, "--") ||
		slices.ContainsFunc(suffixes, func(suffix string) bool { return strings.HasSuffix(resource, suffix) }) ||
		hashed.MatchString(resource) && strings.ContainsAny(resource[len(resource)-hashLength:], "abcdef")
}

// hash returns the first hexadecimal digits of the name's sum that contain a letter.
func hash(resource string) string {
	sum := sha256.Sum256([]byte(resource))
	digits := hex.EncodeToString(sum[:])
	start := max(strings.IndexAny(digits, "abcdef")-hashLength+1, 0)

	return digits[start:][:hashLength]
}

// Names returns the names of all objects of a resource. Not all of them exist.
func Names(resource string) []string {
	name := Name(resource)
	all := []string{name}

	for _, suffix := range suffixes {
		all = append(all, name+suffix)
	}

	return all
}

// ConfigMapName returns the name of the ConfigMap with the receiver's configuration.
func ConfigMapName(resource string) string {
	return Name(resource) + suffixConfig
}

// MessagesServiceName returns the name of the Service of the messages API of a resource.
func MessagesServiceName(resource string) string { return Name(resource) + suffixMessages }

// AdminServiceName returns the name of the headless Service that lists the pods of a resource.
func AdminServiceName(resource string) string {
	return Name(resource) + suffixAdmin
}
